"""Questions about reports, answered from this service's own tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.reporting.kinds import read_summary
from services.reporting.recipients import SENT
from shared.commands import (
    Choice,
    ChoicesQuery,
    Query,
    ReportFile,
    ReportMail,
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
    if query.kind is not None:
        conditions.add("kind = {}", query.kind)
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


async def report_choices(pool: Pool, jobs: Sequence[str], query: ChoicesQuery) -> list[Choice]:
    """The newest reports of a client that these jobs made, by what they are called."""
    rows = await pool.fetch(
        "select report_id, created_at, items, file_name from reports"
        " join lateral (select file_name from report_files where report_files.report_id = reports.report_id"
        " order by format limit 1) as files on true"
        " where client = $1 and file_name ilike $2 and job = any($4::text[])"
        " order by created_at desc, report_id limit $3",
        query.client,
        f"%{query.text or ''}%",
        query.limit + 1,
        list(jobs),
    )
    return [
        Choice(
            value=str(row["report_id"]),
            label=row["file_name"].rpartition(".")[0],
            detail=f"{row['created_at']:%Y-%m-%d %H:%M} UTC",
        )
        for row in rows
    ]


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
    sent = await pool.fetch(
        f"select * from ({SENT}) as sent where report_id = any($1::uuid[]) order by sent_at desc, address",  # noqa: S608
        list(files),
    )
    mails: dict[UUID, list[ReportMail]] = {report_id: [] for report_id in files}
    for mail in sent:
        mails[mail["report_id"]].append(ReportMail(**dict(mail)))
    return [_row(row, files[row["report_id"]], mails[row["report_id"]]) for row in rows]


def _row(row: Any, files: dict[str, ReportFile], mails: list[ReportMail]) -> ReportRow:
    summary = read_summary(row["kind"], row["summary"])
    return ReportRow(
        **{name: value for name, value in dict(row).items() if name != "summary"},
        totals=summary.totals,
        files=[files[format] for format in ReportFormat if format in files],
        mails=mails,
    )
