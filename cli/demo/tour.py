"""The tour: what a person would do with Tagwerk, done through the same HTTP API, and checked on the way."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cli.answers import StartedRun, UploadedFile
from cli.client import run_path
from cli.demo.samples import make_locked_pdf, true_text
from cli.demo.show import Show
from cli.demo.story import DocumentStory, Story, kept
from cli.exits import Exit
from cli.problems import Problem
from cli.session import Session
from cli.uploads import send_file
from cli.waiting import wait_for_chains
from shared.commands import DocumentDetail, RecordRow, RecordsPage, RunDetail, RunsPage
from shared.errors import Failure
from shared.words import RunState

#: Seconds for a run of the tour; the largest sample takes a few.
RUN_WITHIN = 180.0

QUESTIONS = 7


async def take_tour(session: Session, show: Show, documents: list[Path], story: Story) -> None:
    """Walk through everything and fill `story`. What is not as expected is noted, not raised."""
    await _upload(session, show, documents, story)
    for document in story.documents:
        show.document(document)
    await _fail_on_purpose(session, show, story)
    await _upload_once_more(session, show, story)
    if not story.known_already:
        await _do_it_again(session, show, story)
    await _ask_by_record(session, show, story)


async def _upload(session: Session, show: Show, paths: list[Path], story: Story) -> None:
    show.chapter(f"{len(paths)} documents go in; work starts by itself")
    uploaded = [await _send(session, path) for path in paths]
    ends = await _ends(session, uploaded)
    repeats = await _repeat_known(session, show, uploaded)
    show.chapter("What became of them")
    for path, one in zip(paths, uploaded, strict=True):
        document = await _story_of(session, path, one, ends[one.runs[0].run_id])
        if one.file_name in repeats:
            document.repeated = repeats[one.file_name]
            document.repeated_records = await _records(session, document.repeated.run_id)
        story.documents.append(document)
        _check_document(story, document)


async def _ends(session: Session, uploaded: list[UploadedFile]) -> dict[UUID, RunDetail]:
    """By the run that the upload caused, the recognition that followed it, or that run itself where none did.

    What an earlier tour did is not shown once more.
    """
    new = {one.runs[0].run_id: one.file_name for one in uploaded if not one.duplicate}
    if new:
        await _follow(session, new)
    return {
        one.runs[0].run_id: await _recognition_of(session, one) or await _run(session, one.runs[0].run_id)
        for one in uploaded
    }


async def _recognition_of(session: Session, uploaded: UploadedFile) -> RunDetail | None:
    """The first recognition of a document, at its end."""
    about = f"document:{uploaded.document_id}"
    page = await session.gateway.get(
        "/runs", RunsPage, about=about, job="documents.ocr", sort="requested_at", limit=1
    )
    return await _run(session, page.items[0].run_id) if page.items else None


async def _run(session: Session, run_id: UUID) -> RunDetail:
    return await session.gateway.get(run_path(run_id), RunDetail, wait=30)


async def _repeat_known(session: Session, show: Show, uploaded: list[UploadedFile]) -> dict[str, RunDetail]:
    """Reruns of the documents that an earlier tour had uploaded, by file name: so that something happens."""
    known = [one for one in uploaded if one.duplicate]
    if not known:
        return {}
    names = ", ".join(one.file_name for one in known)
    show.say(f"Known from an earlier tour, the same documents: {names}. Their runs are repeated.")
    reruns = {}
    for one in known:
        run = await _recognition_of(session, one)
        reruns[await _rerun(session, run.run_id if run else one.runs[0].run_id)] = one.file_name
    ends = await _follow(session, reruns)
    return {name: ends[run_id] for run_id, name in reruns.items()}


async def _send(session: Session, path: Path) -> UploadedFile:
    uploaded = await send_file(session.gateway, path, client=None)
    if uploaded.failure is not None:
        raise Problem(f"{path.name} was refused", uploaded.failure, Exit.PROBLEM)
    if not uploaded.runs:
        raise Problem(
            "An upload starts nothing",
            Failure(
                code="no_job_for_uploads",
                cause="no job of the catalogue is started by event.document.uploaded",
                concern=path.name,
                next_step="Look at `tagwerk jobs`: the documents service publishes its jobs when it starts.",
            ),
            Exit.PROBLEM,
        )
    return uploaded


async def _rerun(session: Session, run_id: UUID) -> UUID:
    started = await session.gateway.post(run_path(run_id, "rerun"), StartedRun, {"only": "all"})
    return started.run_id


async def _follow(session: Session, labels: dict[UUID, str]) -> dict[UUID, RunDetail]:
    waited = await wait_for_chains(session, labels, timeout=RUN_WITHIN)
    if waited.exit is Exit.STILL_RUNNING:
        missing = [label for id, label in labels.items() if id not in {r.run_id for r in waited.runs}]
        unfinished = [labels[run.run_id] for run in waited.runs if not run.state.final]
        raise Problem(
            "A run of the tour did not end",
            Failure(
                code="run_not_ended",
                cause=f"after {RUN_WITHIN:g} s these were not done: {', '.join(missing + unfinished)}",
                next_step="Read the logs in the folder `logs` of the state folder.",
                retryable=True,
            ),
            Exit.STILL_RUNNING,
        )
    return {run.run_id: run for run in waited.runs}


async def _story_of(session: Session, path: Path, uploaded: UploadedFile, run: RunDetail) -> DocumentStory:
    story = DocumentStory(path, uploaded, run, await _records(session, run.run_id))
    story.document = await session.gateway.get(f"/documents/{uploaded.document_id}", DocumentDetail)
    if "text" in story.document.files:
        text = await session.gateway.read_bytes(f"/documents/{uploaded.document_id}/files/text")
        story.pages = text.decode().split("\f")
        story.truth = true_text(path)
    if "searchable-pdf" in story.document.files:
        pdf = await session.gateway.read_bytes(f"/documents/{uploaded.document_id}/files/searchable-pdf")
        story.searchable_pdf = pdf.startswith(b"%PDF-")
    return story


async def _records(session: Session, run_id: UUID) -> list[RecordRow]:
    page = await session.gateway.get(run_path(run_id, "records"), RecordsPage, limit=1000)
    return page.items


def _check_document(story: Story, document: DocumentStory) -> None:
    name, run = document.name, document.run
    succeeded = RunState.SUCCEEDED in (run.state, document.repeated.state if document.repeated else None)
    story.check(f"{name}: its run succeeded", succeeded, run.state)
    story.check(f"{name}: its run gives the seven answers", len(run.answers) == QUESTIONS, len(run.answers))
    pages = document.document.page_count if document.document else None
    story.check(
        f"{name}: one record for each page",
        len(document.records) == pages,
        f"{len(document.records)} records, {pages} pages",
    )
    story.check(f"{name}: its text can be read", any(page.strip() for page in document.pages), "no text")
    story.check(
        f"{name}: its text can be downloaded as a searchable PDF",
        document.searchable_pdf,
        "none",
    )
    if document.repeated is not None:
        story.check(
            f"{name}: repeating its run changed nothing",
            kept(document.repeated_records),
            [str(record.outcome) for record in document.repeated_records],
        )


async def _fail_on_purpose(session: Session, show: Show, story: Story) -> None:
    show.chapter("One that fails, on purpose: a PDF with a password")
    with tempfile.TemporaryDirectory() as folder:
        path = make_locked_pdf(Path(folder))
        uploaded = await _send(session, path)
    run_id = uploaded.runs[0].run_id
    ends = await _follow(session, {run_id: uploaded.file_name})
    run = ends[run_id]
    story.failure = DocumentStory(path, uploaded, run, await _records(session, run_id))
    story.check("the locked PDF: its run failed", run.state is RunState.FAILED, run.state)
    code = run.failure.code if run.failure is not None else "no failure"
    story.check("the locked PDF: the error says that it is encrypted", code == "pdf_encrypted", code)
    story.check("the locked PDF: somebody has to act", run.action_required, "no action required")
    show.run(run)


async def _upload_once_more(session: Session, show: Show, story: Story) -> None:
    first = story.documents[0]
    show.chapter("The same file once more")
    about = f"document:{first.uploaded.document_id}"
    before = await session.gateway.get("/runs", RunsPage, about=about, limit=1000)
    again = await _send(session, first.path)
    after = await session.gateway.get("/runs", RunsPage, about=about, limit=1000)
    story.again, story.again_of = again, first
    story.runs_before_again, story.runs_after_again = _started_by_uploads(before), _started_by_uploads(after)
    story.check("the second upload is recognized as the same document", again.duplicate, "a new one")
    story.check(
        "the second upload has the same ids",
        (again.document_id, again.runs) == (first.uploaded.document_id, first.uploaded.runs),
        f"{again.document_id} {again.runs}",
    )
    story.check(
        "the second upload starts no further run",
        story.runs_before_again == story.runs_after_again,
        f"{story.runs_before_again} before, {story.runs_after_again} after",
    )
    show.again(story)


def _started_by_uploads(runs: RunsPage) -> int:
    """Not those that follow by themselves: the analysis of a recognized text may begin at any moment."""
    return sum(run.cause is None or run.cause.run_id is None for run in runs.items)


async def _do_it_again(session: Session, show: Show, story: Story) -> None:
    first = story.documents[0]
    show.chapter("Do it again: only what is missing is done")
    run_id = await _rerun(session, first.run.run_id)
    ends = await _follow(session, {run_id: f"rerun of {first.name}"})
    story.rerun = ends[run_id]
    story.rerun_records = await _records(session, run_id)
    story.check("the rerun succeeded", story.rerun.state is RunState.SUCCEEDED, story.rerun.state)
    story.check(
        "the rerun changed nothing",
        kept(story.rerun_records),
        [str(record.outcome) for record in story.rerun_records],
    )
    show.rerun(story)


async def _ask_by_record(session: Session, show: Show, story: Story) -> None:
    show.chapter("Ask by record: what ever touched one page")
    records = story.documents[0].records
    if not story.check("the first document has records", bool(records), "none"):
        return
    story.touched_key = records[0].key
    page = await session.gateway.get("/records", RecordsPage, key=story.touched_key, limit=100)
    story.touched = page.items
    runs = {record.run_id for record in page.items}
    story.check("a page knows all runs that touched it", len(runs) >= 2, f"{len(runs)} runs")
    show.touched(story)


def new_story(url: str) -> Story:
    return Story(url=url, began_at=datetime.now(UTC))
