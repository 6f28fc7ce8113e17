"""Sign-in with a password, and its change."""

import re
from dataclasses import dataclass

from services.gateway.identity import credentials
from services.gateway.identity.asker import Asker, SignedIn
from services.gateway.identity.core import address_group
from services.gateway.identity.credentials import Attempt, Credential
from services.gateway.identity.passwords import Hasher, check_password
from services.gateway.identity.rates import Limits
from services.gateway.identity.rejections import Rejections
from services.gateway.identity.sessions import Sessions, Visitor, end_sessions, replace_secret
from services.gateway.store import Accounts, lock_principal
from shared.access import Principal
from shared.audit import AuditEntry, audit
from shared.bus import Bus
from shared.database import Pool
from shared.errors import TagwerkError
from shared.outbox import Transaction
from shared.words import PrincipalKind

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
#: Looked up in place of what cannot be a name, so that the answer takes as long.
_NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the browser gets."""

    principal: str
    session: str
    device: str
    must_change: bool


class SignInRefused(TagwerkError):
    """The same for an unknown name, a wrong password, a locked account and a deactivated one."""

    def __init__(self) -> None:
        super().__init__(
            "sign_in_refused",
            "name or password are not right, or the account waits after too many failures",
            next_step="Try again; after some failures an account waits for up to 15 minutes. "
            "An administrator can set a new password.",
        )


class LocalSignIn:
    def __init__(
        self,
        bus: Bus,
        pool: Pool,
        accounts: Accounts,
        sessions: Sessions,
        rejections: Rejections,
        limits: Limits,
    ) -> None:
        self._bus = bus
        self._pool = pool
        self._accounts = accounts
        self._sessions = sessions
        self._rejections = rejections
        self._limits = limits
        self._hasher = Hasher()

    async def sign_in(self, name: str, password: str, visitor: Visitor) -> Opened:
        """Raises `SignInRefused`, `too_many_requests`, `sign_in_busy`."""
        self._limits.sign_in(address_group(visitor.address))
        folded = name.strip().casefold()
        known = folded if _NAME.fullmatch(folded) else _NOBODY
        attempt = await credentials.begin_attempt(self._pool, known, visitor.device, visitor.address)
        found = await credentials.credential_of(self._pool, known)
        # Also where it changes nothing: how long an answer takes tells nothing.
        fits = await self._hasher.verify(found.hash if found else None, password)
        reason = _why_not(found, attempt, fits)
        if found is None or found.hash is None or reason is not None:
            await self._tell(found, attempt, visitor, reason or "unknown name")
            raise SignInRefused
        renewed = await self._hasher.hash(password) if self._hasher.needs_rehash(found.hash) else None
        async with self._accounts.changing() as tx:
            principal = await lock_principal(tx, found.principal.id)
            if principal is None or not principal.active:
                raise SignInRefused
            await credentials.forget_failures(tx, attempt)
            if renewed is not None:
                await credentials.renew_hash(tx, principal.id, found.hash, renewed)
            device = await credentials.remember_device(tx, principal.id, visitor.device)
            session = await self._sessions.open(tx, principal, "password", visitor)
        return Opened(principal.id, session, device, found.must_change)

    async def set(self, principal: Principal, password: str, *, by: str, must_change: bool) -> None:
        """An administrator gives a password; every session of the principal ends, and the wait too."""
        hash = await self.hash_for(principal, password)
        async with self._accounts.changing() as tx:
            await self.write(tx, principal, hash, by=by, must_change=must_change)

    async def hash_for(self, principal: Principal, password: str) -> str:
        """Of a password that is good enough. Raises `password_not_for_kind`, `password_refused`."""
        if principal.kind is not PrincipalKind.USER:
            raise TagwerkError(
                "password_not_for_kind",
                f"{principal.id} is no person; passwords are for people",
                concern=principal.id,
                next_step="Issue a token for it: `POST /api/v1/tokens`.",
            )
        check_password(password, id=principal.id, name=principal.name)
        return await self._hasher.hash(password)

    async def write(
        self, tx: Transaction, principal: Principal, hash: str, *, by: str, must_change: bool
    ) -> None:
        before = await credentials.password_facts(tx.connection, principal.id)
        await credentials.write_password(tx, principal.id, hash, by=by, must_change=must_change)
        await credentials.unlock(tx, principal.id)
        await end_sessions(tx, principal.id, by=by, reason="password set")
        tx.audit(
            AuditEntry(
                action="password_set",
                principal=by,
                concern=f"principal:{principal.id}",
                before=None if before is None else {"must_change": before.must_change},
                after={"must_change": must_change},
            )
        )

    async def change(
        self, asker: Asker, session: SignedIn | None, current: str, new: str, visitor: Visitor
    ) -> str | None:
        """A person changes their own. Their other sessions end, this one goes on with the secret that is
        returned. Raises `password_refused`, `password_wrong`, `no_password`, `too_many_requests`."""
        self._limits.sign_in(address_group(visitor.address))
        found = await credentials.credential_of(self._pool, asker.id)
        if found is None or found.hash is None:
            raise TagwerkError(
                "no_password",
                f"{asker.id} signs in without a password",
                concern=asker.id,
                next_step="Ask an administrator for one, if you want one: `tagwerk principals set-password`.",
            )
        attempt = await credentials.begin_attempt(self._pool, asker.id, visitor.device, visitor.address)
        fits = await self._hasher.verify(found.hash, current)
        reason = _why_not(found, attempt, fits)
        if reason is not None:
            await self._tell(found, attempt, visitor, reason)
            raise _refused(
                "password_wrong",
                "the current password is not right, or it was wrong too often",
                "Type the password with which you sign in; after some failures wait for 15 minutes.",
            )
        async with self._accounts.changing() as tx:
            await credentials.forget_failures(tx, attempt)
        if current == new:
            raise _refused(
                "password_refused", "the new password is the one that you have", "Think of another one."
            )
        check_password(new, id=asker.id, name=asker.name)
        hash = await self._hasher.hash(new)
        async with self._accounts.changing() as tx:
            await credentials.write_password(tx, asker.id, hash, by=asker.id, must_change=False)
            own = session.id if session else None
            await end_sessions(tx, asker.id, by=asker.id, reason="password changed", but=own)
            secret = await replace_secret(tx, session, asker) if session else None
            tx.audit(
                AuditEntry(
                    action="password_changed",
                    principal=asker.id,
                    concern=f"principal:{asker.id}",
                    before={"must_change": found.must_change},
                    after={"must_change": False},
                )
            )
        return secret

    async def _tell(self, found: Credential | None, attempt: Attempt, visitor: Visitor, reason: str) -> None:
        """One entry in every case, since it takes time. Never what was typed: it may be a password."""
        if found is not None and attempt.wait:
            seconds = round(attempt.wait.total_seconds())
            entry = AuditEntry(
                action="account_locked",
                principal=found.principal.id,
                concern=visitor.address,
                reason=f"{reason}; {attempt.failures} failures, it waits for {seconds} s",
            )
            await audit(self._bus, entry)
            return
        principal = found.principal.id if found else "unknown"
        await self._rejections.record(visitor.address, reason, principal=principal)


def _why_not(found: Credential | None, attempt: Attempt, fits: bool) -> str | None:
    if found is None:
        return "unknown name"
    if attempt.locked:
        return "the account waits after too many failures"
    if found.hash is None:
        return "the principal has no password"
    if not fits:
        return "wrong password"
    return None if found.principal.active else "the principal is deactivated"


def _refused(code: str, cause: str, next_step: str) -> TagwerkError:
    return TagwerkError(code, cause, concern="password", next_step=next_step)
