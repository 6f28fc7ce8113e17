"""Sessions of browsers: kept here, so that they can be ended here. The cookie holds nothing but a secret."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.gateway.identity import core
from services.gateway.identity.asker import Asker, SignedIn
from services.gateway.store import PRINCIPAL_COLUMNS, Accounts, principal_of
from shared.access import Principal
from shared.audit import AuditEntry
from shared.database import Pool
from shared.errors import TagwerkError
from shared.ids import new_id
from shared.outbox import Transaction

#: Seconds for which a replaced secret still works: requests that were on their way with it.
REPLACED_FOR = 60
#: A session is marked as used at most so often.
_MARK_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visitor:
    """The browser at the other end."""

    address: str
    agent: str
    #: What its cookies hold, if anything.
    session: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class FoundSession:
    principal: Principal
    session: SignedIn
    #: Roles or clients have changed since the secret was made.
    outdated: bool
    #: Hint for the sign-out at the identity provider.
    id_token: str | None


@dataclass(frozen=True, slots=True)
class ListedSession:
    id: UUID
    principal: str
    how: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


class SessionEnded(TagwerkError):
    def __init__(self) -> None:
        super().__init__(
            "session_ended",
            "this session has ended",
            next_step="Sign in again.",
        )


class Sessions:
    def __init__(self, pool: Pool, accounts: Accounts, *, idle: timedelta, longest: timedelta) -> None:
        self._pool = pool
        self._accounts = accounts
        self._idle = idle
        self._longest = longest

    async def open(
        self,
        tx: Transaction,
        principal: Principal,
        how: str,
        visitor: Visitor,
        *,
        id_token: str | None = None,
    ) -> str:
        """Begin a session with a new secret, which is returned; the browser's session of before ends."""
        if visitor.session is not None:
            await tx.connection.execute(
                "delete from sessions where id in (select id from sessions where sha256 = $1)",
                core.secret_hash(visitor.session),
            )
        secret, id = secrets.token_urlsafe(32), new_id()
        await tx.connection.execute(
            "insert into sessions (sha256, id, principal, how, privileges, expires_at, address, agent,"
            " id_token) values ($1, $2, $3, $4, $5, now() + $6, $7, $8, $9)",
            core.secret_hash(secret), id, principal.id, how,
            core.privileges(self._accounts.effective(principal)), self._longest, visitor.address,
            _storable(visitor.agent), id_token,
        )  # fmt: skip
        tx.audit(
            AuditEntry(
                action="signed_in",
                principal=principal.id,
                concern=f"session:{id}",
                reason=how,
                after={"address": visitor.address},
            )
        )
        return secret

    async def find(self, secret: str, *, use: bool = True) -> FoundSession:
        """`use` keeps it from ending idle. Raises `SessionEnded`; why, tells nobody."""
        sha256 = core.secret_hash(secret)
        row = await self._pool.fetchrow(
            f"select {PRINCIPAL_COLUMNS}, s.id as session, s.how, s.privileges, s.expires_at, s.replaced,"  # noqa: S608
            " s.id_token, s.seen_at < now() - $3::interval as unmarked,"
            " s.how = 'password' and coalesce(c.must_change, false) as must_change"
            " from sessions s join principals p on p.id = s.principal"
            " left join credentials c on c.principal = p.id"
            " where s.sha256 = $1 and p.active and s.expires_at > now() and s.seen_at > now() - $2::interval",
            sha256, self._idle, min(_MARK_EVERY, self._idle / 4),
        )  # fmt: skip
        if row is None:
            raise SessionEnded
        if use and row["unmarked"]:
            await self._pool.execute("update sessions set seen_at = now() where sha256 = $1", sha256)
        principal = self._accounts.effective(principal_of(row))
        session = SignedIn(row["session"], secret, row["how"], row["expires_at"], row["must_change"])
        outdated = not row["replaced"] and row["privileges"] != core.privileges(principal)
        return FoundSession(principal, session, outdated, row["id_token"])

    async def holder(self, id: UUID) -> Asker:
        """Who holds the session now; looking keeps it from nothing. Raises `SessionEnded`."""
        row = await self._pool.fetchrow(
            f"select {PRINCIPAL_COLUMNS} from sessions s join principals p on p.id = s.principal"  # noqa: S608
            " where s.id = $1 and not s.replaced and p.active and s.expires_at > now()"
            " and s.seen_at > now() - $2::interval",
            id, self._idle,
        )  # fmt: skip
        if row is None:
            raise SessionEnded
        return Asker.of(self._accounts.effective(principal_of(row)))

    async def replace(self, found: FoundSession) -> str | None:
        """A new secret for the session, because what it opens has changed; None if another request had it."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await _replace(connection, found.session.secret, core.privileges(found.principal))

    async def is_there(self, id: UUID) -> bool:
        """Whether it belongs to anybody."""
        return bool(await self._pool.fetchval("select exists (select 1 from sessions where id = $1)", id))

    async def of(self, principal: str) -> Sequence[ListedSession]:
        """Newest first."""
        rows = await self._pool.fetch(
            "select id, principal, how, created_at, seen_at, expires_at, address, agent from sessions"
            " where principal = $1 and not replaced and expires_at > now() and seen_at > now() - $2::interval"
            " order by created_at desc",
            principal, self._idle,
        )  # fmt: skip
        return [ListedSession(**dict(row)) for row in rows]

    async def remove_expired(self) -> None:
        await self._pool.execute(
            "delete from sessions where expires_at < now() or seen_at < now() - $1::interval", self._idle
        )


async def end_session(tx: Transaction, principal: str, id: UUID, *, by: str, action: str) -> bool:
    """End a session of `principal` at once; whether there was one."""
    rows = await tx.connection.fetch(
        "delete from sessions where principal = $1 and id = $2 returning id, how, address", principal, id
    )
    _tell_of_ends(tx, rows, principal, action=action, by=by)
    return bool(rows)


async def end_sessions(
    tx: Transaction, principal: str, *, by: str, reason: str, but: UUID | None = None
) -> None:
    """End every session of `principal` at once, except `but`."""
    rows = await tx.connection.fetch(
        "delete from sessions where principal = $1 and id is distinct from $2 returning id, how, address",
        principal, but,
    )  # fmt: skip
    _tell_of_ends(tx, rows, principal, action="session_ended", by=by, reason=reason)


def _tell_of_ends(
    tx: Transaction,
    rows: Sequence[asyncpg.Record],
    principal: str,
    *,
    action: str,
    by: str,
    reason: str | None = None,
) -> None:
    """Once for each session, also where two secrets open it."""
    for row in {row["id"]: row for row in rows}.values():
        facts = {"principal": principal, "how": row["how"], "address": row["address"]}
        tx.audit(
            AuditEntry(
                action=action,
                principal=by,
                concern=f"session:{row['id']}",
                reason=reason,
                before={**facts, "open": True},
                after={**facts, "open": False},
            )
        )


async def replace_secret(tx: Transaction, session: SignedIn, principal: Principal) -> str | None:
    """A new secret for a session whose holder has just proved who they are."""
    return await _replace(tx.connection, session.secret, core.privileges(principal), keep=0)


async def _replace(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
    secret: str,
    privileges: bytes,
    *,
    keep: float = REPLACED_FOR,
) -> str | None:
    made = secrets.token_urlsafe(32)
    old = await connection.fetchrow(
        "update sessions set replaced = true where sha256 = $1 and not replaced returning *",
        core.secret_hash(secret),
    )
    if old is None:
        return None
    row = dict(old) | {"sha256": core.secret_hash(made), "privileges": privileges, "replaced": False}
    names = ", ".join(row)
    places = ", ".join(f"${index}" for index in range(1, len(row) + 1))
    await connection.execute(f"insert into sessions ({names}) values ({places})", *row.values())  # noqa: S608
    await connection.execute(
        "update sessions set expires_at = least(expires_at, now() + $2::interval) where sha256 = $1",
        core.secret_hash(secret), timedelta(seconds=keep),
    )  # fmt: skip
    return made


def _storable(agent: str) -> str:
    return agent.replace("\0", "").encode(errors="replace").decode()[:200]
