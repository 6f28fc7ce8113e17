"""How a service reaches the bus and signs in there, and what it does when the bus refuses it something."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog
from faststream.nats.security import NatsSecurity

from shared.errors import Failure
from shared.permissions import inbox_prefix
from shared.settings import Settings
from shared.tls import FileContext, hosts, refuse_plain_bus, refuse_plain_database

log = structlog.get_logger(__name__)

_REFUSED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


def refuse_plain(settings: Settings) -> None:
    """Raises `plaintext_refused` where a bus or a database is reached over a network without TLS."""
    allowed = hosts(settings.plaintext_hosts)
    refuse_plain_bus(settings.nats_url, allowed)
    refuse_plain_database(settings.database_url, allowed)
    if settings.audit_keeper_url is not None:
        refuse_plain_database(settings.audit_keeper_url, allowed, setting="TAGWERK_AUDIT_KEEPER_URL")


def bus_tls(
    url: str, ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> dict[str, Any]:
    """Options of `nats.connect` for `tls://…`; none for another address. Raises `certificates_unreadable`.

    TLS comes first. A client that waited for the server's greeting would believe whoever greets it that
    there is no TLS here, and send its password.
    """
    if not url.startswith("tls://"):
        return {}
    return {"tls": FileContext.client(ca, certificate, key), "tls_handshake_first": True}


def security(settings: Settings) -> NatsSecurity | None:
    """The same, as FastStream takes it."""
    options = bus_tls(
        settings.nats_url, settings.nats_ca_file, settings.nats_cert_file, settings.nats_key_file
    )
    if not options:
        return None
    return NatsSecurity(ssl_context=options["tls"], use_ssl=True, tls_handshake_first=True)


def sign_in(settings: Settings, service: str) -> dict[str, Any]:
    """Options of nats-py: the service's key, where it has one, and where its answers come in."""
    options: dict[str, Any] = {"inbox_prefix": inbox_prefix(service)}
    if settings.nats_nkey_file is not None:
        # A path: the seed is read when the server asks for a signature, so a new one counts at the next.
        options["nkeys_seed"] = str(settings.nats_nkey_file)
    return options


def refusals(service: str, refused: Callable[[str, Failure], None]) -> Callable[[Exception], Awaitable[None]]:
    """What to give to nats-py as `error_cb`. `refused` is told the subject that the service's user may not
    publish to, or hear, and what to do about it; the server says it nowhere else."""

    async def heard(error: Exception) -> None:
        found = _REFUSED.search(str(error))
        if found is None:
            log.debug("the connection to nats-server", error=repr(error))
            return
        subject = found[2]
        publishes = found[1].lower() == "publish"
        failure = Failure(
            code="not_permitted",
            cause=f"nats-server does not let {service} publish to {subject}"
            if publishes
            else f"nats-server does not let {service} hear {subject}",
            concern=subject,
            next_step="Deploy the bus's users as this version of Tagwerk has them (docs/permissions.md): "
            "`python -m deploy.generated` writes them. Then start the bus or the service again.",
        )
        log.error("the bus refuses what the service needs", cause=failure.cause)
        refused(subject, failure)

    return heard
