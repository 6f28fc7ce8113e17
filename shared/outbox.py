"""Outcomes and business events leave with the row: written in its transaction, published by a relay.

A kill between commit and publish loses neither, because the relay of any replica finds the row; a kill
between publish and delete doubles neither, because the row's message id is the `Nats-Msg-Id`, and because
every consumer is idempotent beyond that window.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog

from shared.audit import AuditEntry, trace_id_of
from shared.bus import Bus, BusUnavailable, PublishRefused
from shared.database import DATABASE_ERRORS, Pool
from shared.errors import TagwerkError, failure_of
from shared.events import BusinessEventBase, Decided, Record, Recorded
from shared.runner.context import RunContext
from shared.runner.dry_run import DryRunWrote
from shared.subjects import RunSubjects
from shared.telemetry.database import transaction_at_work
from shared.telemetry.messages import creating, relayed

log = structlog.get_logger(__name__)

#: A `recorded` event holds at most this many records, and roughly this many bytes.
RECORDS_PER_EVENT = 500
BYTES_PER_EVENT = 256_000
#: Bytes of the largest message that may leave; nats-server takes 1 MiB with headers.
LARGEST_MESSAGE = 1_000_000
#: Runs of which a relay knows the last sequence.
REMEMBERED = 10_000


class StoredRecord(Record):
    """A record whose outcome lies in the outbox already: the runner counts it and does not publish it."""


class Superseded(TagwerkError):
    """Another attempt of the run has taken over; this one may not write any more."""

    def __init__(self, run_id: UUID, attempt: int) -> None:
        super().__init__(
            "attempt_superseded",
            f"attempt {attempt} of run {run_id} was superseded by a newer one",
            next_step="Nothing: the newer attempt does the work.",
        )


def size_of(record: Record) -> int:
    """Bytes of a record in an event. Raises `record_too_large`."""
    return len(_encode(record))


def _encode(record: Record) -> bytes:
    """A record as it stands in an event. Raises `record_too_large`."""
    encoded = record.__pydantic_serializer__.to_json(record, exclude_none=True)
    size = len(encoded)
    if size > LARGEST_MESSAGE - 1_000:
        raise TagwerkError(
            "record_too_large",
            f"the outcome of {record.key} has {size:,} bytes with message and changes; the bus takes 1 MB",
            concern=record.key,
            next_step="Report it to the job's owner: large values belong into a file, not into a record.",
        )
    return encoded


def in_events(records: Iterable[Record]) -> Iterable[list[bytes]]:
    """Encode records, and cut them into lists that fit into one `recorded` event each. Raises
    `record_too_large`."""
    chunk: list[bytes] = []
    size = 0
    for record in records:
        encoded = _encode(record)
        if chunk and (len(chunk) >= RECORDS_PER_EVENT or size + len(encoded) > BYTES_PER_EVENT):
            yield chunk
            chunk, size = [], 0
        chunk.append(encoded)
        size += len(encoded)
    if chunk:
        yield chunk


def _recorded(context: RunContext, records: Sequence[bytes]) -> tuple[UUID, bytes]:
    """Id and encoding of a `recorded` event. Records come last in it, and are not encoded again."""
    empty = Recorded(run_id=context.run_id, attempt=context.attempt, records=[])
    return empty.id, empty.encode().removesuffix(b"]}") + b",".join(records) + b"]}"


def _told_of_run(entry: AuditEntry, context: RunContext) -> AuditEntry:
    trace_id = trace_id_of(context.traceparent)
    return entry.model_copy(update={"run_id": context.run_id, "trace_id": trace_id})


class Transaction:
    """Rows, record outcomes and events that become true together."""

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        self.connection = connection
        self._records: list[Record] = []
        self._events: list[BusinessEventBase] = []
        self._decisions: list[tuple[str, Decided]] = []
        self._audits: list[AuditEntry] = []
        self._messages: list[tuple[UUID, str, bytes]] = []

    @property
    def leaves_nothing(self) -> bool:
        """Whether nothing would be published: record outcomes belong to the run itself."""
        return not (self._events or self._decisions or self._audits or self._messages)

    def record(self, record: Record) -> StoredRecord:
        """Add an outcome; returns the record to yield: the same one, which from here on tells where it is."""
        self._records.append(record)
        # To check a record anew takes as long as all that the transaction does with it.
        object.__setattr__(record, "__class__", StoredRecord)
        return cast(StoredRecord, record)

    def event(self, event: BusinessEventBase) -> None:
        """Add a business event; it is published on the subject that is its type."""
        self._events.append(event)

    def decided(self, job: str, event: Decided) -> None:
        """Add a person's decision on an effect of a run of `job`."""
        self._decisions.append((job, event))

    def audit(self, entry: AuditEntry) -> None:
        """Add an entry of the audit log: a change is told if and only if it is made."""
        self._audits.append(entry)

    def message(self, subject: str, payload: bytes, *, id: UUID) -> None:
        """Add a message that is none of the above; `id` is what a stream knows it by."""
        self._messages.append((id, subject, payload))

    async def write(self, context: RunContext | None) -> bool:
        """Put everything into the outbox; whether there was anything."""
        rows: list[tuple[UUID, UUID | None, str, bytes]] = []
        if self._records:
            if context is None:
                raise RuntimeError("record outcomes belong to a run, and this transaction has none")
            subject = RunSubjects(context.job, context.run_id).ev
            for chunk in in_events(self._records):
                id, payload = _recorded(context, chunk)
                rows.append((id, context.run_id, subject, payload))
        for event in self._events:
            kind: Any = getattr(event, "type")  # noqa: B009  (declared by every concrete event)
            with creating(kind, event) as traceparent:
                told_event = event.model_copy(update={"traceparent": traceparent})
            rows.append((event.id, context.run_id if context else None, kind, told_event.encode()))
        for job, decided in self._decisions:
            rows.append((decided.id, decided.run_id, RunSubjects(job, decided.run_id).ev, decided.encode()))
        for entry in self._audits:
            told = entry if context is None else _told_of_run(entry, context)
            rows.append((entry.id, None, entry.subject, told.encode()))
        rows += [(id, None, subject, payload) for id, subject, payload in self._messages]
        for _, _, subject, payload in rows:
            # Once here, it would stand in the way of everything behind it.
            if len(payload) > LARGEST_MESSAGE:
                raise TagwerkError(
                    "message_too_large",
                    f"a message for {subject} has {len(payload):,} bytes; the bus takes 1 MB",
                    concern=subject,
                    next_step="Report it: large values belong into a file, not into a message.",
                )
        await self.connection.executemany(
            "insert into outbox (msg_id, run_id, subject, payload) values ($1, $2, $3, $4)", rows
        )
        return bool(rows)


class Relay:
    """Publishes what lies in a service's outbox, in order, and deletes what was acknowledged."""

    #: Seconds after which the relay looks for rows that a died process left behind.
    LOOK_EVERY = 1.0
    #: Seconds that a run's end waits for a database that is away.
    PATIENCE = 60.0
    #: Seconds after which PostgreSQL takes rows away from a relay that holds them and does nothing: its
    #: process is frozen, or its machine is gone without a word. Longer than a publish waits for its
    #: acknowledgement, shorter than the server knows message ids (2 minutes): nothing is published twice.
    HELD_AT_MOST = 60.0

    def __init__(self, pool: Pool, bus: Bus) -> None:
        self._pool = pool
        self._bus = bus
        self._wake = asyncio.Event()
        self._passing = asyncio.Lock()
        #: Highest sequence that this relay published for a run that somebody waits for.
        self._sequences: dict[UUID, int] = {}

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """For ever: publish at once when woken, and look every second besides."""
        await self._pool.execute("delete from fences where touched_at < now() - interval '7 days'")
        while True:
            try:
                while await self._pass():
                    pass
            except (
                TagwerkError, PublishRefused, *DATABASE_ERRORS, OSError,
            ) as error:  # fmt: skip
                log.warning("the outbox waits: a message could not be published", error=str(error))
                await asyncio.sleep(self.LOOK_EVERY)
            try:
                async with asyncio.timeout(self.LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def flush(self, run_id: UUID) -> int:
        """Publish everything that lies here for a run; returns its highest sequence, 0 if none.

        Waits while the database is away, at most `PATIENCE`: what a run has done is not done again only
        because it could not be told at once. Then raises what the database answered.
        """
        deadline = asyncio.get_running_loop().time() + self.PATIENCE
        while True:
            refused: Exception | None = None
            try:
                try:
                    await self._pass()
                except (BusUnavailable, PublishRefused) as error:
                    # Perhaps of somebody else's rows.
                    refused = error
                if not await self._pool.fetchval(
                    "select exists(select from outbox where run_id = $1)", run_id
                ):
                    return self._sequences.pop(run_id, 0)
            except Exception as error:
                gone = failure_of(error).code in ("database_unavailable", "connection_failed")
                if not gone or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)
            if refused is not None:
                raise refused
            # Another replica's relay holds the rows.
            await asyncio.sleep(0.02)

    async def _pass(self) -> int:
        """Publish up to 200 rows; returns how many there were. Raises what the first refused one met, after
        all others were published and deleted: sent again for ever, they would outlive the server's window
        for message ids."""
        async with self._passing, self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                f"set local idle_in_transaction_session_timeout = '{self.HELD_AT_MOST:g}s'"
            )
            rows = await connection.fetch(
                "select id, msg_id, run_id, subject, payload from outbox order by id limit 200"
                " for update skip locked"
            )
            if not rows:
                return 0
            began = time.time_ns()
            answers = await asyncio.gather(
                *(
                    self._bus.publish(row["subject"], row["payload"], msg_id=str(row["msg_id"]))
                    for row in rows
                ),
                return_exceptions=True,
            )
            stored = [
                (row, answer) for row, answer in zip(rows, answers, strict=True) if isinstance(answer, int)
            ]
            for row, sequence in stored:
                if row["run_id"] is not None and row["subject"].startswith("run."):
                    self._remember(row["run_id"], sequence)
            await connection.execute(
                "delete from outbox where id = any($1::bigint[])", [row["id"] for row, _ in stored]
            )
        relayed([row["payload"] for row, _ in stored if row["subject"].startswith("event.")], began)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return len(rows)

    def _remember(self, run_id: UUID, sequence: int) -> None:
        self._sequences[run_id] = max(sequence, self._sequences.get(run_id, 0))
        if len(self._sequences) > REMEMBERED:
            # Of a run of another replica, or one that broke off: nobody asks for it any more.
            del self._sequences[next(iter(self._sequences))]


class Outbox:
    """The way to write for one run (`context`), or for none (None: an upload, a handler)."""

    def __init__(self, pool: Pool, relay: Relay, context: RunContext | None = None) -> None:
        self._pool = pool
        self._relay = relay
        self._context = context

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Rows, outcomes and events in one transaction. Raises `Superseded` for an overtaken attempt, and
        `DryRunWrote` where a dry run wants to write: its transactions can only read."""
        if self._context is not None and self._context.dry_run:
            async with self._reading(self._context) as transaction:
                yield transaction
            return
        with transaction_at_work():
            async with self._pool.acquire() as connection, connection.transaction():
                if self._context is not None:
                    await raise_fence(connection, self._context.run_id, self._context.attempt)
                transaction = Transaction(connection)
                yield transaction
                anything = await transaction.write(self._context)
        if anything:
            self._relay.wake()

    @asynccontextmanager
    async def _reading(self, context: RunContext) -> AsyncIterator[Transaction]:
        try:
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                transaction = Transaction(connection)
                yield transaction
        except asyncpg.ReadOnlySQLTransactionError as error:
            raise DryRunWrote(context.job, f"it wanted to write ({error})") from error
        if not transaction.leaves_nothing:
            raise DryRunWrote(context.job, "it wanted to publish an event")


async def raise_fence(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", run_id: UUID, attempt: int
) -> None:
    """From here on only this attempt of the run, or a newer one, can commit. Raises `Superseded`."""
    raised = await connection.fetchval(
        "insert into fences (run_id, attempt) values ($1, $2) on conflict (run_id) do update"
        " set attempt = excluded.attempt, touched_at = now() where fences.attempt <= excluded.attempt"
        " returning attempt",
        run_id,
        attempt,
    )
    if raised is None:
        raise Superseded(run_id, attempt)
