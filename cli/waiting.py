"""`--wait`: show runs while they work, and tell by the exit code how they ended."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cli.bars import Bars
from cli.exits import Exit
from cli.live import StillRunning, wait_for_end
from cli.session import Session
from shared.commands import RunDetail, RunsPage, RunSummary
from shared.words import RunState

#: Runs that are followed at once, each by a stream of its own.
FOLLOWED_AT_ONCE = 6
#: Seconds between the looks for a run that follows; after the last one nothing does.
FOLLOWS_AFTER = (0.0, 0.1, 0.2, 0.4, 0.8)
_CAUSING = frozenset({RunState.SUCCEEDED, RunState.PARTIALLY_FAILED})


@dataclass(frozen=True, slots=True)
class Waited:
    #: In the order asked for; a run that could not be read when the time was over is missing.
    runs: list[RunDetail]
    exit: Exit


async def wait_for_runs(session: Session, labels: Mapping[UUID, str], *, timeout: float | None) -> Waited:
    """Wait for all runs (id -> what to call it), at most `timeout` seconds, and show them meanwhile."""
    places = asyncio.Semaphore(FOLLOWED_AT_ONCE)
    ends: dict[UUID, RunDetail | None] = {}
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout

    with Bars(session.output.err, quiet=session.output.as_json) as bars:
        for run_id, label in labels.items():
            bars.add(run_id, label)

        async def follow(run_id: UUID) -> None:
            async with places:
                left = None if deadline is None else max(0.0, deadline - loop.time())
                try:
                    ends[run_id] = await wait_for_end(session.gateway, run_id, bars.seen, timeout=left)
                except StillRunning as still:
                    ends[run_id] = still.run

        tasks = [asyncio.create_task(follow(run_id)) for run_id in labels]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    runs = [run for run_id in labels if (run := ends[run_id]) is not None]
    return Waited(runs, _exit_of(runs, len(labels)))


async def wait_for_chains(session: Session, first: Mapping[UUID, str], *, timeout: float | None) -> Waited:
    """Wait for the `first` runs and for those that they cause by themselves, until none follows."""
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    runs: list[RunDetail] = []
    exit = Exit.SUCCEEDED
    names, labels = dict(first), dict(first)
    while labels:
        left = None if deadline is None else max(0.0, deadline - loop.time())
        waited = await wait_for_runs(session, labels, timeout=left)
        runs += waited.runs
        if exit is Exit.SUCCEEDED or waited.exit is Exit.STILL_RUNNING:
            exit = waited.exit
        if waited.exit is Exit.STILL_RUNNING:
            break
        # One that failed tells nobody.
        through = [run.run_id for run in waited.runs if run.state in _CAUSING]
        caused = await asyncio.gather(*(_caused_by(session, run_id) for run_id in through))
        known = {run.run_id for run in runs}
        followers = {
            follower.run_id: (names[run_id], follower.job)
            for run_id, some in zip(through, caused, strict=True)
            for follower in some
            if follower.run_id not in known
        }
        names |= {run_id: name for run_id, (name, _) in followers.items()}
        labels = {run_id: f"{name}, {job.partition('.')[2]}" for run_id, (name, job) in followers.items()}
    return Waited(runs, exit)


async def _caused_by(session: Session, run_id: UUID) -> list[RunSummary]:
    """The runs that a run caused. They are requested a moment after its end."""
    for pause in FOLLOWS_AFTER:
        await asyncio.sleep(pause)
        page = await session.gateway.get("/runs", RunsPage, caused_by_run=str(run_id), limit=1000)
        if page.items:
            return page.items[::-1]
    return []


def _exit_of(runs: list[RunDetail], asked_for: int) -> Exit:
    if len(runs) < asked_for or any(not run.state.final for run in runs):
        return Exit.STILL_RUNNING
    return Exit.SUCCEEDED if all(run.state is RunState.SUCCEEDED for run in runs) else Exit.FAILED
