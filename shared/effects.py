"""The ledger of effects: a sent e-mail, a payment file, a booking happens once, or a person decides.

    async with effects.once("reminder:INV-4711:step-2", record="invoice:INV-4711", check=ask) as effect:
        if effect.needed:
            await mail.send(...)
    yield effect.result(Record(key="invoice:INV-4711", outcome=Outcome.CREATED))

A row is written before the effect and completed after it. An effect that is found incomplete (a crash),
or that failed after sending had begun (a time-out), is looked up with `check`; a counterpart that is
idempotent by our key gets it again; otherwise it stays in doubt and is never repeated blindly: its record
is `unknown`, the others go on, and the run ends `interrupted` until somebody decides.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import structlog

from shared.audit import AuditEntry, trace_id_of
from shared.commands import Decide, Published
from shared.database import Pool, session
from shared.errors import Failure, NotDone, TagwerkError, failure_of
from shared.events import Decided, DoubtfulEffect, Record
from shared.outbox import Outbox, Relay
from shared.runner.context import RunContext
from shared.runner.dry_run import DryRunWrote
from shared.words import Decision, Outcome

log = structlog.get_logger(__name__)

#: Connections of the pool that effects leave to everything else.
SPARED_CONNECTIONS = 2

#: Why nobody knows, after a crash.
BROKE_OFF = "an earlier attempt broke off while it was being done"

#: Asks the counterpart: True it happened, False it did not, None it cannot say.
Check = Callable[[], Awaitable[bool | None]]


class Effect:
    """One effect inside its `async with`."""

    def __init__(self, key: str, record: str | None) -> None:
        self.key = key
        self._record = record
        #: Whether the body is to do it; False when it has happened, or when nobody knows.
        self.needed = True
        #: Whether an earlier run did it.
        self.done_earlier = False
        #: Another run that waits for a person's decision on it.
        self.held_by: UUID | None = None
        #: Why nobody knows, if nobody does.
        self.doubt: str | None = None

    def result(self, record: Record) -> Record:
        """The record to yield: as given, `unchanged` if the effect had happened before this run, or
        `unknown` with the failure that tells how to decide."""
        if self.held_by is not None:
            failure = Failure(
                code="effect_in_doubt",
                cause=f"run {self.held_by} left in doubt whether it happened",
                concern=self.key,
                next_step=f"Decide it at run {self.held_by}, then rerun the failed records of this one.",
            )
            return record.model_copy(update={"outcome": Outcome.FAILED, "failure": failure, "changes": None})
        if self.done_earlier:
            return record.model_copy(update={"outcome": Outcome.UNCHANGED})
        if self.doubt is None:
            return record
        return record.model_copy(
            update={"outcome": Outcome.UNKNOWN, "failure": doubt_failure(self.key, self.doubt)}
        )


def doubt_failure(effect: str, cause: str) -> Failure:
    return Failure(
        code="effect_in_doubt",
        cause=cause,
        concern=effect,
        next_step="Find out whether it happened, then decide: `happened` closes it, `repeat` does it again "
        "with the next rerun.",
    )


def effect_slots(pool: Pool) -> asyncio.Semaphore:
    """As many effects at once as leave connections for what jobs store in the middle of one."""
    return asyncio.Semaphore(max(1, pool.get_max_size() - SPARED_CONNECTIONS))


class Effects:
    """The ledger, bound to one attempt of a run."""

    def __init__(self, pool: Pool, context: RunContext, slots: asyncio.Semaphore) -> None:
        """`slots` bounds the effects of all attempts: each holds a connection, and what happens inside may
        need another one."""
        self._pool = pool
        self._context = context
        self._slots = slots
        #: What this attempt leaves in doubt; the runner ends the run `interrupted` with it.
        self.in_doubt: list[DoubtfulEffect] = []

    @asynccontextmanager
    async def once(
        self, key: str, *, record: str | None = None, check: Check | None = None, idempotent: bool = False
    ) -> AsyncIterator[Effect]:
        """Do something once per client and key. `idempotent`: the counterpart recognizes our key.

        Raises `effect_in_progress` (retryable) while another process is at it, `DryRunWrote` in a dry run.
        """
        if self._context.dry_run:
            raise DryRunWrote(self._context.job, f"it wanted to do {key}")
        effect = Effect(key, record)
        async with self._slots, session(self._pool) as connection:
            await self._exclude_others(connection, key)
            await self._begin(connection, effect, check, idempotent=idempotent)
            begun = effect.needed
            try:
                yield effect
            except NotDone:
                if begun:
                    await self._forget(connection, key)
                raise
            except (Exception, asyncio.CancelledError, GeneratorExit) as error:
                if not begun:
                    raise
                if not await self._settle_failed(connection, effect, check, error, idempotent=idempotent):
                    raise
            else:
                if begun:
                    try:
                        await self._complete(connection, key)
                    except asyncio.CancelledError:
                        # It has happened: to be broken off while that is written down makes no doubt.
                        await self._complete(connection, key)
                        raise

    async def _exclude_others(
        self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", key: str
    ) -> None:
        """For as long as the session lasts."""
        name = f"{self._context.client}\n{key}"
        if not await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", name):
            raise in_progress(key, f"another process is doing {key} at this moment")

    async def _begin(
        self,
        connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
        effect: Effect,
        check: Check | None,
        *,
        idempotent: bool,
    ) -> None:
        row = await connection.fetchrow(
            "select state, run_id from effects where client = $1 and effect = $2",
            self._context.client,
            effect.key,
        )
        state = row["state"] if row else None
        if row and state == "done":
            effect.needed = False
            effect.done_earlier = row["run_id"] != self._context.run_id
            return
        if state in ("begun", "unknown"):
            happened = await check() if check is not None else None
            if happened:
                await self._complete(connection, effect.key)
                effect.needed = False
                return
            if happened is None and not idempotent:
                if row and row["run_id"] != self._context.run_id:
                    self._leave_to(effect, state, row["run_id"])
                    return
                await self._doubt(connection, effect, BROKE_OFF)
                return
        await connection.execute(
            "insert into effects (client, effect, state, run_id, attempt, record)"
            " values ($1, $2, 'begun', $3, $4, $5) on conflict (client, effect) do update"
            " set state = 'begun', run_id = excluded.run_id, attempt = excluded.attempt,"
            " record = excluded.record, begun_at = now(), completed_at = null, detail = null",
            self._context.client,
            effect.key,
            self._context.run_id,
            self._context.attempt,
            effect._record,
        )

    def _leave_to(self, effect: Effect, state: str, holder: UUID) -> None:
        """The effect is another run's: that run decides it, so that it can still be decided."""
        if state == "begun":
            raise in_progress(effect.key, f"run {holder} broke off while it was doing {effect.key}")
        effect.needed = False
        effect.held_by = holder

    async def _settle_failed(
        self,
        connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
        effect: Effect,
        check: Check | None,
        error: BaseException,
        *,
        idempotent: bool,
    ) -> bool:
        """After a failure in the middle: whether the job goes on (it happened, or it is in doubt)."""
        happened: bool | None = None
        if check is not None and isinstance(error, Exception):
            try:
                happened = await check()
            except Exception as unanswered:
                log.warning("the check of an effect failed", effect=effect.key, error=repr(unanswered))
        if happened:
            await self._complete(connection, effect.key)
            return True
        if happened is False:
            await self._forget(connection, effect.key)
            return False
        if idempotent and isinstance(error, Exception):
            return False
        cause = failure_of(error).cause if isinstance(error, Exception) else "it was cancelled"
        await self._doubt(connection, effect, f"{cause}, after it had begun")
        return isinstance(error, Exception)

    async def _complete(
        self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", key: str
    ) -> None:
        """It happened; the audit is told in the same statement, once."""
        context = self._context
        told = _delivered(key, context.client, context.principal, context.run_id, context.traceparent)
        await connection.execute(
            "with done as (update effects set state = 'done', completed_at = now()"
            " where client = $1 and effect = $2 and state <> 'done' returning 1)"
            " insert into outbox (msg_id, run_id, subject, payload) select $3, null, $4, $5 from done",
            context.client,
            key,
            told.id,
            told.subject,
            told.encode(),
        )

    async def _forget(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", key: str) -> None:
        await connection.execute(
            "delete from effects where client = $1 and effect = $2", self._context.client, key
        )

    async def _doubt(
        self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", effect: Effect, cause: str
    ) -> None:
        effect.needed = False
        effect.doubt = cause
        await connection.execute(
            "update effects set state = 'unknown', detail = $3, run_id = $4, attempt = $5"
            " where client = $1 and effect = $2",
            self._context.client,
            effect.key,
            cause,
            self._context.run_id,
            self._context.attempt,
        )
        self.in_doubt.append(DoubtfulEffect(effect=effect.key, cause=cause, record=effect._record))


def in_progress(effect: str, cause: str) -> TagwerkError:
    return TagwerkError(
        "effect_in_progress",
        cause,
        concern=effect,
        next_step="Nothing: it is tried again after the wait.",
        retryable=True,
    )


def _delivered(effect: str, client: str, principal: str, run_id: UUID, traceparent: str | None) -> AuditEntry:
    """That something has left, once for each effect: where it is completed, or decided to have happened."""
    return AuditEntry(
        action="delivered",
        principal=principal,
        concern=effect,
        client=client,
        run_id=run_id,
        trace_id=trace_id_of(traceparent),
    )


async def doubt_open_effects(pool: Pool, run_id: UUID) -> tuple[DoubtfulEffect, ...]:
    """The effects that a run has begun and nobody has closed; from here on they wait for a decision."""
    rows = await pool.fetch(
        "update effects set state = 'unknown', detail = coalesce(detail, $2)"
        " where run_id = $1 and state in ('begun', 'unknown') returning effect, detail, record",
        run_id,
        BROKE_OFF,
    )
    return tuple(
        DoubtfulEffect(effect=row["effect"], cause=row["detail"], record=row["record"]) for row in rows
    )


class Ledger:
    """The service's side of the ledger: where decisions arrive."""

    def __init__(self, pool: Pool, relay: Relay) -> None:
        self._pool = pool
        self._relay = relay

    async def decide(self, request: Decide) -> Published:
        """Write a person's decision and its event in one transaction, and publish that.

        `happened` closes the effect; `repeat` releases it, so that a rerun does it again. Raises
        `effect_not_in_doubt` for an effect that waits for no decision of this run.
        """
        async with Outbox(self._pool, self._relay).transaction() as tx:
            row = await tx.connection.fetchrow(
                "select client, record from effects where run_id = $1 and effect = $2 and state = 'unknown'"
                " for update",
                request.run_id,
                request.effect,
            )
            if row is None:
                raise TagwerkError(
                    "effect_not_in_doubt",
                    f"no effect {request.effect} of run {request.run_id} waits for a decision",
                    concern=request.effect,
                    next_step="Read the run again: it may have been decided already.",
                )
            state = "done" if request.decision is Decision.HAPPENED else "released"
            await tx.connection.execute(
                "update effects set state = $3, completed_at = now(), detail = $4"
                " where run_id = $1 and effect = $2",
                request.run_id,
                request.effect,
                state,
                f"{request.decision} decided by {request.principal}: {request.reason}",
            )
            event = Decided(
                run_id=request.run_id,
                effect=request.effect,
                decision=request.decision,
                principal=request.principal,
                reason=request.reason,
                record=row["record"],
                traceparent=request.traceparent,
            )
            tx.decided(request.job, event)
            if request.decision is Decision.HAPPENED:
                tx.audit(
                    _delivered(
                        request.effect, row["client"], request.principal, request.run_id, request.traceparent
                    )
                )
        return Published(run_id=request.run_id, sequence=await self._relay.flush(request.run_id))
