"""Alerts in the database: each signal is folded, and what is to be told of it written, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.reporting.alerts.core import Cause, Change, Part, Signal, step
from services.reporting.alerts.rules import Rule, Rules, severity_of
from shared.ids import new_id
from shared.words import AlertKind, AlertNews

Connection = Any

#: Who is responsible for a job; None for nobody.
OwnerOf = Callable[[str], Awaitable[str | None]]

_HOLDS = "held_at is not null and (gone_at is null or held_at > gone_at)"


class Alerts:
    """Folds signals, and decides by the rules who is to be told."""

    def __init__(self, rules: Rules, owner_of: OwnerOf) -> None:
        self._rules = rules
        self._owner_of = owner_of

    async def take(self, connection: Connection, signals: Sequence[Signal]) -> None:
        """Within a transaction. The same signal again changes nothing."""
        for signal in signals:
            await self._take(connection, signal)

    async def _take(self, connection: Connection, signal: Signal) -> None:
        cause = signal.cause
        await lock(connection, cause.kind, cause.key)
        row = await connection.fetchrow(
            "select held_at, gone_at from alert_parts where kind = $1 and key = $2 and part = $3",
            cause.kind.value,
            cause.key,
            signal.part,
        )
        before = Part() if row is None else Part(row["held_at"], row["gone_at"])
        others = await connection.fetchval(
            "select exists(select from alert_parts"  # noqa: S608
            f" where kind = $1 and key = $2 and part <> $3 and {_HOLDS})",
            cause.kind.value,
            cause.key,
            signal.part,
        )
        after, change = step(before, others, signal)
        if after != before:
            await connection.execute(
                "insert into alert_parts (kind, key, part, held_at, gone_at) values ($1, $2, $3, $4, $5)"
                " on conflict (kind, key, part) do update"
                " set held_at = excluded.held_at, gone_at = excluded.gone_at",
                cause.kind.value, cause.key, signal.part, after.held_at, after.gone_at,
            )  # fmt: skip
        match change:
            case Change.OPENED:
                await self._open(connection, signal)
            case Change.AGAIN:
                await connection.execute(
                    "update alerts set count = count + 1, last_at = greatest(last_at, $3), why = $4,"
                    " next_step = $5, run_id = coalesce($6, run_id)"
                    " where kind = $1 and key = $2 and closed_at is null",
                    cause.kind.value, cause.key, signal.time, signal.why, signal.next_step, signal.run_id,
                )  # fmt: skip
            case Change.CLOSED:
                await close(connection, cause.kind, cause.key, signal.time)

    async def _open(self, connection: Connection, signal: Signal) -> None:
        cause = signal.cause
        rule = self._rules.rule_for(cause)
        alert_id = new_id()
        quiet = await connection.fetchval("select $1 < began_at from alerts_begin", signal.time)
        await connection.execute(
            "insert into alerts (alert_id, kind, key, concern, job, client, severity, rule, why, next_step,"
            " run_id, opened_at, last_at, quiet)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)",
            alert_id, cause.kind.value, cause.key, cause.concern, cause.job, cause.client,
            severity_of(rule, cause).value, rule.name, signal.why, signal.next_step, signal.run_id,
            signal.time, quiet,
        )  # fmt: skip
        if not quiet:
            await self._tell(connection, alert_id, rule, cause)

    async def _tell(self, connection: Connection, alert_id: Any, rule: Rule, cause: Cause) -> None:
        owner = await self._owner_of(cause.job) if cause.job is not None else None
        await connection.executemany(
            "insert into alert_news (alert_id, destination, rule, what) values ($1, $2, $3, $4)",
            [
                (alert_id, destination, rule.name, AlertNews.OPENED.value)
                for destination in self._rules.destinations(rule, owner)
            ],
        )


async def lock(connection: Connection, kind: AlertKind, key: str) -> None:
    """One at a time decides about a cause."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"alert:{kind}:{key}")


async def close(
    connection: Connection,
    kind: AlertKind,
    key: str,
    at: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    """Close the open alert of a cause, and tell whoever is told that it opened."""
    alert_id = await connection.fetchval(
        "update alerts set closed_at = greatest($3, opened_at), closed_by = $4, close_reason = $5"
        " where kind = $1 and key = $2 and closed_at is null returning alert_id",
        kind.value, key, at, by, reason,
    )  # fmt: skip
    if alert_id is not None:
        await connection.execute(
            "insert into alert_news (alert_id, destination, rule, what)"
            " select alert_id, destination, rule, $2 from alert_news where alert_id = $1 and what = $3",
            alert_id,
            AlertNews.CLOSED.value,
            AlertNews.OPENED.value,
        )


async def parts_that_hold(connection: Connection, kind: AlertKind, limit: int) -> list[asyncpg.Record]:
    """Key and part of those of a kind, the longest first."""
    found: list[asyncpg.Record] = await connection.fetch(
        "select key, part from alert_parts"  # noqa: S608
        f" where kind = $1 and {_HOLDS} order by held_at limit $2",
        kind.value,
        limit,
    )
    return found
