"""What is still due, as a report that one can print or send."""

from typing import Final
from uuid import UUID

from cli.demo.post import TREASURER, PostOffice
from cli.demo.visitor import Visitor
from shared.commands import ReportsPage
from shared.words import ReportFormat, RunState

JOB: Final = "reporting.due-date-report"


async def report_what_is_due(visitor: Visitor, post: PostOffice | None) -> None:
    """Have the due date report made and mailed: it names the invoice that the bank refused, and no other."""
    story, show = visitor.story, visitor.show
    show.chapter("What is due, as a PDF and for Excel")
    show.say(
        "The due date report names what is not paid, what is overdue first, and who has to act. It can be "
        "downloaded here, sent to people by mail, or put into a folder by a schedule."
    )
    parameters = {} if post is None else {"recipients": [TREASURER]}
    run = await visitor.start(JOB, "what is due", parameters)
    show.run_in_short(run)
    story.check("the report was made", run.state is RunState.SUCCEEDED, run.sentence)
    page = await visitor.gateway.get("/reports", ReportsPage, kind="due-dates", limit=1)
    if not story.check("the report can be found", bool(page.items), "there is none"):
        return
    [report] = page.items
    still_open = sum(document.to_pay and not document.is_paid for document in story.documents)
    story.check("it names what is not paid, and nothing else", report.items == still_open, report.items)
    for total in report.totals:
        overdue = f", {total.currency} {total.overdue:,.2f} of it overdue" if total.overdue else ""
        show.say(f"{total.currency} {total.overdue + total.due:,.2f} to pay{overdue}")
    for file in report.files:
        show.say(f"{file.file_name}, {file.size / 1000:,.0f} kB", "dim")
    content = await visitor.gateway.read_bytes(_path(report.report_id, ReportFormat.PDF))
    story.check("the report is a PDF", content.startswith(b"%PDF-"), content[:20])
    if post is not None:
        _look_into_the_post(visitor, post, content)


def _look_into_the_post(visitor: Visitor, post: PostOffice, report: bytes) -> None:
    """The treasurer has the report, once: what a tour of this day has mailed is not mailed again."""
    with_it = [
        (path, mail)
        for path, mail in post.mailed(TREASURER)
        if report in [part.get_content() for part in mail.iter_attachments()]
    ]
    visitor.story.check(
        "the report was mailed to the treasurer, once, with the PDF", len(with_it) == 1, len(with_it)
    )
    for path, mail in with_it:
        visitor.show.say(f"mailed to {TREASURER}: “{mail['Subject']}”")
        visitor.show.say(f"it lies in {path}", "dim")


def _path(report_id: UUID, format: ReportFormat) -> str:
    return f"/reports/{report_id}/files/{format}"
