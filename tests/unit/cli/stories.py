"""A tour as it could have been, for tests of what is made of it."""

from datetime import UTC, datetime
from pathlib import Path

from cli.answers import CausedRun, UploadedFile
from cli.demo.story import DocumentStory, Story
from shared.errors import Failure
from shared.words import Outcome, RunState
from tests.unit.cli.examples import DETAIL, DOCUMENT, OTHER_RUN, RUN, detail, record

LOCKED = Failure(
    code="pdf_encrypted",
    cause="the PDF asks for a password",
    concern="locked-payroll.pdf",
    next_step="Ask the sender for an unlocked copy.",
)


def uploaded(name: str, *, duplicate: bool = False) -> UploadedFile:
    return UploadedFile(
        file_name=name,
        document_id=DOCUMENT,
        duplicate=duplicate,
        media_type="application/pdf",
        sha256="ab" * 32,
        runs=[CausedRun(run_id=RUN, job="documents.ocr")],
    )


def a_story(folder: Path) -> Story:
    story = Story(url="http://127.0.0.1:4711", began_at=datetime(2026, 3, 12, 14, 2, tzinfo=UTC))
    story.ready_after = 6.4
    for name in ("invoice.pdf", "letter <b>.pdf"):
        path = folder / name
        path.write_bytes(b"no picture of this")
        story.documents.append(
            DocumentStory(
                path=path,
                uploaded=uploaded(name),
                run=detail(state=RunState.SUCCEEDED),
                records=[record(1, Outcome.CREATED), record(2, Outcome.CREATED)],
                document=DETAIL,
                pages=["Rechnung Nr. 2026-0417\nTotal CHF 245.60", "Büro & <script>alert(1)</script>"],
                searchable_pdf=True,
                truth="Rechnung Nr. 2026-0417\nTotal CHF 245.60\fBüro & <script>alert(1)</script>",
            )
        )
    story.failure = DocumentStory(
        folder / "locked-payroll.pdf",
        uploaded("locked-payroll.pdf"),
        detail(OTHER_RUN, RunState.FAILED, failure=LOCKED, sentence="The PDF asks for a password."),
        [],
    )
    story.again, story.again_of = uploaded("invoice.pdf", duplicate=True), story.documents[0]
    story.runs_before_again = story.runs_after_again = 1
    story.rerun = detail(OTHER_RUN, RunState.SUCCEEDED)
    story.rerun_records = [record(1, Outcome.UNCHANGED, OTHER_RUN), record(2, Outcome.UNCHANGED, OTHER_RUN)]
    story.touched_key = story.documents[0].records[0].key
    story.touched = [record(1, Outcome.CREATED), record(1, Outcome.UNCHANGED, OTHER_RUN)]
    story.check("a page knows all runs that touched it", True)
    story.check("the rerun changed nothing", False, "2 created")
    return story
