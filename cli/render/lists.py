"""The lists of a run: records, calls, log lines. One row each, two lines where the terminal is narrow."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.render.words import (
    CALL_STYLES,
    LEVEL_STYLES,
    OUTCOME_STYLES,
    clock,
    duration,
    rest,
    short_ids,
)
from shared.commands import CallsPage, LogsPage, RecordRow, RecordsPage


def records_view(page: RecordsPage, *, of_one_run: bool, full_ids: bool) -> RenderableType:
    """Records with what became of them; without a run in common, each names its run."""
    if not page.items:
        return Text("No records match.", style="dim")
    run_ids = [record.run_id for record in page.items]
    ids = {id: str(id) for id in run_ids} if full_ids else short_ids(run_ids)
    parts: list[RenderableType] = []
    for record in page.items:
        line = Text.assemble((f"{record.outcome:<9}", OUTCOME_STYLES[record.outcome]), "  ")
        if full_ids:
            line.no_wrap, line.overflow = True, "ignore"
        line.append(record.label or record.key, style="bold")
        if record.label:
            line.append(f"  {record.key}", style="dim")
        if not of_one_run:
            line.append(f"  {record.job} {ids[record.run_id]} {clock(record.time)}", style="dim")
        parts.append(line)
        parts += [Padding(more, (0, 0, 0, 11)) for more in _more(record)]
    return Group(*parts, *_rest(page.next_cursor))


def changes_view(page: RecordsPage) -> RenderableType:
    if not page.items:
        return Text("No data was changed.", style="dim")
    return records_view(page, of_one_run=True, full_ids=False)


def calls_view(page: CallsPage) -> RenderableType:
    if not page.items:
        return Text("No external system was called.", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("time (UTC)", "system", "operation", "outcome", "took", "detail"):
        table.add_column(name, overflow="fold", justify="right" if name == "took" else "left")
    for call in page.items:
        said = call.detail or ""
        if call.failure is not None:
            said = f"{call.failure.code}: {call.failure.cause}"
        table.add_row(
            clock(call.started_at),
            call.system,
            call.operation,
            Text(str(call.outcome), style=CALL_STYLES[call.outcome]),
            duration(call.duration_ms / 1000),
            Text(said),
        )
    return Group(table, *_rest(page.next_cursor))


def logs_view(page: LogsPage) -> RenderableType:
    if not page.items:
        return Text("No log lines.", style="dim")
    lines = []
    for line in page.items:
        text = Text.assemble((clock(line.time), "dim"), " ", (f"{line.level:<8}", LEVEL_STYLES[line.level]))
        text.append(line.message)
        for name, value in line.fields.items():
            text.append(f"  {name}={value}", style="dim")
        lines.append(text)
    return Group(*lines, *_rest(page.next_cursor))


def _more(record: RecordRow) -> list[Text]:
    lines = []
    if record.message:
        lines.append(Text(record.message))
    if record.failure is not None:
        lines.append(Text(f"{record.failure.code}: {record.failure.cause}", style="red"))
        lines.append(Text(f"next step: {record.failure.next_step}"))
    for name, (before, after) in (record.changes or {}).items():
        lines.append(Text(f"{name}: {before} → {after}"))
    return lines


def _rest(cursor: str | None) -> list[RenderableType]:
    return [rest(cursor)] if cursor else []
