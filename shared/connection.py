"""How a service signs in to the bus, and what it does when the bus refuses it something."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from shared.errors import Failure
from shared.permissions import inbox_prefix
from shared.settings import Settings

log = structlog.get_logger(__name__)

_REFUSED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


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
        act, subject = ("publish to" if found[1].lower() == "publish" else "hear"), found[2]
        failure = Failure(
            code="not_permitted",
            cause=f"nats-server does not let {service} {act} {subject}",
            concern=subject,
            next_step="Deploy the bus's users as this version of Tagwerk has them (docs/permissions.md): "
            "`python -m deploy.generated` writes them. Then start the bus or the service again.",
        )
        log.error("the bus refuses what the service needs", act=act, subject=subject)
        refused(subject, failure)

    return heard
