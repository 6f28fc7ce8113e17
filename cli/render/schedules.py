"""Schedules and their occurrences for people; times stand in the zone of the schedule."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.words import moment, plain
from shared.commands import (
    Backfilled,
    OccurrencesPage,
    PauseChanged,
    Planned,
    Preview,
    ScheduleChanged,
    ScheduleRow,
    ScheduleRule,
    SchedulesPage,
)
from shared.words import OccurrenceVerdict

STYLES = {
    OccurrenceVerdict.STARTED: "green",
    OccurrenceVerdict.SKIPPED: "dim",
    OccurrenceVerdict.MISSED: "red",
}


def schedules_view(page: SchedulesPage) -> RenderableType:
    notes = [Text(f"Paused: {pause.what} ({pause.paused_by}: {pause.reason})") for pause in page.pauses]
    if not page.items:
        return Group(*notes, Text("No schedules.", style="dim"))
    table = _table("schedule", "rule", "next", "last", "missed")
    for row in page.items:
        last = Text(str(row.last.verdict), style=STYLES[row.last.verdict]) if row.last else Text("–")
        table.add_row(
            row.schedule.id, _rule(row.schedule.rule), _next(row), last, str(row.missed) if row.missed else ""
        )
    return Group(*notes, table)


def occurrences_view(page: OccurrencesPage) -> RenderableType:
    if not page.items:
        return Text("Nothing was decided within the last seven days.", style="dim")
    table = _table("time", "", "run", "why")
    for row in page.items:
        verdict = Text(str(row.verdict), style=STYLES[row.verdict])
        table.add_row(moment(row.nominal), verdict, str(row.run_id or ""), row.reason or "")
    return table


def preview_view(preview: Preview) -> RenderableType:
    if not preview.items:
        return Text("It has no occurrence any more.", style="dim")
    table = _table("time", "remarks")
    for planned in preview.items:
        table.add_row(planned.local, _remarks(planned))
    return table


def changed_view(changed: ScheduleChanged) -> str:
    before = _rule(changed.before.rule) if changed.before else "none"
    return f"{changed.after.id}: {before} → {_rule(changed.after.rule)}"


def pause_view(changed: PauseChanged) -> str:
    if changed.after is not None:
        return f"Paused: {changed.after.what}."
    return f"It goes on: {changed.before.what}." if changed.before else "It was not paused."


def backfilled_view(done: Backfilled) -> RenderableType:
    table = _table("time", "run", "")
    for item in done.items:
        table.add_row(moment(item.nominal), str(item.run_id), "had been started" if item.existing else "")
    left_out = Text(f"{done.left_out} left out: started before, or about to be decided.", style="dim")
    return Group(table, left_out) if done.left_out else table


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _rule(rule: ScheduleRule) -> str:
    if rule.cron is not None:
        return f"{rule.cron} {rule.zone}"
    return f"every {rule.every} s" if rule.every is not None else f"once {rule.at}"


def _next(row: ScheduleRow) -> str:
    if row.pause is not None:
        return f"paused: {row.pause.reason}"
    return "none" if row.next is None else _local(row.next.fires_at, row.schedule.rule.zone)


def _local(time: datetime, zone: str) -> str:
    return f"{time.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def _remarks(planned: Planned) -> str:
    parts = []
    if planned.transition is not None:
        parts.append(f"daylight saving: {plain(planned.transition)}")
    if planned.closed_by is not None:
        parts.append(f"{planned.effect}: {planned.closed_by}")
    if planned.effect == "moved":
        parts.append(f"to {moment(planned.fires_at)}")
    return ", ".join(parts)
