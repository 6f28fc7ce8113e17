"""SQL of passwords, of failures to give the right one, and of the browsers that gave it before."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from services.gateway.identity import core
from services.gateway.store import PRINCIPAL_COLUMNS, principal_of
from shared.access import Principal
from shared.database import Pool
from shared.outbox import Transaction

#: Browsers of one principal that are remembered.
_DEVICES = 20

#: In place of a device: all strangers together.
_STRANGERS = b""


@dataclass(frozen=True, slots=True)
class Credential:
    principal: Principal
    #: None where the principal has no password.
    hash: str | None
    must_change: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try with a name, counted before it is known how it ends."""

    name: bytes
    #: What it is counted by: a known browser alone; a stranger by their address, and with all strangers.
    senders: Sequence[bytes]
    failures: int
    #: For how long nobody may try again if this one fails.
    wait: timedelta
    #: Failures of before keep it from being tried at all.
    locked: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """An account that waits after failures, for some senders or for all strangers."""

    until: datetime
    failures: int


@dataclass(frozen=True, slots=True)
class PasswordFacts:
    changed_at: datetime
    changed_by: str
    must_change: bool


async def credential_of(pool: Pool, name: str) -> Credential | None:
    row = await pool.fetchrow(
        f"select {PRINCIPAL_COLUMNS}, c.hash, coalesce(c.must_change, false) as must_change"  # noqa: S608
        " from principals p left join credentials c on c.principal = p.id where p.id = $1",
        name,
    )
    return None if row is None else Credential(principal_of(row), row["hash"], row["must_change"])


async def password_facts(
    source: "Pool | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", principal: str
) -> PasswordFacts | None:
    row = await source.fetchrow(
        "select changed_at, changed_by, must_change from credentials where principal = $1", principal
    )
    return None if row is None else PasswordFacts(**dict(row))


async def begin_attempt(pool: Pool, name: str, device: str | None, address: str) -> Attempt:
    """Count a try, unless it has to wait. It is taken back by `forget_failures`: a process that is killed in
    between has counted one too many, never one too few; and tries at the same time count too.

    What others do to a name locks out neither a browser that its owner has signed in with, nor, unless they
    are very many, its owner elsewhere.
    """
    hashed = name_hash(name)
    async with pool.acquire() as connection, connection.transaction():
        known = await connection.fetchval(
            "select sha256 from devices where sha256 = $1 and principal = $2",
            core.secret_hash(device or ""), name,
        )  # fmt: skip
        stranger = core.secret_hash(f"address {core.address_group(address)}")
        free = {known: core.FREE_FAILURES} if known else {
            # In this order for everybody, so that nobody waits for each other.
            _STRANGERS: core.FREE_OF_STRANGERS, stranger: core.FREE_FAILURES,
        }  # fmt: skip
        counted: dict[bytes, int] = {}
        for of in free:
            await connection.execute(
                "insert into sign_in_failures (name, device, failures, failed_at) values ($1, $2, 0, now())"
                " on conflict do nothing",
                hashed, of,
            )  # fmt: skip
            row = await connection.fetchrow(
                "select failures, failed_at < now() - $3::interval as old,"
                " coalesce(locked_until > now(), false) as locked"
                " from sign_in_failures where name = $1 and device = $2 for update",
                hashed, of, core.FORGET_AFTER,
            )  # fmt: skip
            if row is None or row["locked"]:
                failures = row["failures"] if row else 0
                return Attempt(hashed, tuple(free), failures, timedelta(), locked=row is not None)
            counted[of] = 1 if row["old"] else row["failures"] + 1
        waits = {of: core.wait_after(counted[of], free[of]) for of in free}
        await connection.executemany(
            "update sign_in_failures set failures = $3, failed_at = now(),"
            " locked_until = now() + $4::interval where name = $1 and device = $2",
            # No wait is no moment: `now()` lies ahead for a try that began before this one, and waits for it.
            [(hashed, of, counted[of], waits[of] or None) for of in free],
        )
    longest = max(waits, key=lambda of: waits[of])
    return Attempt(hashed, tuple(free), counted[longest], waits[longest], locked=False)


async def forget_failures(tx: Transaction, attempt: Attempt) -> None:
    await tx.connection.execute(
        "delete from sign_in_failures where name = $1 and device = any($2)", attempt.name, attempt.senders
    )


async def wait_of(
    source: "Pool | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", principal: str
) -> Wait | None:
    """The longest wait of an account; None if nobody has to wait."""
    row = await source.fetchrow(
        "select locked_until as until, failures from sign_in_failures"
        " where name = $1 and locked_until > now() order by locked_until desc limit 1",
        name_hash(principal),
    )
    return None if row is None else Wait(**dict(row))


async def unlock(tx: Transaction, principal: str) -> None:
    """Forget the failures with this name, wherever they came from."""
    await tx.connection.execute("delete from sign_in_failures where name = $1", name_hash(principal))


async def remember_device(tx: Transaction, principal: str, device: str | None) -> str:
    """Remember the browser; returns the secret for its cookie."""
    if device is not None:
        used = await tx.connection.execute(
            "update devices set used_at = now() where sha256 = $1 and principal = $2",
            core.secret_hash(device), principal,
        )  # fmt: skip
        if used != "UPDATE 0":
            return device
    secret = secrets.token_urlsafe(32)
    await tx.connection.execute(
        "insert into devices (sha256, principal) values ($1, $2)", core.secret_hash(secret), principal
    )
    await tx.connection.execute(
        "delete from devices where sha256 in"
        " (select sha256 from devices where principal = $1 order by used_at desc offset $2)",
        principal, _DEVICES,
    )  # fmt: skip
    return secret


async def write_password(tx: Transaction, principal: str, hash: str, *, by: str, must_change: bool) -> None:
    await tx.connection.execute(
        "insert into credentials (principal, hash, changed_by, must_change) values ($1, $2, $3, $4)"
        " on conflict (principal) do update set hash = excluded.hash, changed_at = now(),"
        " changed_by = excluded.changed_by, must_change = excluded.must_change",
        principal, hash, by, must_change,
    )  # fmt: skip


async def renew_hash(tx: Transaction, principal: str, old: str, new: str) -> None:
    """The same password under other parameters; not if it was changed meanwhile."""
    await tx.connection.execute(
        "update credentials set hash = $3 where principal = $1 and hash = $2", principal, old, new
    )


async def remove_old_failures(pool: Pool) -> None:
    await pool.execute(
        "delete from sign_in_failures where failed_at < now() - $1::interval", core.FORGET_AFTER
    )


def name_hash(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
