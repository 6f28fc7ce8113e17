"""The projection made anew from the archived messages, while queries and projection go on.

The rows are built in shadow tables, which copy the definitions of the real ones, and put in their place in
one transaction, between two batches of the projector. The archive holds every message up to the checkpoint,
because it is written in the checkpoint's transaction; from there the projector follows the stream.
"""

import asyncio
import time
from uuid import UUID

import asyncpg
import structlog

from services.status.archive import read_archive
from services.status.checkpoint import CheckpointMoved
from services.status.progress import Progress
from services.status.projection import Projection
from services.status.projector import Projector, contiguous
from services.status.rows import Changes
from services.status.store import PROJECTION, Connection, settle
from shared.commands import Rebuild, RebuildReport
from shared.database import DATABASE_ERRORS, Pool, session
from shared.errors import Failure, TagwerkError, failure_of
from shared.feed import RawMessage
from shared.ids import new_id

log = structlog.get_logger(__name__)

#: Messages that one transaction of a rebuild takes.
BATCH = 2_000
SHADOW = "rebuilt_"
#: Seconds between two looks for a request that another replica has taken.
LOOK = 0.5
#: Seconds that the new rows wait for a query to leave a table, holding others that queries may want: so short
#: that PostgreSQL never takes it for a deadlock (after 1 s), which it would end at the expense of a query.
LOCK_WAIT = 0.05
#: Seconds until they try again, which the queries have for themselves.
LOCK_PAUSE = 0.05


class ArchiveIncomplete(TagwerkError):
    def __init__(self, first: int, last: int) -> None:
        super().__init__(
            "archive_incomplete",
            f"the archive misses the sequences {first} to {last}; the present rows stay as they are",
            concern="archive",
            next_step="Restore the table archive of the status database from its backup, then rebuild again.",
        )


class Rebuilds:
    """Takes requests for a rebuild in any replica; the one that projects does the work."""

    def __init__(self, pool: Pool, projector: Projector, progress: Progress) -> None:
        self._pool = pool
        self._projector = projector
        self._progress = progress
        self._asked = asyncio.Event()
        self._done = asyncio.Event()

    async def request(self, command: Rebuild) -> RebuildReport:
        """Ask for a rebuild, and wait for its end. Raises what kept it from ending."""
        await self._progress.reach(0)
        request = new_id()
        await self._pool.execute(
            "insert into rebuilds (id, principal) values ($1, $2)", request, command.principal
        )
        self._asked.set()
        while True:
            row = await self._pool.fetchrow("select * from rebuilds where id = $1", request)
            if row is not None and row["finished_at"] is not None:
                if row["failure"] is not None:
                    raise _failed(Failure.model_validate_json(row["failure"]))
                return RebuildReport(events=row["events"], runs=row["runs"], seconds=row["seconds"])
            self._done.clear()
            await _wait(self._done)

    async def run(self) -> None:
        """Do what was asked for, for as long as the process lives."""
        while True:
            self._asked.clear()
            if self._progress.leading:
                try:
                    await self._do_all()
                except (*DATABASE_ERRORS, CheckpointMoved, OSError) as error:
                    log.warning("a rebuild broke off and begins again", error=repr(error))
            await _wait(self._asked)

    async def _do_all(self) -> None:
        rows = await self._pool.fetch(
            "select id from rebuilds where finished_at is null order by requested_at"
        )
        if not rows:
            return
        # One rebuild answers all who asked before it began.
        ids = [row["id"] for row in rows]
        try:
            report = await rebuild(self._pool, self._projector)
        except TagwerkError as error:
            await self._note(ids, failure=failure_of(error))
        else:
            await self._note(ids, report=report)
        self._done.set()

    async def _note(
        self, ids: list[UUID], *, report: RebuildReport | None = None, failure: Failure | None = None
    ) -> None:
        await self._pool.execute(
            "update rebuilds set finished_at = now(), events = $2, runs = $3, seconds = $4, failure = $5"
            " where id = any($1)",
            ids,
            report.events if report else None,
            report.runs if report else None,
            report.seconds if report else None,
            failure.model_dump_json(exclude_none=True) if failure else None,
        )


async def rebuild(pool: Pool, projector: Projector) -> RebuildReport:
    """Make the rows anew up to the projector's checkpoint, and put them in place of the old ones.

    Raises `ArchiveIncomplete`, `CheckpointMoved` if another process has taken the lead meanwhile.
    """
    begun = time.monotonic()
    log.info("rebuilding the projection")
    async with session(pool) as connection:
        await connection.execute(
            "select pg_advisory_lock(hashtext('status-rebuild'), hashtext(current_schema()))"
        )
        await settle(connection)
        await _create_shadow(connection)
        replay = Replay(connection, projector.position().first_sequence - 1)
        await replay.advance_to(projector.position().sequence)
        await _index_shadow(connection)
        await replay.advance_to(projector.position().sequence)
        async with projector.between_batches:
            await replay.advance_to(projector.position().sequence)
            await _swap(connection, projector.position().sequence)
            projector.forget()
        runs = await connection.fetchval("select count(*) from runs")
    report = RebuildReport(events=replay.events, runs=runs, seconds=round(time.monotonic() - begun, 3))
    log.info("rebuilt the projection", events=report.events, runs=report.runs, seconds=report.seconds)
    return report


class Replay:
    """Folds the archive into the shadow tables."""

    def __init__(self, connection: Connection, after: int) -> None:
        self._connection = connection
        self._projection = Projection(connection, SHADOW)
        self._position = after
        self.events = 0

    async def advance_to(self, sequence: int) -> None:
        """Fold everything up to and including `sequence`."""
        while self._position < sequence:
            limit = min(BATCH, sequence - self._position)
            batch = await read_archive(self._connection, self._position, limit)
            if not batch or contiguous(batch, self._position + 1) != batch:
                raise ArchiveIncomplete(*_missing(batch, self._position, sequence))
            await self._projection.apply(batch, self)
            # Let the live projection and the queries have their turn.
            await asyncio.sleep(0)

    async def within(self, changes: Changes) -> None:
        """The position of a rebuild lives and dies with it: nothing to write."""

    def after(self, changes: Changes) -> None:
        assert changes.last is not None
        self._position = changes.last.sequence
        self.events += len(changes.archive)


async def _create_shadow(connection: Connection) -> None:
    async with connection.transaction():
        for table in PROJECTION:
            shadow = SHADOW + table
            await connection.execute(f"drop table if exists {shadow}")
            await connection.execute(f"create table {shadow} (like {table} including all excluding indexes)")
            for name, definition in await connection.fetch(
                "select conname, pg_get_constraintdef(oid) from pg_constraint"
                " where conrelid = $1::text::regclass and contype in ('p', 'u')",
                table,
            ):
                await connection.execute(f"alter table {shadow} add constraint {SHADOW}{name} {definition}")


async def _index_shadow(connection: Connection) -> None:
    """The other indexes, made at once over all rows, which is cheaper than row by row."""
    for table in PROJECTION:
        for name, method in await connection.fetch(
            "select c.relname, substring(pg_get_indexdef(i.indexrelid) from ' USING .*') from pg_index i"
            " join pg_class c on c.oid = i.indexrelid"
            " where i.indrelid = $1::text::regclass and not i.indisprimary and not i.indisunique",
            table,
        ):
            await connection.execute(f"create index {SHADOW}{name} on {SHADOW}{table}{method}")
        await connection.execute(f"analyze {SHADOW}{table}")


async def _swap(connection: Connection, sequence: int) -> None:
    """In one transaction, as soon as no query holds any of the tables."""
    while True:
        try:
            async with connection.transaction():
                await _swap_now(connection, sequence)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(LOCK_PAUSE)
        else:
            return


async def _swap_now(connection: Connection, sequence: int) -> None:
    # Whoever else believes to project waits here, and finds the checkpoint as it was.
    found = await connection.fetchval("select sequence from checkpoint for update")
    if found != sequence:
        raise CheckpointMoved(f"the checkpoint is at {found}, the rebuild at {sequence}")
    await connection.execute(f"set local lock_timeout = '{LOCK_WAIT:g}s'")
    await connection.execute(f"lock table {', '.join(PROJECTION)} in access exclusive mode")
    for table in PROJECTION:
        await connection.execute(f"drop table {table}")
        await connection.execute(f"alter table {SHADOW}{table} rename to {table}")
        for (name,) in await connection.fetch(
            "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
            " where i.indrelid = $1::text::regclass",
            table,
        ):
            await connection.execute(f"alter index {name} rename to {name.removeprefix(SHADOW)}")


def _missing(batch: list[RawMessage], position: int, sequence: int) -> tuple[int, int]:
    for place, message in enumerate(batch, 1):
        if message.sequence != position + place:
            return position + place, message.sequence - 1
    return position + len(batch) + 1, sequence


def _failed(failure: Failure) -> TagwerkError:
    return TagwerkError(
        failure.code, failure.cause, concern=failure.concern, next_step=failure.next_step,
        retryable=failure.retryable,
    )  # fmt: skip


async def _wait(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK):
            await event.wait()
    except TimeoutError:
        return
