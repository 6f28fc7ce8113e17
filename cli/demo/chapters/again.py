"""What comes twice is known, and everything that touched an invoice can be asked for."""

from cli.demo.samples import PAPERS
from cli.demo.story import Upload
from cli.demo.visitor import Visitor
from shared.commands import RecordsPage, RunsPage


async def upload_once_more(visitor: Visitor) -> None:
    """The first paper, a second time: the same document, and nothing starts."""
    story, first = visitor.story, visitor.story.documents[0]
    visitor.show.chapter("The same file once more")
    about = f"document:{first.document_id}"
    before = _started_by_uploads(await visitor.gateway.get("/runs", RunsPage, about=about, limit=1000))
    again = await visitor.send(PAPERS[0].path)
    after = _started_by_uploads(await visitor.gateway.get("/runs", RunsPage, about=about, limit=1000))
    story.again = Upload(again, before, after)
    same = again.duplicate and again.document_id == first.document_id
    story.check("the second upload is recognized as the same document", same, again.document_id)
    story.check("the second upload starts nothing", before == after, f"{before} before, {after} after")
    visitor.show.say(
        "Somebody uploads the scanned invoice again. The same bytes are the same document, and nothing "
        "is started."
    )


async def ask_by_record(visitor: Visitor) -> None:
    """Every run that ever touched one invoice, from its analysis to its payment."""
    story, first = visitor.story, visitor.story.invoices[0]
    visitor.show.chapter("Ask by record: everything that touched one invoice")
    story.touched_key = f"invoice:{first.document_id}"
    page = await visitor.gateway.get("/records", RecordsPage, key=story.touched_key, limit=100)
    story.touched = sorted(page.items, key=lambda record: record.time)
    jobs = {record.job for record in page.items}
    story.check("an invoice knows the runs that read and ordered it", len(jobs) >= 2, sorted(jobs))
    visitor.show.touched(story, first.title)


def _started_by_uploads(runs: RunsPage) -> int:
    return sum(run.cause is None or run.cause.run_id is None for run in runs.items)
