"""The sign-in of the development administrator: a random bearer token, valid for 30 days.

The token lies in `credentials.json`, which the command line reads; the gateway gets its hash alone, in
`sign-in.json`, and reads that file again whenever it changes. A browser gets in with a link, of which the
file has the hash, too.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from deploy.local.state import write_private
from shared.errors import TagwerkError

PRINCIPAL: Final = "admin"
LIFETIME: Final = timedelta(days=30)
#: A link works once, and no longer than this.
LINK_LIFETIME: Final = timedelta(minutes=15)
#: Links that are kept beside the newest one.
_LINKS: Final = 9

CREDENTIALS_FILE: Final = "credentials.json"
SIGN_IN_FILE: Final = "sign-in.json"


@dataclass(frozen=True, slots=True)
class SignIn:
    #: Base address of the gateway.
    url: str
    #: Bearer token.
    token: str = field(repr=False)
    principal: str
    expires_at: datetime


def issue_sign_in(state: Path, url: str | None = None) -> SignIn:
    """Make a new token for the administrator; the one before stops working.

    `url` is the gateway's address, by default the one of the last start. Raises `TagwerkError`
    (`stack_never_started`) when there is none.
    """
    address = url or _read(state / CREDENTIALS_FILE).get("url")
    if address is None:
        raise _never_started(state)
    token = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + LIFETIME
    # Killed between the two, the hashes differ: the next start issues another one.
    write_private(state / CREDENTIALS_FILE, {"url": address, "token": token})
    write_private(
        state / SIGN_IN_FILE,
        {"principal": PRINCIPAL, "token_sha256": _hash(token), "expires_at": expires_at.isoformat()},
    )
    return SignIn(address, token, PRINCIPAL, expires_at)


def ensure_sign_in(state: Path, url: str) -> SignIn:
    """The current sign-in, at this address; a new one if there is none or it has expired."""
    credentials, sign_in = _read(state / CREDENTIALS_FILE), _read(state / SIGN_IN_FILE)
    token = credentials.get("token")
    if token is None or sign_in.get("token_sha256") != _hash(token):
        return issue_sign_in(state, url)
    expires_at = datetime.fromisoformat(sign_in["expires_at"])
    if expires_at <= datetime.now(UTC):
        return issue_sign_in(state, url)
    if credentials["url"] != url:
        write_private(state / CREDENTIALS_FILE, {"url": url, "token": token})
    return SignIn(url, token, sign_in["principal"], expires_at)


def issue_link(state: Path) -> str:
    """Address with which a browser signs in as the administrator, once. Raises `TagwerkError`
    (`stack_never_started`)."""
    sign_in = _read(state / SIGN_IN_FILE)
    address = _read(state / CREDENTIALS_FILE).get("url")
    if address is None or not sign_in:
        raise _never_started(state)
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    going = [link for link in sign_in.get("links", []) if datetime.fromisoformat(link["expires_at"]) > now]
    link = {"sha256": _hash(token), "expires_at": (now + LINK_LIFETIME).isoformat()}
    write_private(state / SIGN_IN_FILE, sign_in | {"links": [*going[-_LINKS:], link]})
    return f"{address}/sign-in/link?token={token}"


def _never_started(state: Path) -> TagwerkError:
    return TagwerkError(
        "stack_never_started",
        "no stack has been started in this state folder",
        concern=str(state),
        next_step="Start one with `make up`, which also makes a sign-in.",
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return content
