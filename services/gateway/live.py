"""Live events of a run as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

The stream RUNS is what is read, from a sequence on, so nothing is lost and nothing comes twice, over
reconnects of the client and restarts of nats-server alike.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager

import orjson
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Send

from services.gateway.watching import Told, Watches, told
from shared import subjects
from shared.bus import Bus
from shared.commands import EventRow, EventsPage, EventsQuery, RunDetail, Scope
from shared.errors import Failure, TagwerkError
from shared.events import Finished, Started
from shared.subjects import RunSubjects

#: Seconds between two signs of life on a silent stream.
HEARTBEAT = 10.0
#: Seconds after which a silent run is looked at without a signal.
LOOK_EVERY = 5.0
#: Seconds between two looks whether whoever follows still may.
CHECK_EVERY = 2.0
#: A signal comes before its message can be read. Seconds before the first look; then between looks.
SETTLE = 0.002
_SETTLING = (0.01, 0.05, 0.2)

#: Why a stream may not go on: its session has ended, the run may not be seen any more. None if it may.
WhyOver = Callable[[], Awaitable[Failure | None]]

#: Streams of one principal at once, of one gateway process.
STREAMS_PER_PRINCIPAL = 64


class EventStream(StreamingResponse):
    """`text/event-stream`, whose source is closed as soon as the client is gone."""

    media_type = "text/event-stream"

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        # Proxies must hand on each event at once.
        super().__init__(source, headers={"X-Accel-Buffering": "no"})
        self._source = source

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._source):  # type: ignore[type-var]  # it is an async generator
            await super().stream_response(send)


class LiveStreams:
    """Streams of events, a limited number for each principal."""

    def __init__(self, bus: Bus, draining: asyncio.Event) -> None:
        self._bus = bus
        self._draining = draining
        self._watches = Watches(bus, draining)
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        return self._open.total()

    def check_limit(self, principal: str) -> None:
        """Raises `too_many_streams`."""
        if self._open[principal] >= STREAMS_PER_PRINCIPAL:
            raise TagwerkError(
                "too_many_streams",
                f"{principal} has {STREAMS_PER_PRINCIPAL} streams of events open",
                concern=principal,
                next_step="Close some, or read the runs with `GET /api/v1/runs/{id}?wait=30`.",
                retryable=True,
            )

    async def follow(
        self, principal: str, run: RunDetail, after: int, why_over: WhyOver
    ) -> AsyncIterator[bytes]:
        """The events of `run` with a sequence above `after`: those that are there, then those that come.

        Ends after the last event of a finished run with `event: end`, and without it when the gateway
        stops: the client comes back with the last id that it saw. `event: closed` says why it may not.
        """
        with self._counted(principal):
            position = _Position(run, after)
            subject = RunSubjects(run.job, run.run_id).all
            async with self._watches.signal(subject) as signal:
                async for row in self._archived(run, after):
                    yield position.take(told(row.sequence, orjson.dumps(row.event)))
                # What was published right before may come to be read yet.
                missing, pauses = 1, iter(_SETTLING)
                clock = asyncio.get_running_loop().time
                said_at = checked_at = look_at = clock()
                while not self._draining.is_set():
                    if clock() - checked_at >= CHECK_EVERY:
                        reason = await why_over()
                        if reason is not None:
                            yield format_sse_event(event="closed", data_str=reason.model_dump_json())
                            return
                        checked_at = clock()
                    missing += signal.take()
                    if missing or clock() >= look_at:
                        messages, more = await self._watches.read(subject, position.sequence + 1)
                        for message in messages:
                            yield position.take(message)
                            said_at = clock()
                        missing = max(0, missing - len(messages))
                        if more:
                            look_at = clock()
                            continue
                        pause = next(pauses, None) if missing else None
                        if pause is None:
                            # All that was announced has come, or was refused.
                            missing, pause = 0, LOOK_EVERY
                        look_at = clock() + pause
                    if position.finished:
                        yield format_sse_event(event="end", data_str=position.end())
                        return
                    if clock() - said_at >= HEARTBEAT:
                        yield b": heartbeat\n\n"
                        said_at = clock()
                    if await signal.wait(min(max(look_at - clock(), 0.0), CHECK_EVERY)):
                        pauses = iter(_SETTLING)
                        await asyncio.sleep(SETTLE)

    @contextmanager
    def _counted(self, principal: str) -> Iterator[None]:
        self._open[principal] += 1
        try:
            yield
        finally:
            self._open[principal] -= 1
            if not self._open[principal]:
                del self._open[principal]

    async def _archived(self, run: RunDetail, after: int) -> AsyncIterator[EventRow]:
        """Events that the stream may have dropped already, from the archive of the status service."""
        info = await self._bus.js.stream_info(subjects.RUNS)
        if after + 1 >= info.state.first_seq:
            return
        query = EventsQuery(
            run_id=run.run_id, after=after, limit=1000, scope=Scope(clients=frozenset({run.client}))
        )
        while True:
            page = await self._bus.ask(subjects.query("status", "events"), query, EventsPage, timeout=10)
            for row in page.items:
                yield row
            if page.next_cursor is None:
                return
            query = query.model_copy(update={"cursor": page.next_cursor})


class _Position:
    """How far a stream has come, and whether the run has ended there."""

    def __init__(self, run: RunDetail, after: int) -> None:
        self._run = run
        self.sequence = after
        self._attempt = run.attempt
        self._ended_at = run.sequence if run.state.final else None

    @property
    def finished(self) -> bool:
        """The end was seen; or it lies before the sequence at which the client began."""
        return self._ended_at is not None and self.sequence >= self._ended_at

    def take(self, told: Told) -> bytes:
        """The next event, as it goes out."""
        self.sequence = told.sequence
        match told.event:
            case Started() as event:
                self._attempt = max(self._attempt, event.attempt)
            case Finished() as event if event.attempt >= self._attempt and self._ended_at is None:
                # What a stale attempt says of the end is not the end.
                self._ended_at = told.sequence
            case _:
                pass
        return told.wire

    def end(self) -> str:
        return orjson.dumps({"run_id": str(self._run.run_id), "sequence": self.sequence}).decode()
