"""Who asks: bearer tokens (https://www.rfc-editor.org/rfc/rfc6750), of the table or of the sign-in file.

The sign-in file belongs to whoever owns the machine; it holds the hash of the development
administrator's token, of which only the newest one counts, and those of links for a browser, each of which
works once.
"""

import hmac
import secrets
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import structlog
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from services.gateway.identity.asker import Asker
from services.gateway.identity.core import address_group, secret_hash
from services.gateway.identity.rates import Limits
from services.gateway.identity.rejections import Rejections
from services.gateway.identity.sessions import Sessions, Visitor
from services.gateway.principals import publish_principals
from services.gateway.store import Accounts, StoredToken, mark_link_used, write_principal
from shared.access import ADMINISTRATOR, EVERY_CLIENT, Principal
from shared.buckets import Bucket
from shared.errors import TagwerkError
from shared.events import now

log = structlog.get_logger(__name__)

#: So that tools that look for leaked secrets know one when they see it.
TOKEN_PREFIX = "tagwerk_"  # noqa: S105  (no token, but what each begins with)

#: Longer than any link lives.
LINK_REMEMBERED = timedelta(days=1)


class SignInLink(BaseModel):
    """A link with which a browser gets in."""

    #: Lower-case hex.
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires_at: AwareDatetime


class SignInFile(BaseModel):
    """Written by the local stack."""

    principal: str
    #: Lower-case hex.
    token_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires_at: AwareDatetime
    links: list[SignInLink] = []


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def development_administrator(id: str) -> Principal:
    return Principal(
        id=id,
        name="Development administrator",
        roles=frozenset({ADMINISTRATOR}),
        clients=frozenset({EVERY_CLIENT}),
    )


class TokenRejected(TagwerkError):
    """Wrong, expired or revoked: the answer does not say which, the audit log does."""

    def __init__(self) -> None:
        super().__init__(
            "token_rejected",
            "this token is not valid, or not any more",
            next_step="Sign in again (`tagwerk sign-in`), or ask an administrator for a new token.",
        )


class LinkRejected(TagwerkError):
    """Wrong, expired or used: the answer does not say which, the audit log does."""

    def __init__(self) -> None:
        super().__init__(
            "link_rejected",
            "this link does not work, or not any more: each works once, and for a few minutes",
            next_step="Make a new one with `tagwerk open`.",
        )


class SignIn:
    """Finds the principal behind a token or a link."""

    def __init__(
        self,
        accounts: Accounts,
        published: Bucket[Principal],
        rejections: Rejections,
        limits: Limits,
        file: Path | None,
    ) -> None:
        self._accounts = accounts
        self._published = published
        self._rejections = rejections
        self._limits = limits
        self._file = file
        self._read_at: tuple[int, int] | None = None
        self._development: SignInFile | None = None

    @property
    def managed(self) -> str | None:
        """The principal that the sign-in file makes an administrator."""
        return self._development.principal if self._development else None

    async def asker_of(self, token: str, address: str) -> Asker:
        """Raises `TokenRejected`, `too_many_requests`; `address` is where the request came from."""
        found = await self._look(token)
        return await self._reject(address, found) if isinstance(found, str) else found

    async def holder(self, token: str) -> Asker:
        """Whose token it is now, for somebody who came in with it. Raises `TokenRejected`."""
        found = await self._look(token)
        if isinstance(found, str):
            raise TokenRejected
        return found

    async def _look(self, token: str) -> Asker | str:
        """Who asks, or why the token opens nothing."""
        sha256 = secret_hash(token)
        await self.read_file()
        development = self._development
        if development is not None and hmac.compare_digest(sha256.hex(), development.token_sha256):
            if development.expires_at <= now():
                return f"the token of {development.principal} has expired"
            return Asker.of(development_administrator(development.principal))
        owner = await self._accounts.owner_of(sha256)
        if owner is None:
            return "unknown token"
        stored, principal = owner.token, owner.principal
        reason = _why_not(stored, principal)
        if reason is not None:
            return reason
        return Asker.of(
            self._accounts.effective(principal),
            scopes=stored.scopes,
            jobs=stored.jobs,
            clients=stored.clients,
        )

    async def _reject(self, address: str, reason: str) -> NoReturn:
        self._limits.rejection(address_group(address))
        await self._rejections.record(address, reason)
        raise TokenRejected

    async def look_at_link(self, token: str) -> SignInFile:
        """The sign-in that a link belongs to, if it has not expired. Raises `LinkRejected`."""
        await self.read_file()
        hashed = secret_hash(token).hex()
        for link in self._development.links if self._development else ():
            if hmac.compare_digest(link.sha256, hashed) and link.expires_at > now():
                assert self._development is not None
                return self._development
        raise LinkRejected

    async def use_link(self, token: str, sessions: Sessions, visitor: Visitor) -> str:
        """Open a session with a link, once; returns the session's secret. Raises `LinkRejected`."""
        self._limits.sign_in(address_group(visitor.address))
        try:
            file = await self.look_at_link(token)
            async with self._accounts.changing() as tx:
                # Together with the session: a link is used if and only if it opened one.
                if not await mark_link_used(tx, secret_hash(token), until=now() + LINK_REMEMBERED):
                    raise LinkRejected
                return await sessions.open(tx, development_administrator(file.principal), "link", visitor)
        except LinkRejected:
            await self._rejections.record(visitor.address, "a sign-in link that is wrong, expired or used")
            raise

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


def _why_not(token: StoredToken, principal: Principal) -> str | None:
    if token.revoked_at is not None:
        return f"the token of {principal.id} was revoked"
    if token.expires_at <= now():
        return f"the token of {principal.id} has expired"
    if not principal.active:
        return f"{principal.id} is deactivated"
    return None
