"""One batch of messages into rows, in one transaction: decode, load what is missing, fold, write.

Live projection and rebuild both go through `Projection.apply`, so they cannot differ. A message that the
database refuses (a number too large for its column) is found by halving the batch, and treated as one
that cannot be decoded: the projection does not stop for it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog

from services.status.core import fold, missing_records, missing_runs
from services.status.messages import Decoded, decode, unreadable
from services.status.rows import Changes, RunRow
from services.status.store import Connection, ProjectionTables
from services.status.totals_store import Totals
from shared.feed import RawMessage

log = structlog.get_logger(__name__)

#: Runs kept in memory between batches.
RUNS_IN_MEMORY = 20_000
#: Records of one run kept in memory between batches.
RECORDS_IN_MEMORY = 5_000

#: What a message can do to the database or to the fold, as opposed to what the database does to us.
_FAULTS = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.IntegrityConstraintViolationError,
    ValueError,
    TypeError,
    OverflowError,
)


class Beside(Protocol):
    """What goes along with the rows of each batch."""

    async def within(self, changes: Changes) -> None:
        """Write into the transaction of the rows: archive and checkpoint."""

    def after(self, changes: Changes) -> None:
        """The transaction is committed."""


class Projection:
    """Rows in the tables with `prefix`, and the runs of them that are in memory."""

    def __init__(self, connection: Connection, prefix: str = "") -> None:
        self._connection = connection
        self._tables = ProjectionTables(connection, prefix)
        self._totals = Totals(connection, prefix)
        self._states: OrderedDict[UUID, RunRow] = OrderedDict()

    def forget(self) -> None:
        """The rows are not what they were: load again what is needed."""
        self._states.clear()
        self._totals.forget()

    async def apply(self, batch: Sequence[RawMessage], beside: Beside) -> None:
        """Project `batch`; returns when it is committed, together with what `beside` writes.

        Raises what the connection raises; the rows are then as after the last committed batch.
        """
        await self._apply([decode(raw) for raw in batch], beside, new_by_request=True)

    async def _apply(self, batch: Sequence[Decoded], beside: Beside, *, new_by_request: bool) -> None:
        try:
            await self._commit(batch, beside, new_by_request=new_by_request)
        except _FAULTS as error:
            self.forget()
            if isinstance(error, asyncpg.UniqueViolationError) and new_by_request:
                # A run was requested again after its first history had left the stream.
                await self._apply(batch, beside, new_by_request=False)
            elif len(batch) > 1:
                half = len(batch) // 2
                await self._apply(batch[:half], beside, new_by_request=False)
                await self._apply(batch[half:], beside, new_by_request=False)
            elif batch[0].event is not None:
                log.warning(
                    "a message cannot be projected", sequence=batch[0].raw.sequence, error=repr(error)
                )
                broken = unreadable(batch[0].raw, f"it cannot be stored: {error}")
                await self._apply([broken], beside, new_by_request=False)
            else:
                raise
        except BaseException:
            self.forget()
            raise

    async def _commit(self, batch: Sequence[Decoded], beside: Beside, *, new_by_request: bool) -> None:
        async with self._connection.transaction():
            await self._load(batch, new_by_request=new_by_request)
            changes = fold(self._states, batch, Changes())
            await self._tables.write(changes)
            await self._totals.write(changes)
            await beside.within(changes)
        self._keep(changes)
        beside.after(changes)

    async def _load(self, batch: Sequence[Decoded], *, new_by_request: bool) -> None:
        states = self._states
        wanted = missing_runs(states, batch)
        if not new_by_request:
            wanted = {m.run_id for m in batch if m.run_id is not None and m.run_id not in states}
        if wanted:
            for run in await self._tables.load_runs(wanted):
                states[run.run_id] = run
        keys = missing_records(states, batch)
        if keys:
            for run_id, record in await self._tables.load_records(keys):
                states[run_id].known[record.key] = record

    def _keep(self, changes: Changes) -> None:
        for records in changes.records.values():
            for record in records.values():
                record.stored = True
        for run in changes.runs.values():
            run.stored = True
            run.request = None
            run.counted = run.counts_as
            if run.known and (run.state.final or len(run.known) > RECORDS_IN_MEMORY):
                run.known = {}
                run.all_known = False
            if not run.state.final:
                self._states.move_to_end(run.run_id)
        while len(self._states) > RUNS_IN_MEMORY:
            self._states.popitem(last=False)
