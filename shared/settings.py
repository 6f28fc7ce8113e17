"""Settings of a service, from environment variables with the prefix `TAGWERK_`.

Read once, at the composition root; nothing else looks at the environment. Each is documented in
`docs/operations.md`, and a test fails when one is not. Each may lie in a file instead, named by the same
variable with `_FILE` behind (`shared.setting_files`); those that can hold a secret are not shown with the
others.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.setting_files import SettingFiles

#: An address that can have a password in it.
Secret = Annotated[str, Field(repr=False)]
OptionalSecret = Annotated[str | None, Field(repr=False)]


class FiledSettings(BaseSettings):
    """Settings from the environment, or from files that it names. What is wrong is told without its value."""

    model_config = SettingsConfigDict(env_prefix="TAGWERK_", extra="ignore", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SettingFiles(settings_cls)


class Settings(FiledSettings):
    #: Address of the bus: `nats://127.0.0.1:4222`, over a network `tls://…`; with user and password where
    #: there is no key.
    nats_url: Secret
    #: File with the seed of the service's NKey, by which it signs in to the bus.
    nats_nkey_file: Path | None = None
    #: Certificates by which the bus is believed, if not those of the system.
    nats_ca_file: Path | None = None
    #: Certificate and key that the service shows to the bus, where that asks for one.
    nats_cert_file: Path | None = None
    nats_key_file: Path | None = None
    #: Address of the database, with the service's role: `postgresql://…` or `…?host=/socket/folder`.
    database_url: Secret
    #: Where files lie, as obstore spells it: `file:///srv/tagwerk/files` or `s3://bucket/prefix`.
    files_url: Secret
    #: Hosts that may be connected to without TLS, besides this machine, separated by commas; and the
    #: gateway's own `http_host`, where it may listen so.
    plaintext_hosts: str | None = None
    #: Number of runs that one worker process works on at once, for jobs that wait more than they compute.
    slots: int = Field(default=128, ge=1, le=10_000)
    #: Number of CPU-bound child processes at once in one worker process.
    cpu_slots: int = Field(default=2, ge=1, le=256)
    #: Seconds without a heartbeat after which a request is given to another worker.
    ack_wait: float = Field(default=15.0, ge=1.0)
    #: Seconds between a cancel and the end of a task that does not yield.
    cancel_grace: float = Field(default=10.0, ge=0.0)
    #: Where the gateway listens.
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    #: Certificate, with its chain, and key by which the gateway serves HTTPS; without them HTTP.
    http_cert_file: Path | None = None
    http_key_file: Path | None = None
    #: File with the hash of the development administrator's token; the gateway reads it when it changes.
    sign_in_file: Path | None = None
    #: Address at which browsers reach the gateway, if not that of `http_host` and `http_port`.
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+$")
    #: Addresses of reverse proxies whose `X-Forwarded-For` is believed, separated by commas.
    trusted_proxies: str | None = None
    #: Minutes without a request after which a session ends, and hours after which it ends in any case.
    session_idle_minutes: float = Field(default=30.0, gt=0)
    session_hours: float = Field(default=12.0, gt=0)
    #: Sign-ins that one address may try in a minute.
    sign_ins_per_minute: int = Field(default=20, ge=1)
    #: Requests of one principal to one gateway process: over time, and at once.
    requests_per_second: float = Field(default=300.0, gt=0)
    request_burst: int = Field(default=10_000, ge=1)
    #: TOML file of the installation's own roles, and of what groups at the identity provider mean.
    policy_file: Path | None = None
    #: OpenID Connect: the identity provider, and how the gateway is known there.
    openid_issuer: str | None = None
    openid_client_id: str | None = None
    openid_client_secret_file: Path | None = None
    #: Largest upload in bytes.
    upload_limit: int = Field(default=100 * 1024 * 1024, ge=1)
    #: Folder of Tesseract's language files, if not those of the wheel.
    tessdata: Path | None = None
    #: Languages for OCR, as Tesseract names them.
    ocr_languages: str = "deu+eng"
    #: TOML file that says which approval an invoice needs; without one the built-in rules hold.
    approval_rules: Path | None = None
    #: Systems outside that may be connected to, separated by commas: `api.example.com`, `*.example.org`,
    #: `192.0.2.7:22`; without it those that settings and files of rules name.
    destinations: str | None = None
    #: Where the European Central Bank publishes the newest reference rates, and those of 90 days.
    ecb_daily_url: str = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
    ecb_history_url: str = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml"
    #: Where the Swiss customs office publishes the newest daily rates.
    bazg_daily_url: str = "https://www.backend-rates.bazg.admin.ch/api/xmldaily?locale=en"
    #: TOML file of the clients' own accounts, from which payments are ordered.
    accounts_file: Path | None = None
    #: Folder into which payment files go besides, one below it for each client; the bank's software takes
    #: them from there.
    payments_folder: Path | None = None
    #: TOML file of the clients' mailboxes, from which documents are brought in.
    mailboxes_file: Path | None = None
    #: TOML file that says how the clients' invoices are booked in their ERP, and where exports go.
    erp_file: Path | None = None
    #: The mail server: `smtp://user:password@host:587`, or `smtps://…`; without it nothing is mailed.
    smtp_url: OptionalSecret = None
    #: Certificates by which the mail server is believed, if not those of the system.
    smtp_ca_file: Path | None = None
    #: From whom mails come: `Tagwerk <tagwerk@example.com>`.
    mail_from: str = "Tagwerk <tagwerk@localhost>"
    #: Domains to which mails may go, separated by commas; without it to all.
    mail_domains: str | None = None
    #: TOML file that says who is told of which alerts; without it they are shown, and nobody is told.
    alert_rules: Path | None = None
    #: TOML file that says when people are reminded, and whom besides; without one the built-in steps hold.
    reminder_rules: Path | None = None
    #: Folder into which reports can go besides, one below it for each client.
    reports_folder: Path | None = None
    #: PEM file with the Ed25519 key that signs heads of the audit log; without it none are signed.
    audit_key_file: Path | None = None
    #: To whom signed heads go: a folder, and an address that takes a POST of each.
    audit_heads_folder: Path | None = None
    audit_webhook_url: str | None = Field(default=None, repr=False, pattern=r"^https?://[^/?#@\s]+")
    #: Minutes after which an entry of the audit log is covered by a signed head; after 1,000 entries in any
    #: case.
    audit_head_minutes: float = Field(default=60.0, gt=0)
    #: TOML file of retention periods and legal holds of the audit log.
    audit_retention: Path | None = None
    #: Address of the database, with the role that may remove contents of the audit log: `audit_keeper`.
    audit_keeper_url: OptionalSecret = None
    #: The MQTT broker: `mqtt://user:password@127.0.0.1:1883`, over a network `mqtts://…`.
    mqtt_url: OptionalSecret = None
    #: What the bridge takes and tells: TOML, see docs/operations.md.
    mqtt_rules: Path | None = None
    #: MQTT 3.1.1, or 5 where the broker knows it.
    mqtt_version: str = Field(default="3.1.1", pattern=r"^(3\.1\.1|5)$")
    #: Certificates by which the broker is believed, if not those of the system.
    mqtt_ca_file: Path | None = None
    #: Name by which the broker knows the bridge, and keeps its messages while it is away.
    mqtt_client_id: str = Field(default="tagwerk-bridge", min_length=1, max_length=23)
    #: Largest payload in bytes; what the bus takes is 1 MB, with base64.
    mqtt_payload_limit: int = Field(default=512 * 1024, ge=1, le=700_000)
    #: Zone of the times on pages, for those who have not chosen another.
    time_zone: str = "Europe/Zurich"
    #: Where spans go: the base address of an OTLP/HTTP collector, `http://127.0.0.1:4318`; without it none
    #: are recorded.
    otlp_endpoint: str | None = Field(default=None, pattern=r"^(https?://[^@?#\s]+)?$")
    #: Share of the traces that are recorded, of those that begin here.
    trace_sample: float = Field(default=1.0, ge=0.0, le=1.0)
    #: Where health, version and metrics are answered, `127.0.0.1:9464`; without it nowhere. For a closed
    #: network: there is no sign-in.
    health_listen: str | None = Field(default=None, pattern=r"^(\[[0-9a-fA-F:.]+\]|[^:\s]+):\d{1,5}$")
    #: The revision of the source that runs, told by `/version`.
    revision: str | None = None
    #: `console` for people, `json` for machines.
    #: Where the status service takes spans in (OTLP/HTTP), `127.0.0.1:4318`; without it none are kept.
    otlp_listen: str | None = Field(default=None, pattern=r"^[^:]+:\d+$|^\[[0-9a-f:]+\]:\d+$")
    #: Days that it keeps them.
    spans_days: int = Field(default=3, ge=1, le=30)
    log_format: str = "console"
    log_level: str = "info"
