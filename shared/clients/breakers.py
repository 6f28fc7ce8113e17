"""The circuit breakers of a service: rows that all its processes share.

What they learn is written beside the run that called, not in its transaction: it is true whatever becomes of
the run. The event that says so leaves with the row. A breaker never makes a call fail by itself: where its
row cannot be read or written, the call goes on without.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog

from shared.clients.breaking import Circuit
from shared.commands import Breaker
from shared.database import DATABASE_ERRORS, Pool
from shared.errors import ExternalSystemBusy, ExternalSystemUnavailable, NotCalled, TagwerkError
from shared.events import SystemReachable, SystemUnreachable, now
from shared.outbox import Outbox, Relay, Transaction

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Systems outside are the installation's, not a client's; what they raise stands with this one.
_CLIENT: Final = "main"
_COLUMNS: Final = (
    "failures, failing_since, last_error, opened_at, next_try, tries, trying_until, last_success"
)


class ExternalSystemPaused(ExternalSystemUnavailable, NotCalled):
    """The breaker is open, so nothing was sent."""

    def __init__(self, system: str, host: str, circuit: Circuit) -> None:
        until, last_error = circuit.waits_until(), circuit.last_error
        since, again = _moment(circuit.failing_since), _moment(until)
        super().__init__(
            system,
            cause=f"{host} could not be reached since {since} ({last_error}), so it is not called before "
            f"{again}",
            next_step=f"Check that {system} can be reached. Tagwerk tries it again by itself then; the page "
            "Systems shows how it stands.",
            # The next attempt of the run comes when it is called again.
            retry_after=None if until is None else max(0.0, (until - now()).total_seconds()),
        )
        self.failure = self.failure.model_copy(update={"code": "external_system_paused"})


class Breakers:
    """Those of one service."""

    def __init__(self, pool: Pool, relay: Relay, service: str) -> None:
        self._pool = pool
        self._outbox = Outbox(pool, relay)
        self._service = service

    @asynccontextmanager
    async def trying(self, system: str, host: str) -> AsyncIterator[None]:
        """Around one attempt to reach `host`. Raises `ExternalSystemPaused`.

        A refusal is an answer: whoever refuses has been reached.
        """
        began = now()
        known = await self._or_nothing(lambda: self._enter(system, host, began))
        if known is not None and not known.admits(began):
            raise ExternalSystemPaused(system, host, known)
        try:
            yield
        except ExternalSystemBusy:
            await self._succeeded(system, host, known)
            raise
        except ExternalSystemUnavailable as error:
            cause = error.failure.cause
            await self._or_nothing(lambda: self._failed(system, host, began, cause))
            raise
        except TagwerkError:
            await self._succeeded(system, host, known)
            raise
        else:
            await self._succeeded(system, host, known)

    async def of(self, systems: Sequence[str]) -> list[Breaker]:
        """How they stand, those of which something is known."""
        rows = await self._pool.fetch(
            f"select system, host, {_COLUMNS} from breakers where system = any($1) order by system, host",  # noqa: S608
            list(systems),
        )
        at = now()
        return [_told(row["system"], row["host"], _circuit(row), at) for row in rows]

    async def _enter(self, system: str, host: str, at: datetime) -> Circuit:
        """As it stands; where it lets one call through, that is this one."""
        known = await self._read(self._pool, system, host)
        if not known.is_open or not known.admits(at):
            return known
        async with self._pool.acquire() as connection, connection.transaction():
            known = await self._read(connection, system, host, lock=True)
            if known.admits(at):
                await self._write(connection, system, host, known.tried(at))
            return known

    async def _failed(self, system: str, host: str, began: datetime, cause: str) -> None:
        async with self._outbox.transaction() as tx:
            before = await self._lock(tx, system, host)
            after = before.failed(now(), began, cause, random.random())  # noqa: S311  (no secret)
            await self._write(tx.connection, system, host, after)
            if after.is_open and not before.is_open:
                tx.event(
                    SystemUnreachable(
                        **self._facts(system, host), since=after.failing_since or began, cause=cause
                    )
                )

    async def _succeeded(self, system: str, host: str, known: Circuit | None) -> None:
        if known is not None and known.succeeded(now()) is known:
            return
        await self._or_nothing(lambda: self._close(system, host))

    async def _close(self, system: str, host: str) -> None:
        async with self._outbox.transaction() as tx:
            before, at = await self._lock(tx, system, host), now()
            await self._write(tx.connection, system, host, before.succeeded(at))
            if before.is_open:
                since = before.failing_since or at
                tx.event(SystemReachable(**self._facts(system, host), since=at, unreachable_since=since))

    def _facts(self, system: str, host: str) -> dict[str, Any]:
        return {
            "client": _CLIENT, "principal": f"service-{self._service}", "about": [f"system:{system}"],
            "interactive": False, "system": system, "host": host, "service": self._service,
        }  # fmt: skip

    async def _lock(self, tx: Transaction, system: str, host: str) -> Circuit:
        await tx.connection.execute(
            "insert into breakers (system, host) values ($1, $2) on conflict do nothing", system, host
        )
        return await self._read(tx.connection, system, host, lock=True)

    async def _read(self, where: Any, system: str, host: str, *, lock: bool = False) -> Circuit:
        row = await where.fetchrow(
            f"select {_COLUMNS} from breakers where system = $1 and host = $2"  # noqa: S608
            + (" for update" if lock else ""),
            system,
            host,
        )
        return Circuit() if row is None else _circuit(row)

    async def _write(self, connection: Any, system: str, host: str, circuit: Circuit) -> None:
        await connection.execute(
            "update breakers set failures = $3, failing_since = $4, last_error = $5, opened_at = $6,"
            " next_try = $7, tries = $8, trying_until = $9, last_success = $10"
            " where system = $1 and host = $2",
            system, host, circuit.failures, circuit.failing_since, circuit.last_error, circuit.opened_at,
            circuit.next_try, circuit.tries, circuit.trying_until, circuit.last_success,
        )  # fmt: skip

    async def _or_nothing(self, work: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await work()
        except (TagwerkError, *DATABASE_ERRORS, OSError) as error:
            log.warning("a circuit breaker could not be read or written", error=str(error))
            return None


def _circuit(row: Any) -> Circuit:
    return Circuit(**{name: row[name] for name in _COLUMNS.split(", ")})


def _told(system: str, host: str, circuit: Circuit, at: datetime) -> Breaker:
    return Breaker(
        system=system,
        host=host,
        state=circuit.state(at),
        since=circuit.opened_at,
        failures=circuit.failures,
        failing_since=circuit.failing_since,
        last_error=circuit.last_error,
        next_try=circuit.waits_until(),
        last_success=circuit.last_success,
    )


def _moment(at: datetime | None) -> str:
    # One that is open has both.
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
