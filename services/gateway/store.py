"""SQL of the gateway's own tables: principals and their tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.access import Principal
from shared.database import Pool
from shared.outbox import Outbox, Relay, Transaction

_PRINCIPAL_COLUMNS = "p.id, p.name, p.kind, p.roles, p.clients, p.active"
_TOKEN_COLUMNS = "id, principal, name, created_at, created_by, expires_at, revoked_at"  # noqa: S105  (no password)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as it is listed: everything but the token."""

    id: UUID
    principal: str
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Whose token it is, and whether it still opens anything."""

    principal: Principal
    expires_at: datetime
    revoked: bool


class Accounts:
    """Principals and tokens. Changes are made inside `changing()`, together with their audit entries."""

    def __init__(self, pool: Pool, relay: Relay) -> None:
        self._pool = pool
        self._relay = relay

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Transaction]:
        async with Outbox(self._pool, self._relay).transaction() as tx:
            yield tx

    async def owner_of(self, sha256: bytes) -> TokenOwner | None:
        row = await self._pool.fetchrow(
            f"select {_PRINCIPAL_COLUMNS}, t.expires_at, t.revoked_at"  # noqa: S608
            " from tokens t join principals p on p.id = t.principal where t.sha256 = $1",
            sha256,
        )
        if row is None:
            return None
        return TokenOwner(_principal(row), row["expires_at"], row["revoked_at"] is not None)

    async def principals(self) -> list[Principal]:
        rows = await self._pool.fetch(f"select {_PRINCIPAL_COLUMNS} from principals p order by id")  # noqa: S608
        return [_principal(row) for row in rows]

    async def principal(self, id: str) -> Principal | None:
        row = await self._pool.fetchrow(
            f"select {_PRINCIPAL_COLUMNS} from principals p where id = $1",  # noqa: S608
            id,
        )
        return None if row is None else _principal(row)

    async def tokens(self) -> list[StoredToken]:
        """All tokens, newest first."""
        rows = await self._pool.fetch(f"select {_TOKEN_COLUMNS} from tokens order by created_at desc")  # noqa: S608
        return [StoredToken(**dict(row)) for row in rows]


async def lock_principal(tx: Transaction, id: str) -> Principal | None:
    """The principal as it stands, held until the transaction ends."""
    row = await tx.connection.fetchrow(
        f"select {_PRINCIPAL_COLUMNS} from principals p where id = $1 for update",  # noqa: S608
        id,
    )
    return None if row is None else _principal(row)


async def write_principal(tx: Transaction, principal: Principal, *, by: str) -> None:
    await tx.connection.execute(
        "insert into principals (id, name, kind, roles, clients, active, changed_by)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do update set name = excluded.name,"
        " kind = excluded.kind, roles = excluded.roles, clients = excluded.clients,"
        " active = excluded.active, changed_at = now(), changed_by = excluded.changed_by",
        principal.id, principal.name, str(principal.kind), sorted(principal.roles),
        sorted(principal.clients), principal.active, by,
    )  # fmt: skip


async def write_token(tx: Transaction, token: StoredToken, sha256: bytes) -> None:
    await tx.connection.execute(
        "insert into tokens (id, sha256, principal, name, created_at, created_by, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        token.id, sha256, token.principal, token.name, token.created_at, token.created_by, token.expires_at,
    )  # fmt: skip


async def lock_token(tx: Transaction, id: UUID) -> StoredToken | None:
    """The token as it stands, held until the transaction ends."""
    row = await tx.connection.fetchrow(
        f"select {_TOKEN_COLUMNS} from tokens where id = $1 for update",  # noqa: S608
        id,
    )
    return None if row is None else StoredToken(**dict(row))


async def revoke_token(tx: Transaction, id: UUID) -> None:
    await tx.connection.execute("update tokens set revoked_at = now() where id = $1", id)


def _principal(row: asyncpg.Record) -> Principal:
    return Principal(
        id=row["id"], name=row["name"], kind=row["kind"], roles=frozenset(row["roles"]),
        clients=frozenset(row["clients"]), active=row["active"],
    )  # fmt: skip
