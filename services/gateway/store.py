"""SQL of the gateway's own tables: principals and their tokens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.gateway.identity.policy import Policy
from shared.access import Principal
from shared.database import Pool
from shared.outbox import Outbox, Relay, Transaction
from shared.words import TokenScope

PRINCIPAL_COLUMNS = "p.id, p.name, p.kind, p.roles, p.clients, p.active"
_TOKEN_COLUMNS = "id, principal, name, created_at, created_by, expires_at, revoked_at, scopes, jobs, clients"  # noqa: S105  (no password)


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
    scopes: frozenset[TokenScope]
    #: The only jobs and clients; None for all that the principal has.
    jobs: frozenset[str] | None = None
    clients: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Whose token it is, and whether it still opens anything."""

    principal: Principal
    token: StoredToken


class Accounts:
    """Principals and tokens. Changes are made inside `changing()`, together with their audit entries."""

    def __init__(self, pool: Pool, relay: Relay, policy: Policy) -> None:
        self._pool = pool
        self._relay = relay
        #: What the installation's own roles mean.
        self.policy = policy

    def effective(self, principal: Principal) -> Principal:
        """With the roles that the principal's own roles stand for; what others know of them."""
        return self.policy.effective(principal)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Transaction]:
        async with Outbox(self._pool, self._relay).transaction() as tx:
            yield tx

    async def owner_of(self, sha256: bytes) -> TokenOwner | None:
        row = await self._pool.fetchrow(
            f"select {PRINCIPAL_COLUMNS}, t.id as token, t.principal, t.name as token_name, t.created_at,"  # noqa: S608
            " t.created_by, t.expires_at, t.revoked_at, t.scopes, t.jobs, t.clients as token_clients"
            " from tokens t join principals p on p.id = t.principal where t.sha256 = $1",
            sha256,
        )
        if row is None:
            return None
        told = dict(row) | {
            "id": row["token"], "name": row["token_name"], "clients": row["token_clients"]
        }  # fmt: skip
        return TokenOwner(principal_of(row), _token(told))

    async def principals(self) -> list[Principal]:
        rows = await self._pool.fetch(f"select {PRINCIPAL_COLUMNS} from principals p order by id")  # noqa: S608
        return [principal_of(row) for row in rows]

    async def principal(self, id: str) -> Principal | None:
        row = await self._pool.fetchrow(
            f"select {PRINCIPAL_COLUMNS} from principals p where id = $1",  # noqa: S608
            id,
        )
        return None if row is None else principal_of(row)

    async def tokens(self) -> list[StoredToken]:
        """All tokens, newest first."""
        rows = await self._pool.fetch(f"select {_TOKEN_COLUMNS} from tokens order by created_at desc")  # noqa: S608
        return [_token(dict(row)) for row in rows]

    async def tokens_of(self, principal: str) -> list[StoredToken]:
        rows = await self._pool.fetch(
            f"select {_TOKEN_COLUMNS} from tokens where principal = $1 order by created_at desc",  # noqa: S608
            principal,
        )
        return [_token(dict(row)) for row in rows]


async def lock_principal(tx: Transaction, id: str) -> Principal | None:
    """The principal as it stands, held until the transaction ends."""
    row = await tx.connection.fetchrow(
        f"select {PRINCIPAL_COLUMNS} from principals p where id = $1 for update",  # noqa: S608
        id,
    )
    return None if row is None else principal_of(row)


async def write_principal(tx: Transaction, principal: Principal, *, by: str) -> None:
    await tx.connection.execute(
        "insert into principals (id, name, kind, roles, clients, active, changed_by)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do update set name = excluded.name,"
        " kind = excluded.kind, roles = excluded.roles, clients = excluded.clients,"
        " active = excluded.active, changed_at = now(), changed_by = excluded.changed_by",
        principal.id, principal.name, str(principal.kind), sorted(principal.roles),
        sorted(principal.clients), principal.active, by,
    )  # fmt: skip


async def is_openid(tx: Transaction, id: str) -> bool:
    """Whether the principal signs in at an identity provider."""
    found = await tx.connection.fetchval("select 1 from identities where principal = $1", id)
    return found is not None


async def write_token(tx: Transaction, token: StoredToken, sha256: bytes) -> None:
    await tx.connection.execute(
        "insert into tokens (id, sha256, principal, name, created_at, created_by, expires_at, scopes, jobs,"
        " clients) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        token.id, sha256, token.principal, token.name, token.created_at, token.created_by, token.expires_at,
        sorted(token.scopes), _sorted(token.jobs), _sorted(token.clients),
    )  # fmt: skip


async def lock_token(tx: Transaction, id: UUID) -> StoredToken | None:
    """The token as it stands, held until the transaction ends."""
    row = await tx.connection.fetchrow(
        f"select {_TOKEN_COLUMNS} from tokens where id = $1 for update",  # noqa: S608
        id,
    )
    return None if row is None else _token(dict(row))


async def revoke_token(tx: Transaction, id: UUID) -> None:
    await tx.connection.execute("update tokens set revoked_at = now() where id = $1", id)


async def mark_link_used(tx: Transaction, sha256: bytes, *, until: datetime) -> bool:
    """Whether it had not been used before."""
    done = await tx.connection.execute(
        "insert into used_links (sha256, expires_at) values ($1, $2) on conflict do nothing", sha256, until
    )
    return done != "INSERT 0 0"


def _token(row: Mapping[str, Any]) -> StoredToken:
    return StoredToken(
        id=row["id"], principal=row["principal"], name=row["name"], created_at=row["created_at"],
        created_by=row["created_by"], expires_at=row["expires_at"], revoked_at=row["revoked_at"],
        scopes=frozenset(TokenScope(scope) for scope in row["scopes"]), jobs=_set(row["jobs"]),
        clients=_set(row["clients"]),
    )  # fmt: skip


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def principal_of(row: asyncpg.Record) -> Principal:
    return Principal(
        id=row["id"], name=row["name"], kind=row["kind"], roles=frozenset(row["roles"]),
        clients=frozenset(row["clients"]), active=row["active"],
    )  # fmt: skip
