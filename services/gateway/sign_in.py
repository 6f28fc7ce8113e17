"""Who asks: bearer tokens (https://www.rfc-editor.org/rfc/rfc6750), of the table or of the sign-in file.

The sign-in file belongs to whoever owns the machine; it holds the hash of the development
administrator's token, and only the newest one counts.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from services.gateway.principals import publish_principals
from services.gateway.store import Accounts, write_principal
from shared.access import ADMINISTRATOR, EVERY_CLIENT, Principal
from shared.audit import AuditEntry, audit
from shared.buckets import Bucket
from shared.bus import Bus
from shared.errors import TagwerkError
from shared.events import now

log = structlog.get_logger(__name__)

#: So that tools that look for leaked secrets know one when they see it.
TOKEN_PREFIX = "tagwerk_"  # noqa: S105  (no token, but what each begins with)

#: Rejected sign-ins that are audited in a minute; of those beyond, the next entry tells the number.
AUDITED_PER_MINUTE = 30


class SignInFile(BaseModel):
    """Written by the local stack."""

    principal: str
    #: Lower-case hex.
    token_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires_at: AwareDatetime


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def development_administrator(id: str) -> Principal:
    return Principal(
        id=id,
        name="Development administrator",
        roles=frozenset({ADMINISTRATOR}),
        clients=frozenset({EVERY_CLIENT}),
    )


class NotSignedIn(TagwerkError):
    def __init__(self) -> None:
        super().__init__(
            "not_signed_in",
            "this request carries no token",
            next_step="Send the header `Authorization: Bearer <token>`; `tagwerk sign-in` issues one.",
        )


class TokenRejected(TagwerkError):
    """Wrong, expired or revoked: the answer does not say which, the audit log does."""

    def __init__(self) -> None:
        super().__init__(
            "token_rejected",
            "this token is not valid, or not any more",
            next_step="Sign in again (`tagwerk sign-in`), or ask an administrator for a new token.",
        )


class SignIn:
    """Finds the principal behind a token."""

    def __init__(self, accounts: Accounts, published: Bucket[Principal], bus: Bus, file: Path | None) -> None:
        self._accounts = accounts
        self._published = published
        self._failures = RejectedSignIns(bus)
        self._file = file
        self._read_at: tuple[int, int] | None = None
        self._development: SignInFile | None = None

    @property
    def managed(self) -> str | None:
        """The principal that the sign-in file makes an administrator."""
        return self._development.principal if self._development else None

    async def principal_of(self, token: str, address: str) -> Principal:
        """Raises `TokenRejected`; `address` is where the request came from, for the audit."""
        sha256 = token_hash(token)
        await self.read_file()
        development = self._development
        if development is not None and hmac.compare_digest(sha256.hex(), development.token_sha256):
            if development.expires_at <= now():
                await self._failures.record(address, f"the token of {development.principal} has expired")
                raise TokenRejected
            return development_administrator(development.principal)
        owner = await self._accounts.owner_of(sha256)
        reason = _why_not(owner.revoked, owner.expires_at, owner.principal) if owner else "unknown token"
        if owner is None or reason is not None:
            await self._failures.record(address, reason or "unknown token")
            raise TokenRejected
        return owner.principal

    async def read_file(self) -> None:
        """Take over the sign-in file if it has changed, and make its principal an administrator."""
        if self._file is None:
            return
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._development, self._read_at = None, None
            return
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._read_at:
            return
        try:
            development = SignInFile.model_validate_json(self._file.read_bytes())
            administrator = development_administrator(development.principal)
        except (ValidationError, OSError) as error:
            # Neither the old token nor a new one: nobody knows what was meant.
            log.error("the sign-in file cannot be read", file=str(self._file), error=str(error))
            self._development, self._read_at = None, stamp
            return
        # Runs that the administrator causes are checked against the published principals.
        if await self._accounts.principal(administrator.id) != administrator:
            async with self._accounts.changing() as tx:
                await write_principal(tx, administrator, by="sign-in file")
            await publish_principals(self._accounts, self._published)
        self._development, self._read_at = development, stamp


def _why_not(revoked: bool, expires_at: datetime, principal: Principal) -> str | None:
    if revoked:
        return f"the token of {principal.id} was revoked"
    if expires_at <= now():
        return f"the token of {principal.id} has expired"
    if not principal.active:
        return f"{principal.id} is deactivated"
    return None


@dataclass(slots=True)
class RejectedSignIns:
    """Audits rejected sign-ins, but no flood of them."""

    bus: Bus
    minute: int = 0
    audited: int = 0
    left_out: int = 0

    async def record(self, address: str, reason: str) -> None:
        minute = int(time.monotonic() // 60)
        if minute != self.minute:
            self.minute, self.audited = minute, 0
        if self.audited >= AUDITED_PER_MINUTE:
            self.left_out += 1
            return
        self.audited += 1
        left_out, self.left_out = self.left_out, 0
        if left_out:
            reason = f"{reason}; {left_out} more were rejected since the entry before"
        await audit(
            self.bus,
            AuditEntry(action="sign_in_rejected", principal="unknown", concern=address, reason=reason),
        )
