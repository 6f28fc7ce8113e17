"""One document cannot be read, and says why and what to do."""

import tempfile
from pathlib import Path
from typing import Final

from cli.demo.samples import make_locked_pdf
from cli.demo.visitor import Visitor
from shared.words import RunState

#: Answers that every run owes.
QUESTIONS: Final = 7


async def fail_on_purpose(visitor: Visitor) -> None:
    """Upload a PDF that asks for a password; a new one each time."""
    story = visitor.story
    visitor.show.chapter("One that fails, on purpose: a PDF with a password")
    visitor.show.say(
        "Not everything goes well in an office. What fails says in the same seven answers what happened, "
        "whether anything was changed, and what a person does next."
    )
    with tempfile.TemporaryDirectory() as folder:
        uploaded = await visitor.send(make_locked_pdf(Path(folder)))
    run = await visitor.end_of(uploaded.runs[0].run_id, uploaded.file_name)
    story.failure = await visitor.remember(run, uploaded.file_name)
    code = run.failure.code if run.failure is not None else "no failure"
    step = run.failure.next_step if run.failure is not None else ""
    story.check("the locked PDF: its run failed", run.state is RunState.FAILED, run.state)
    story.check("the locked PDF: the error says that it is encrypted", code == "pdf_encrypted", code)
    story.check(
        "the locked PDF: somebody has to act, and reads what to do", run.action_required and bool(step), step
    )
    story.check("the locked PDF: seven answers", len(run.answers) == QUESTIONS, len(run.answers))
    visitor.show.run(run)
