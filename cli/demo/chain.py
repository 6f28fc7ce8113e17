"""A document of the tour: followed through its jobs to the end of its chain, with what came with it."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from cli.answers import DocumentChain, StartedRun, UploadedFile
from cli.bars import Bars
from cli.client import run_path
from cli.demo.story import DocumentStory
from cli.demo.visitor import PAUSE, RUN_WITHIN, Visitor, not_ended
from cli.live import StillRunning, wait_for_end
from shared.commands import DocumentDetail, RunDetail, RunsPage, RunSummary
from shared.words import Outcome, RunState

#: The jobs of a document, each started by the event of the one before.
CHAIN: Final = (
    "documents.convert-to-pdf",
    "documents.ocr",
    "documents.analyse-invoice",
    "documents.start-workflow",
)


async def follow_document(
    visitor: Visitor,
    document_id: UUID,
    uploaded: UploadedFile | None,
    bars: Bars,
    name: str,
    what: str,
    *,
    known: bool,
) -> list[DocumentStory]:
    """The document's story once its chain has ended, and those of what came with it."""
    await _follow(visitor, document_id, uploaded, bars, name)
    story = await _story(visitor, document_id, name, what, known=known)
    family = [story]
    for attached in story.detail.attachments:
        await _follow(visitor, attached.document_id, None, bars, attached.file_name)
        child = await _story(
            visitor,
            attached.document_id,
            attached.file_name,
            "what came with the e-mail: a Swiss invoice in French, with a QR-bill",
            known=known,
        )
        child.came_with = story.name
        family.append(child)
    return family


async def _story(visitor: Visitor, document_id: UUID, name: str, what: str, *, known: bool) -> DocumentStory:
    gateway = visitor.gateway
    detail = await gateway.get(f"/documents/{document_id}", DocumentDetail)
    chain = await gateway.get(f"/documents/{document_id}/chain", DocumentChain)
    pdf = None
    if "pdf" in detail.files:
        pdf = await gateway.read_bytes(f"/documents/{document_id}/files/pdf")
    return DocumentStory(name, what, document_id, detail, known, chain=chain, pdf=pdf)


async def _follow(
    visitor: Visitor, document_id: UUID, uploaded: UploadedFile | None, bars: Bars, label: str
) -> None:
    """Follow the runs of a document until its chain has ended. One that an earlier tour left failed is
    started again, once."""
    ended: dict[UUID, RunDetail] = {}
    repeated: set[str] = set()
    deadline = time.monotonic() + RUN_WITHIN

    async def follow(run_id: UUID, job: str) -> None:
        shown = f"{label}, {job.partition('.')[2]}"
        bars.add(run_id, shown)
        try:
            ended[run_id] = await wait_for_end(visitor.gateway, run_id, bars.seen, timeout=RUN_WITHIN)
        except StillRunning as still:
            raise not_ended(shown) from still

    if uploaded is not None and not uploaded.duplicate:
        # By the id that the upload named: it can be waited for before the run is there.
        await follow(uploaded.runs[0].run_id, uploaded.runs[0].job)
    while time.monotonic() < deadline:
        for run in await _runs_about(visitor, document_id):
            if run.run_id in ended or run.job not in CHAIN:
                continue
            if run.state.final and run.requested_at < visitor.story.began_at:
                # Of an earlier tour: it is not shown as if it were at work.
                ended[run.run_id] = await visitor.run(run.run_id)
            else:
                await follow(run.run_id, run.job)
        latest = {run.job: run for run in sorted(ended.values(), key=lambda run: run.requested_at)}
        broken = next((run for run in latest.values() if run.state is not RunState.SUCCEEDED), None)
        if broken is not None and broken.requested_at < visitor.story.began_at and broken.job not in repeated:
            repeated.add(broken.job)
            rerun = await visitor.gateway.post(run_path(broken.run_id, "rerun"), StartedRun, {"only": "all"})
            await follow(rerun.run_id, broken.job)
        elif broken is not None or _is_complete(latest):
            for job in CHAIN:
                if job in latest:
                    await visitor.remember(latest[job], label)
            return
        await asyncio.sleep(PAUSE)
    raise not_ended(label)


async def _runs_about(visitor: Visitor, document_id: UUID) -> list[RunSummary]:
    about = f"document:{document_id}"
    page = await visitor.gateway.get("/runs", RunsPage, about=about, sort="requested_at", limit=1000)
    return page.items


def _is_complete(latest: Mapping[str, RunDetail]) -> bool:
    """Whether nothing follows any more: somebody was asked, or there is no invoice in it."""
    analysed = latest.get("documents.analyse-invoice")
    nothing_found = analysed is not None and set(analysed.counts) == {Outcome.SKIPPED.value}
    return "documents.start-workflow" in latest or nothing_found
