"""Reports that were made, and their files."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.gateway.context import QUERY_TIMEOUT, MayRead, TheGateway
from services.gateway.fields import Text
from services.gateway.lists import ClientFilter, list_of_clients
from services.gateway.problems import answers
from shared import subjects
from shared.commands import ReportQuery, ReportRow, ReportsPage, ReportsQuery
from shared.errors import TagwerkError
from shared.files import FileMissing, Files
from shared.words import ReportFormat

router = APIRouter(tags=["reports"])

MEDIA_TYPES: Final = {
    ReportFormat.PDF: "application/pdf",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.CSV: "text/csv; charset=utf-8",
}


class ReportsFilter(ClientFilter):
    kind: Text | None = Field(
        default=None, description="Only those about this: `due-dates`, `exceptions`, `reminders`, `audit`."
    )


@router.get("/reports", summary="Reports and their files", responses=answers(404))
async def list_reports(
    filter: Annotated[ReportsFilter, Query()], asking: MayRead, gateway: TheGateway
) -> ReportsPage:
    """The newest first, of the jobs and clients that one may see."""
    return await list_of_clients(
        gateway, asking, "reports", filter, ReportsQuery, ReportsPage, service="reporting"
    )


@router.get("/reports/{report_id}", summary="One report", responses=answers(404))
async def read_report(report_id: UUID, asking: MayRead, gateway: TheGateway) -> ReportRow:
    """What it says in numbers, its files, and who was sent it."""
    query = ReportQuery(report_id=report_id, **await gateway.gate.scope(asking))
    try:
        return await gateway.bus.ask(
            subjects.query("reporting", "report"), query, ReportRow, timeout=QUERY_TIMEOUT
        )
    except TagwerkError as error:
        if error.failure.code == "report_not_found":
            gateway.gate.look_for_hidden_report(asking, report_id)
        raise


@router.get(
    "/reports/{report_id}/files/{format}",
    summary="Download a report",
    response_class=StreamingResponse,
    responses=answers(404) | {200: {"content": {name: {} for name in MEDIA_TYPES.values()}}},
)
async def download_report(
    report_id: UUID, format: ReportFormat, asking: MayRead, gateway: TheGateway
) -> StreamingResponse:
    """The file, byte for byte as it was mailed."""
    report = await read_report(report_id, asking, gateway)
    file = next((file for file in report.files if file.format is format), None)
    if file is None:
        raise FileMissing(f"reports/{report_id}.{format}")
    headers = {
        "Content-Disposition": f'attachment; filename="{file.file_name}"',
        "Content-Length": str(file.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    content = await Files(gateway.files, report.client).stream(f"reports/{report_id}.{format}")
    return StreamingResponse(content, media_type=MEDIA_TYPES[format], headers=headers)
