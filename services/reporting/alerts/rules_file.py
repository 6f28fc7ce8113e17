"""The rules file (`TAGWERK_ALERT_RULES`), TOML; see docs/alerts.md. Read once, when the service starts: a
wrong one stops it, with the rule, the cause and what to do."""

import os
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from standardwebhooks import Webhook as Signer

from services.reporting.alerts.rules import ANYBODY, OWNER, WEBHOOK, Rule, Rules, Webhook
from shared.errors import TagwerkError
from shared.rule_tables import RulesFile, meant
from shared.words import AlertKind, Severity


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _address(value: str) -> str:
    name, address = parseaddr(value)
    if name or address != value or "@" not in address.strip("@") or " " in address:
        raise ValueError(f"{value!r} is no mail address")
    return value


def _destination(value: str) -> str:
    return value if value == OWNER or value.startswith(WEBHOOK) else _address(value)


Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_one_or_more)]
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
]
Destinations = Annotated[
    tuple[Annotated[str, AfterValidator(_destination)], ...], BeforeValidator(_one_or_more)
]
Kinds = Annotated[frozenset[AlertKind], BeforeValidator(_one_or_more)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Rule(_Strict):
    name: str = Field(min_length=1, max_length=100)
    on: Kinds = frozenset()
    jobs: Words = ()
    clients: Words = ()
    severity: Severity | None = None
    #: Empty: nobody is told.
    to: Destinations
    group_minutes: float = Field(default=1.0, ge=0, le=1440)
    per_hour: int = Field(default=10, ge=1, le=1000)
    #: 0: never.
    repeat_hours: float = Field(default=24.0, ge=0, le=720)

    def rule(self) -> Rule:
        return Rule(
            name=self.name,
            on=self.on,
            jobs=self.jobs,
            clients=self.clients,
            severity=self.severity,
            to=self.to,
            group=timedelta(minutes=self.group_minutes),
            per_hour=self.per_hour,
            repeat=timedelta(hours=self.repeat_hours) if self.repeat_hours else None,
        )


class _Webhook(_Strict):
    url: str = Field(pattern=r"^https?://[^/?#@\s]+")
    #: Where the secret stands, as `whsec_…` or base64: a file, or an environment variable.
    secret_file: Path | None = None
    secret_env: str | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> "_Webhook":
        if (self.secret_file is None) == (self.secret_env is None):
            raise ValueError("give either `secret_file` or `secret_env`")
        return self

    def webhook(self, name: str) -> Webhook:
        """Raises `ValueError` for a secret that is not there, or none."""
        if self.secret_file is not None:
            try:
                secret = self.secret_file.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is no text"
                raise ValueError(f"secret_file {self.secret_file} cannot be read: {reason}") from error
        else:
            secret = os.environ.get(self.secret_env or "", "")
        try:
            Signer(secret)
        except (ValueError, RuntimeError) as error:
            raise ValueError("its secret is empty, or no base64 (`whsec_…`)") from error
        except Exception as error:
            # The library's own error for an empty one derives from nothing better.
            raise ValueError("its secret is empty") from error
        return Webhook(name, self.url, secret)


class _Tables(_Strict):
    language: Literal["en", "de"] = "en"
    owners: dict[str, Addresses] = Field(default_factory=dict)
    webhooks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")], _Webhook] = Field(
        default_factory=dict
    )


_TABLES = ("alert", *_Tables.model_fields)


def read_rules(path: Path | None, *, mails: bool = True, domains: frozenset[str] | None = None) -> Rules:
    """The rules of the file; without one every alert is shown and nobody told. `mails`: whether there is a
    mail server; `domains`: those that mails may go to, None for all. Raises `alert_rules_invalid`."""
    if path is None:
        return Rules()

    def wrong(cause: str) -> TagwerkError:
        return _wrong(path, cause)

    file = RulesFile.read(
        path, _TABLES, wrong, written="there are [[alert]], [owners], [webhooks.<name>] and language"
    )
    # Everything but the rules themselves.
    rest = {name: value for name, value in file.content.items() if name != "alert"}
    tables = file.one("the file", rest, _Tables)
    webhooks: dict[str, Webhook] = {}
    for name, hook in tables.webhooks.items():
        try:
            webhooks[name] = hook.webhook(name)
        except ValueError as error:
            raise wrong(f"[webhooks.{name}]: {error}") from error
    rules: list[Rule] = []
    for where, table in file.rules("alert", _Rule):
        rule = table.rule()
        if any(other.name == rule.name for other in rules):
            raise wrong(f"{where}: the name is used twice")
        if before := next((other for other in rules if _covers(other, rule)), None):
            raise wrong(f"{where}: {before.name} takes all that this could, so it is never asked")
        _check_destinations(f"{where}: to", rule, tables.owners, webhooks, wrong, mails=mails)
        addresses = [to for to in rule.to if "@" in to]
        if OWNER in rule.to:
            addresses += [address for owner in tables.owners.values() for address in owner]
        for address in addresses:
            if domains is not None and (domain := address.rpartition("@")[2].lower()) not in domains:
                raise wrong(f"{where}: no mail may go to {domain} (TAGWERK_MAIL_DOMAINS)")
        rules.append(rule)
    if not rules:
        raise wrong("it has no [[alert]]")
    return Rules(rules, tables.owners, webhooks, tables.language)


def _check_destinations(
    where: str,
    rule: Rule,
    owners: Mapping[str, object],
    webhooks: Mapping[str, object],
    wrong: Any,
    *,
    mails: bool,
) -> None:
    for to in rule.to:
        if to == OWNER and ANYBODY not in owners:
            raise wrong(f'{where}: `owner` needs a table [owners] with an entry "*", for what nobody owns')
        if to.startswith(WEBHOOK):
            name = to.removeprefix(WEBHOOK)
            if name not in webhooks:
                raise wrong(f"{where}: there is no [webhooks.{name}]{meant(name, webhooks)}")
        elif not mails:
            raise wrong(f"{where}: {to} is told by mail, and no mail server is set (TAGWERK_SMTP_URL)")


def _covers(one: Rule, other: Rule) -> bool:
    """Whether `one`, which stands before, takes everything that fits `other`, as far as can be told."""
    return (
        (not one.on or (bool(other.on) and other.on <= one.on))
        and (not one.jobs or one.jobs == other.jobs)
        and (not one.clients or one.clients == other.clients)
    )


def _wrong(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "alert_rules_invalid",
        f"the rules for alerts in {path} cannot be used: {cause}",
        concern=str(path),
        next_step="Correct the file (docs/alerts.md shows one), or leave out TAGWERK_ALERT_RULES, then start"
        " the service again.",
    )
