"""The one who takes the tour: uploads, starts jobs, waits and asks, all through the HTTP API."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from cli.answers import StartedRun, UploadedFile
from cli.client import Gateway, run_path
from cli.demo.show import Show
from cli.demo.story import DocumentStory, Story, TakenRun
from cli.exits import Exit
from cli.output import Output
from cli.problems import Problem
from cli.session import Session
from cli.uploads import send_file
from cli.waiting import wait_for_runs
from shared.commands import DocumentDetail, RecordsPage, RunDetail
from shared.errors import Failure

#: Seconds for a run of the tour; the scanned page takes a few.
RUN_WITHIN: Final = 180.0
#: Seconds until what one service tells has reached the other.
SETTLES_WITHIN: Final = 20.0
PAUSE: Final = 0.1

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Visitor:
    session: Session
    show: Show
    story: Story

    @property
    def gateway(self) -> Gateway:
        return self.session.gateway

    @property
    def output(self) -> Output:
        return self.session.output

    async def send(self, path: Path) -> UploadedFile:
        """Upload a document; it must start something."""
        uploaded = await send_file(self.gateway, path, client=None)
        if uploaded.failure is not None:
            raise Problem(f"{path.name} was refused", uploaded.failure, Exit.PROBLEM)
        if not uploaded.runs or uploaded.document_id is None:
            raise Problem(
                "An upload starts nothing",
                Failure(
                    code="no_job_for_uploads",
                    cause="no job of the catalogue is started by event.document.uploaded",
                    concern=path.name,
                    next_step="Look at `tagwerk jobs`: the documents service publishes its jobs when it "
                    "starts.",
                ),
                Exit.PROBLEM,
            )
        return uploaded

    async def keep_file(self, path: Path) -> str:
        """Upload a file for a job; its reference."""
        reference: str = (await self.gateway.keep_file(path, client=None))["reference"]
        return reference

    async def start(
        self,
        job: str,
        about: str,
        parameters: Mapping[str, Any],
        *,
        reason: str | None = None,
        confirm: str | None = None,
    ) -> RunDetail:
        """Start a job and wait for its end."""
        body = {"parameters": parameters, "reason": reason, "confirm": confirm}
        started = await self.gateway.post(f"/jobs/{job}/runs", StartedRun, body)
        run = await self.end_of(started.run_id, f"{job.partition('.')[2]}, {about}")
        await self.remember(run, about)
        return run

    async def remember(self, run: RunDetail, about: str) -> TakenRun:
        """Keep a run for the table at the end, with what it did."""
        page = await self.gateway.get(run_path(run.run_id, "records"), RecordsPage, limit=100)
        taken = self.story.runs[run.run_id] = TakenRun(run, about, page.items)
        return taken

    async def end_of(self, run_id: UUID, label: str) -> RunDetail:
        """A run as it ended, with its progress shown meanwhile."""
        waited = await wait_for_runs(self.session, {run_id: label}, timeout=RUN_WITHIN)
        if waited.exit is Exit.STILL_RUNNING:
            raise not_ended(label)
        return waited.runs[0]

    async def run(self, run_id: UUID) -> RunDetail:
        return await self.gateway.get(run_path(run_id), RunDetail)

    async def look_at(self, story: DocumentStory) -> DocumentDetail:
        """The document as it stands now."""
        story.detail = await self.gateway.get(f"/documents/{story.document_id}", DocumentDetail)
        return story.detail

    async def until(self, ask: Callable[[], Awaitable[Answer]], holds: Callable[[Answer], bool]) -> Answer:
        """Ask until the answer is as it becomes when the services have told each other; the last answer."""
        deadline = time.monotonic() + SETTLES_WITHIN
        while True:
            answer = await ask()
            if holds(answer) or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(PAUSE)


def not_ended(label: str) -> Problem:
    return Problem(
        "A run of the tour did not end",
        Failure(
            code="run_not_ended",
            cause=f"after {RUN_WITHIN:g} s this was not done: {label}",
            next_step="Read the logs in the folder `logs` of the state folder.",
            retryable=True,
        ),
        Exit.STILL_RUNNING,
    )
