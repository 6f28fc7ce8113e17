"""Following a run while it works: live events by SSE with resume, long polls where that is not to be had."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from uuid import UUID

from httpx_sse import EventSource, SSEError

from cli.client import Gateway, run_path
from cli.exits import Exit
from cli.problems import Problem
from shared.commands import RunDetail
from shared.events import RunEvent, Undecodable, UnknownEvent, decode_run_event

#: Seconds for a run that an event causes to be requested by its service.
APPEARS_WITHIN = 15.0
#: Interrupted streams in a row, without an event in between, after which we poll.
INTERRUPTIONS_BORNE = 5
#: Polls in a row that may meet a hindrance which passes by itself: a restart, a projection that is behind.
HINDRANCES_BORNE = 10
#: Seconds before the first try again; each further one waits twice as long, at most 3 s.
PAUSE = 0.2
#: Seconds of one long poll; the gateway's most is 30.
POLL = 20.0
#: Seconds without even a heartbeat (one every 10 s) after which a stream counts as interrupted.
SILENT_AFTER = 25.0

Seen = Callable[[RunEvent], None]


class StillRunning(Exception):
    """The time to wait is over, and the run is not. `run` is how it stands, if it could be read."""

    def __init__(self, run: RunDetail | None) -> None:
        super().__init__()
        self.run = run


async def wait_for_end(gateway: Gateway, run_id: UUID, seen: Seen, *, timeout: float | None) -> RunDetail:
    """Tell `seen` every event of the run once, in order; the run as it ended.

    Raises `StillRunning` after `timeout` seconds, `Problem` if the run is not there or the gateway is gone.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _wait(gateway, run_id, seen)
    except TimeoutError:
        try:
            run = await gateway.get(run_path(run_id), RunDetail)
        except Problem:
            run = None
        if run is not None and run.state.final:
            return run
        raise StillRunning(run) from None


async def _wait(gateway: Gateway, run_id: UUID, seen: Seen) -> RunDetail:
    last = 0
    try:
        async with aclosing(events_of(gateway, run_id)) as events:
            async for sequence, event in events:
                last = sequence
                if event is not None:
                    seen(event)
    except StreamUnavailable:
        # The poll below tells the end; only the steps in between are not shown.
        pass
    return await _poll(gateway, run_id, at_least=last)


async def _poll(gateway: Gateway, run_id: UUID, *, at_least: int) -> RunDetail:
    hindrances = 0
    while True:
        try:
            run = await gateway.get(run_path(run_id), RunDetail, wait=POLL, at_least=at_least or None)
        except Problem as problem:
            hindrances += 1
            if not problem.failure.retryable or hindrances > HINDRANCES_BORNE:
                raise
            await asyncio.sleep(5 * PAUSE)
            continue
        if run.state.final:
            return run
        hindrances = 0


class StreamUnavailable(Exception):
    """The stream of events cannot be had; everything can still be asked for."""


async def events_of(gateway: Gateway, run_id: UUID) -> AsyncGenerator[tuple[int, RunEvent | None], None]:
    """The run's events with their sequence, until its end; None for one that this version does not know.

    An interrupted stream is taken up after the last event seen, so none is lost and none comes twice.
    Raises `StreamUnavailable` when that does not work either.
    """
    last, interruptions = 0, 0
    appears_before = time.monotonic() + APPEARS_WITHIN
    while True:
        try:
            async with gateway.stream(
                run_path(run_id, "events"),
                headers={"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last else {}),
                timeout=SILENT_AFTER,
                query={"wait": 0 if last else APPEARS_WITHIN},
            ) as answer:
                async for message in EventSource(answer).aiter_sse():
                    if message.event == "end":
                        return
                    sequence = int(message.id or 0)
                    if sequence <= last:
                        continue
                    last, interruptions = sequence, 0
                    yield last, _decoded(message.data)
        except Problem as problem:
            if _not_there_yet(problem, last) and time.monotonic() < appears_before:
                await asyncio.sleep(PAUSE)
                continue
            if problem.exit is Exit.REFUSED:
                raise
        except SSEError as error:
            raise StreamUnavailable from error
        interruptions += 1
        if interruptions > INTERRUPTIONS_BORNE:
            raise StreamUnavailable
        await asyncio.sleep(min(PAUSE * 2**interruptions, 3.0))


def _not_there_yet(problem: Problem, last: int) -> bool:
    """A run that an upload causes is requested a moment after the upload was answered."""
    return last == 0 and problem.failure.code == "run_not_found"


def _decoded(data: str) -> RunEvent | None:
    try:
        event = decode_run_event(data.encode())
    except Undecodable:
        return None
    return None if isinstance(event, UnknownEvent) else event
