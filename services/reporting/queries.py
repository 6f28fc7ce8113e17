"""Questions about reports, answered from this service's own tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.reporting.kinds import read_summary
from shared.commands import (
    Query,
    ReportFile,
    ReportQuery,
    ReportRow,
    ReportsPage,
    ReportsQuery,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import ReportFormat

_SELECT: Final = "select * from reports"
_NEWEST_FIRST: Final = Order(
    "reports", (Key("created_at", datetime, descending=True), Key("report_id", UUID))
)


async def list_reports(pool: Pool, query: ReportsQuery) -> ReportsPage:
    """The reports of the clients and jobs that the asker may see. Raises `cursor_invalid`."""
    conditions = _visible(query)
    if query.client is not None:
        conditions.add("client = {}", query.client)
    if query.cursor is not None:
        conditions.add_after(_NEWEST_FIRST, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        f"{_SELECT} where {conditions.sql} order by {_NEWEST_FIRST.sql} limit {limit}",
        *conditions.arguments,
    )
    shown, cursor = rows[: query.limit], None
    if len(rows) > query.limit:
        cursor = encode_cursor(_NEWEST_FIRST, [shown[-1][key.column] for key in _NEWEST_FIRST.keys])
    return ReportsPage(items=await _rows(pool, shown), next_cursor=cursor)


async def read_report(pool: Pool, query: ReportQuery) -> ReportRow:
    """One report. Raises `report_not_found`, also for one that the asker may not see."""
    conditions = _visible(query)
    conditions.add("report_id = {}", query.report_id)
    rows = await pool.fetch(f"{_SELECT} where {conditions.sql}", *conditions.arguments)
    if not rows:
        raise TagwerkError(
            "report_not_found",
            "there is no such report",
            concern=str(query.report_id),
            next_step="`GET /api/v1/reports` lists those that there are.",
        )
    return (await _rows(pool, rows))[0]


def _visible(query: Query) -> Conditions:
    conditions, scope = Conditions(), query.scope
    if scope.clients is not None:
        conditions.add("client = any({}::text[])", sorted(scope.clients))
    if scope.jobs is not None:
        conditions.add("job = any({}::text[])", sorted(scope.jobs))
    return conditions


async def _rows(pool: Pool, rows: Sequence[Any]) -> list[ReportRow]:
    found = await pool.fetch(
        "select * from report_files where report_id = any($1::uuid[])", [row["report_id"] for row in rows]
    )
    files: dict[UUID, dict[str, ReportFile]] = {row["report_id"]: {} for row in rows}
    for file in found:
        files[file["report_id"]][file["format"]] = ReportFile(**dict(file))
    return [_row(row, files[row["report_id"]]) for row in rows]


def _row(row: Any, files: dict[str, ReportFile]) -> ReportRow:
    summary = read_summary(row["kind"], row["summary"])
    return ReportRow(
        **{name: value for name, value in dict(row).items() if name != "summary"},
        totals=summary.totals,
        files=[files[format] for format in ReportFormat if format in files],
    )
