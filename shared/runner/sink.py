"""What an attempt says while it works: records, calls, log lines and progress, gathered and published.

Gathered for at most 200 ms, or until a `recorded` event is full, so that a run of thousands of records
does not become thousands of messages, and a watcher still sees it live.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence

from shared.bus import Bus
from shared.events import Call, Called, Logged, LogLine, Progressed, Record, Recorded, RunEventBase
from shared.metrics.definitions import CALL_DURATION, CALLS, RECORDS
from shared.outbox import BYTES_PER_EVENT, RECORDS_PER_EVENT, StoredRecord, size_of
from shared.runner.context import RunContext
from shared.runner.dry_run import would_be
from shared.subjects import RunSubjects
from shared.words import Outcome

#: Seconds for which events are gathered.
GATHER = 0.2
#: Seconds that an attempt waits for a bus that is away: what it did is not done again only because it could
#: not be told at once. Should it be this worker that is cut off, another takes the run over.
PATIENCE = 300.0
#: Bytes from which on a log line is cut, and characters of it that stay.
BYTES_PER_LINE = 32_000
CUT_TO = 4_000
#: Events without an acknowledgement from which on a job waits before it goes on.
BEHIND = 16


class Sink:
    """The voice of one attempt."""

    def __init__(self, bus: Bus, context: RunContext, sequence: int) -> None:
        self._bus = bus
        self._context = context
        self._subject = RunSubjects(context.job, context.run_id).ev
        #: Sequence of the attempt's `started`.
        self.started = sequence
        #: Sequences of what was published here since.
        self.own: set[int] = set()
        #: Outcome by record key, as the job yielded them.
        self._outcomes: dict[str, Outcome] = {}
        self._records: list[Record] = []
        self._calls: list[Call] = []
        self._lines: list[LogLine] = []
        #: Bytes of all of these, roughly.
        self._size = 0
        self._progress: tuple[int, int | None, str | None] | None = None
        self._publishing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def counts(self) -> Counter[Outcome]:
        return Counter(self._outcomes.values())

    def records(self, item: Record | Sequence[Record]) -> None:
        """Take what the job yielded. What lies in the outbox already is only counted.

        Raises `record_too_large`.
        """
        dry_run = self._context.dry_run
        for yielded in (item,) if isinstance(item, Record) else item:
            record = would_be(yielded) if dry_run else yielded
            self._outcomes[record.key] = record.outcome
            RECORDS.labels(self._context.job, record.outcome).inc()
            if isinstance(record, StoredRecord) and not dry_run:
                continue
            self._make_room(size_of(record))
            self._records.append(record)
            if len(self._records) >= RECORDS_PER_EVENT:
                self._publish_gathered()
        if self._records:
            self._schedule()

    def _make_room(self, size: int) -> None:
        """What is gathered stays small enough for one message of each kind."""
        if self._size + size > BYTES_PER_EVENT:
            self._publish_gathered()
        self._size += size

    @property
    def behind(self) -> bool:
        """Whether the bus is slower than the job; one that never waits would starve everything else."""
        return len(self._publishing) >= BEHIND

    async def catch_up(self) -> None:
        """Wait until what was published is stored. Raises `BusUnavailable` if it cannot be."""
        if not self._publishing:
            return
        # A job that is broken off here loses nothing: the publishes go on.
        done, _ = await asyncio.wait(self._publishing)
        self._publishing -= done
        for error in [task.exception() for task in done]:
            if error is not None:
                raise error

    def call(self, call: Call) -> None:
        self._make_room(len(call.__pydantic_serializer__.to_json(call)))
        self._calls.append(call)
        CALLS.labels(self._context.job, call.system, call.operation, call.outcome).inc()
        CALL_DURATION.labels(call.system, call.operation).observe(call.duration_ms / 1000)
        self._schedule()

    def line(self, line: LogLine) -> None:
        size = len(line.__pydantic_serializer__.to_json(line))
        if size > BYTES_PER_LINE:
            line = line.model_copy(
                update={"message": line.message[:CUT_TO] + "…", "fields": {"cut_from_bytes": size}}
            )
            size = len(line.message)
        self._make_room(size)
        self._lines.append(line)
        self._schedule()

    def progress(self, done: int, total: int | None, message: str | None) -> None:
        self._progress = (done, total, message)
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._publish_gathered)

    def _publish_gathered(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        run_id, attempt = self._context.run_id, self._context.attempt
        events: list[RunEventBase] = []
        if self._lines:
            events.append(Logged(run_id=run_id, attempt=attempt, lines=self._lines))
        if self._calls:
            events.append(Called(run_id=run_id, attempt=attempt, calls=self._calls))
        if self._records:
            events.append(Recorded(run_id=run_id, attempt=attempt, records=self._records))
        if self._progress is not None:
            done, total, message = self._progress
            events.append(Progressed(run_id=run_id, attempt=attempt, done=done, total=total, message=message))
        self._records, self._calls, self._lines, self._progress, self._size = [], [], [], None, 0
        for event in events:
            task = asyncio.create_task(self._publish(event))
            self._publishing.add(task)

    async def _publish(self, event: RunEventBase) -> None:
        self.own.add(
            await self._bus.publish(self._subject, event.encode(), msg_id=str(event.id), patience=PATIENCE)
        )

    async def flush(self) -> None:
        """Everything said so far is stored. Raises `BusUnavailable` if it cannot be."""
        if not self._publishing and self._timer is None:
            return
        self._publish_gathered()
        await self.catch_up()
