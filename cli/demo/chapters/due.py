"""What is still due, as a report that one can print or send."""

from typing import Final
from uuid import UUID

from cli.demo.visitor import Visitor
from shared.commands import ReportsPage
from shared.words import ReportFormat, RunState

JOB: Final = "reporting.due-date-report"


async def report_what_is_due(visitor: Visitor) -> None:
    """Have the due date report made: it names the invoice that the bank refused, and no other."""
    story, show = visitor.story, visitor.show
    show.chapter("What is due, as a PDF and for Excel")
    show.say(
        "The due date report names what is not paid, what is overdue first, and who has to act. It can be "
        "downloaded here, sent to people by mail, or put into a folder by a schedule."
    )
    run = await visitor.start(JOB, "what is due", {})
    show.run_in_short(run)
    story.check("the report was made", run.state is RunState.SUCCEEDED, run.sentence)
    page = await visitor.gateway.get("/reports", ReportsPage, limit=1)
    if not story.check("the report can be found", bool(page.items), "there is none"):
        return
    [report] = page.items
    still_open = sum(document.to_pay and not document.is_paid for document in story.documents)
    story.check("it names what is not paid, and nothing else", report.invoices == still_open, report.invoices)
    for total in report.totals:
        overdue = f", {total.currency} {total.overdue:,.2f} of it overdue" if total.overdue else ""
        show.say(f"{total.currency} {total.overdue + total.due:,.2f} to pay{overdue}")
    for file in report.files:
        show.say(f"{file.file_name}, {file.size / 1000:,.0f} kB", "dim")
    content = await visitor.gateway.read_bytes(_path(report.report_id, ReportFormat.PDF))
    story.check("the report is a PDF", content.startswith(b"%PDF-"), content[:20])


def _path(report_id: UUID, format: ReportFormat) -> str:
    return f"/reports/{report_id}/files/{format}"
