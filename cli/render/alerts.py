"""Alerts and silences for people."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.words import moment, plain
from shared.commands import AlertRow, AlertsPage, SilenceRow, SilencesPage
from shared.words import Severity, TellingState


def alerts_view(page: AlertsPage) -> RenderableType:
    if not page.items:
        return Text("No alerts.", style="dim")
    parts: list[RenderableType] = []
    for row in page.items:
        parts.append(_headline(row))
        parts.append(Text(f"  {row.why}"))
        if row.closed_at is None:
            parts.append(Text(f"  Next: {row.next_step}"))
        if row.silence is not None:
            parts.append(
                Text(f"  Silenced until {moment(row.silence.ends_at)}: {row.silence.reason}", style="yellow")
            )
        for told in row.tellings:
            state = plain(told.state) if told.state else "held back" if row.silence else "waits"
            cause = f": {told.cause}" if told.cause else ""
            style = "red" if told.state in (TellingState.FAILED, TellingState.IN_DOUBT) else "dim"
            parts.append(
                Text(f"  {told.what} to {told.destination} {state} {moment(told.at)}{cause}", style=style)
            )
        run = f", run {row.run_id}" if row.run_id else ""
        parts.append(Text(f"  {row.alert_id}{run}", style="dim"))
    if page.next_cursor:
        parts.append(Text(f"More with --cursor {page.next_cursor}", style="dim"))
    return Group(*parts)


def closed_view(row: AlertRow) -> str:
    return f"Closed: {plain(row.kind)} {row.concern}."


def silences_view(page: SilencesPage) -> RenderableType:
    if not page.items:
        return Text("No silences.", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("silence", "what", "reason", "by", "ends"):
        table.add_column(name, overflow="fold")
    for row in page.items:
        ends = moment(row.ends_at) if row.active else "ended"
        table.add_row(str(row.silence_id), _what(row), row.reason, row.created_by, ends)
    return table


def silence_view(row: SilenceRow) -> str:
    if not row.active:
        return f"Ended: {_what(row)}."
    return f"Silenced until {moment(row.ends_at)}: {_what(row)} ({row.silence_id})."


def _headline(row: AlertRow) -> Text:
    style = "green" if row.closed_at else "bold red" if row.severity is Severity.CRITICAL else "bold yellow"
    line = Text(f"{plain(row.kind)} {row.concern}", style=style)
    line.append(f"  since {moment(row.opened_at)}", style="dim")
    if row.count > 1:
        line.append(f", {row.count} times", style="dim")
    if row.client:
        line.append(f", {row.client}", style="dim")
    if row.closed_at:
        line.append(f", over {moment(row.closed_at)}", style="dim")
    return line


def _what(row: SilenceRow) -> str:
    parts = [*(plain(kind) for kind in row.kinds), *row.jobs, *row.clients]
    return ", ".join(parts) or "everything"
