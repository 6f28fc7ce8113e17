"""Reports: what each is about, its files, and who was sent it."""

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.words import moment, rest
from shared.commands import ReportRow, ReportsPage

#: Kind -> what it is, and what it names.
_KINDS = {
    "audit": ("who did what", "entries"),
    "due-dates": ("due invoices", "invoices"),
    "exceptions": ("exceptions", "exceptions"),
    "reminders": ("reminders", "reminders"),
}


def reports_view(page: ReportsPage) -> RenderableType:
    """Two lines for each report: what it is about, then its id."""
    if not page.items:
        return Text("No reports match. `tagwerk start reporting.due-date-report` makes one.", style="dim")
    lines = [line for row in page.items for line in _head(row)]
    return Group(*lines, rest(page.next_cursor)) if page.next_cursor else Group(*lines)


def report_view(row: ReportRow) -> RenderableType:
    """The report with its sums, files and mails."""
    lines = _head(row)
    for total in row.totals:
        lines.append(Text(f"  {total.currency} {total.overdue:,.2f} overdue, {total.due:,.2f} due later"))
    for file in row.files:
        lines.append(Text(f"  {file.format:<5} {file.file_name}, {file.size:,} bytes"))
    for mail in row.mails:
        line = Text(f"  sent to {mail.address}, {moment(mail.sent_at)}")
        if mail.again:
            line.append(f", again: {mail.again}", style="yellow")
        lines.append(line)
    if not row.mails:
        lines.append(Text("  mailed to nobody", style="dim"))
    return Group(*lines)


def _head(row: ReportRow) -> list[Text]:
    name, things = _KINDS.get(row.kind, (row.kind, "items"))
    span = f"{row.since} to {row.until}" if row.since else f"until {row.until}"
    line = Text(f"{name}, {span}", style="bold")
    line.append(f"  {row.items:,} {things}", style="not bold")
    return [line, Text(f"  {row.report_id}  {row.client}, {moment(row.created_at)}", style="dim")]
