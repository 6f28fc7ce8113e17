"""Overdue and lost runs: which run, the status service tells; whether it is so, the run's own stream.

Heartbeats are heard as the server hears them. What a replica has not listened for long enough, it does not
speak about.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services.scheduler.keeper import SERVICE_USER
from services.scheduler.watch.cases import Cases
from services.scheduler.watch.core import Patience, Silences
from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import RunsPage, RunsQuery, RunSummary
from shared.events import BusinessEventBase, RunFound, RunLost, RunOverdue, RunOverdueEnded
from shared.history import History
from shared.ids import derived_id
from shared.jobs import CatalogueEntry
from shared.subjects import RunSubjects
from shared.words import RunState

#: Looks after which the stream of a run is read again to see whether it is so.
READ_AGAIN = 12


def about(event: BusinessEventBase) -> tuple[str, bool] | None:
    match event:
        case RunOverdue() | RunOverdueEnded():
            return f"overdue {event.run_id}", isinstance(event, RunOverdue)
        case RunLost() | RunFound():
            return f"lost {event.run_id} {event.attempt}", isinstance(event, RunLost)
    return None


class RunsWatch:
    def __init__(
        self, bus: Bus, catalogue: Bucket[CatalogueEntry], patience: Patience, clock: Callable[[], datetime]
    ) -> None:
        self.cases = Cases(bus, "run", about)
        self._bus = bus
        self._catalogue = catalogue
        self._patience = patience
        self._clock = clock
        self._silences = Silences()
        self._ears: Subscription | None = None
        #: Case of an attempt -> sequence of its work item.
        self._work_items: dict[str, str] = {}
        #: Work item -> the newest delivery that was heard.
        self._deliveries: dict[str, int] = {}
        #: Case -> the delivery that was heard since the look before.
        self._beats: dict[str, int] = {}
        #: Run -> looks that its stream need not be read for.
        self._rests: dict[UUID, int] = {}

    async def listen(self) -> None:
        if self._ears is None:
            self._ears = await self._bus.nc.subscribe(subjects.HEARTBEATS, cb=self._heard)

    def deaf(self) -> None:
        """Whoever could not ask may not have heard either."""
        self._silences.deaf()

    async def look(self, passed: float) -> None:
        """Say what has to be said; `passed` seconds have gone since the look before."""
        running = await self._running()
        self._rests = {run: looks - 1 for run, looks in self._rests.items() if looks > 1}
        await self._attend(running, passed)
        opened = await self.cases.open()
        for run in running:
            if run.run_id not in self._rests and self._suspicious(run, opened, await self._expected(run)):
                await self._look_at(run)
        await self._close(opened, {run.run_id: run for run in running})
        self._beats.clear()

    async def _running(self) -> Sequence[RunSummary]:
        found: list[RunSummary] = []
        query = RunsQuery(state=[RunState.RUNNING], sort="requested_at", limit=1000)
        while True:
            page = await self._bus.ask(subjects.query("status", "runs"), query, RunsPage)
            found += page.items
            if page.next_cursor is None:
                return found
            query = query.model_copy(update={"cursor": page.next_cursor})

    async def _attend(self, running: Iterable[RunSummary], passed: float) -> None:
        """Listen for the attempts that last longer than a worker may be silent."""
        since = self._clock() - timedelta(seconds=self._patience.ack_wait)
        attempts = {_lost(run): run for run in running if run.started_at and run.started_at < since}
        for attempt in self._work_items.keys() - attempts.keys():
            self._deliveries.pop(self._work_items.pop(attempt), None)
        for attempt in attempts.keys() - self._work_items.keys():
            item = await self._work_item(attempts[attempt])
            if item is not None:
                self._work_items[attempt] = item
                self._deliveries[item] = 0
        self._silences.look(self._work_items, passed)

    async def _work_item(self, run: RunSummary) -> str | None:
        base = RunSubjects(run.job, run.run_id).base
        for kind in ("due", "requested"):
            stored = await self._bus.read_last(subjects.RUNS, f"{base}.*.{kind}")
            if stored is not None:
                return str(stored.sequence)
        return None

    async def _heard(self, msg: Msg) -> None:
        if msg.data != subjects.HEARTBEAT:
            return
        _, _, _, _, delivered, item, *_ = msg.subject.split(".")
        # A worker whose delivery was given to another is no sign of the attempt.
        if item in self._deliveries and int(delivered) >= self._deliveries[item]:
            self._deliveries[item] = int(delivered)
            for attempt in [attempt for attempt, known in self._work_items.items() if known == item]:
                self._silences.heard(attempt)
                self._beats[attempt] = int(delivered)

    async def _expected(self, run: RunSummary) -> float | None:
        entry = await self._catalogue.get(run.job)
        return None if entry is None else entry.expected_runtime

    def _suspicious(
        self, run: RunSummary, opened: dict[str, BusinessEventBase], expected: float | None
    ) -> bool:
        if f"overdue {run.run_id}" not in opened and expected is not None and run.started_at is not None:
            lasts = (self._clock() - run.started_at).total_seconds()
            if lasts > self._patience.allowed(expected):
                return True
        return _lost(run) not in opened and self._silences.of(_lost(run)) >= self._patience.lost

    async def _look_at(self, run: RunSummary) -> None:
        """The projection may be behind: what is said is what the run's own stream tells."""
        history = await self._history(run.job, run.run_id)
        self._rests[run.run_id] = READ_AGAIN
        started, request = history.started, history.request
        if not history.open_attempt or started is None or request is None:
            return
        told = {
            "client": request.client, "principal": SERVICE_USER, "about": [f"run:{run.run_id}"],
            "run_id": run.run_id, "interactive": False, "job": run.job, "attempt": started.attempt,
            "started_at": started.time,
        }  # fmt: skip
        expected = await self._expected(run)
        if expected is not None:
            allowed = self._patience.allowed(expected)
            if (self._clock() - started.time).total_seconds() > allowed:
                id = derived_id("event.run.overdue", str(run.run_id))
                times = {"expected_runtime": expected, "allowed": allowed}
                await self.cases.say(RunOverdue.model_validate({**told, "id": id, **times}))
        silent = self._silences.of(f"lost {run.run_id} {started.attempt}")
        if silent >= self._patience.lost:
            id = derived_id("event.run.lost", str(run.run_id), str(started.attempt))
            lost = {**told, "id": id, "worker": started.worker, "silent": silent}
            await self.cases.say(RunLost.model_validate(lost))

    async def _close(self, opened: dict[str, BusinessEventBase], running: dict[UUID, RunSummary]) -> None:
        for case, event in opened.items():
            assert isinstance(event, RunOverdue | RunLost)
            assert event.run_id is not None
            heard = self._beats.get(case)
            run = running.get(event.run_id)
            unchanged = run is not None and (isinstance(event, RunOverdue) or run.attempt == event.attempt)
            if (unchanged or event.run_id in self._rests) and heard is None:
                continue
            history = await self._history(event.job, event.run_id)
            closing = _closing(event, history, heard)
            if closing is None:
                self._rests[event.run_id] = READ_AGAIN
            else:
                await self.cases.say(closing)

    async def _history(self, job: str, run_id: UUID) -> History:
        return History.of(await self._bus.read(subjects.RUNS, RunSubjects(job, run_id).all))


def _lost(run: RunSummary) -> str:
    return f"lost {run.run_id} {run.attempt}"


def _closing(event: RunOverdue | RunLost, history: History, heard: int | None) -> BusinessEventBase | None:
    """What is to be said if the case is over; `heard` is the delivery whose worker was. A run that RUNS has
    forgotten ended long ago."""
    ended = history.finished is not None or history.request is None
    told = {
        "client": event.client, "principal": SERVICE_USER, "about": event.about, "run_id": event.run_id,
        "interactive": False, "job": event.job, "opened_by": event.id,
    }  # fmt: skip
    if isinstance(event, RunOverdue):
        id = derived_id("event.run.overdue_ended", str(event.id))
        return RunOverdueEnded.model_validate({**told, "id": id}) if ended else None
    how = None
    if history.attempt > event.attempt:
        how = "taken_over"
    elif ended or not history.open_attempt:
        how = "ended"
    elif history.started is not None and heard == history.started.delivery:
        # A later delivery is the next attempt, which is about to start.
        how = "heard"
    id = derived_id("event.run.found", str(event.id))
    if how is None:
        return None
    return RunFound.model_validate({**told, "id": id, "attempt": event.attempt, "how": how})
