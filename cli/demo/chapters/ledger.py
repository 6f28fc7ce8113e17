"""At the end: every run of the tour in one table, and the documents as they stand now."""

from cli.answers import DocumentChain
from cli.demo.chapters.failure import QUESTIONS
from cli.demo.visitor import Visitor
from shared.words import RunState


async def look_back(visitor: Visitor) -> None:
    """Ask once more for everything that the report shows."""
    story = visitor.story
    for document in story.documents:
        await visitor.look_at(document)
        document.chain = await visitor.gateway.get(f"/documents/{document.document_id}/chain", DocumentChain)
    names = [document.name for document in story.documents]
    in_order = sorted(
        story.runs.values(),
        key=lambda taken: (
            names.index(taken.about) if taken.about in names else len(names),
            taken.run.requested_at,
        ),
    )
    story.runs = {taken.run.run_id: taken for taken in in_order}
    visitor.show.chapter("All runs of this tour")
    visitor.show.runs(story)
    failing = {story.failure.run.run_id} if story.failure is not None else set()
    others = [taken.run for taken in story.runs.values() if taken.run.run_id not in failing]
    bad = [f"{run.job}: {run.state}" for run in others if run.state is not RunState.SUCCEEDED]
    story.check("every other run succeeded", bool(others) and not bad, bad)
    silent = [run.job for run in others if len(run.answers) != QUESTIONS]
    story.check("every run gives the seven answers", not silent, silent)
