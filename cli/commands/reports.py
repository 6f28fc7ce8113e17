"""Reports that were made: list them, show one, download its files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit
from shared.words import ReportFormat

if TYPE_CHECKING:
    from cli.session import Session

Report = Annotated[str, typer.Argument(metavar="REPORT", help="Id of the report.")]


async def reports(
    session: "Session",
    kind: Annotated[
        str | None, typer.Option(help="Only those about this: due-dates, exceptions, audit.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Only of this client.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List reports, the newest first."""
    from cli.render.reports import reports_view
    from shared.commands import ReportsPage

    page = await session.gateway.get(
        "/reports", ReportsPage, kind=kind, client=client, limit=limit, cursor=cursor
    )
    session.output.answer(page, reports_view)


async def report(session: "Session", report_id: Report) -> None:
    """Show a report: what it is about, its files, and who was sent it."""
    from cli import ids
    from cli.render.reports import report_view
    from shared.commands import ReportRow

    row = await session.gateway.get(f"/reports/{ids.report_id(report_id)}", ReportRow)
    session.output.answer(row, report_view)


async def download(
    session: "Session",
    report_id: Report,
    format: Annotated[
        ReportFormat | None, typer.Option(help="Which file; none: the first that there is.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Where to; none: under its own name, here."),
    ] = None,
) -> None:
    """Save a file of a report, byte for byte as it was mailed."""
    from cli import ids
    from cli.answers import SavedFile
    from shared.commands import ReportRow

    path = f"/reports/{ids.report_id(report_id)}"
    row = await session.gateway.get(path, ReportRow)
    wanted = format or row.files[0].format
    name = next((file.file_name for file in row.files if file.format is wanted), f"{wanted}")
    target = save or Path(Path(name).name)
    size = await session.gateway.download(f"{path}/files/{wanted}", target)
    session.output.answer(
        SavedFile(file=str(target), size=size), lambda saved: f"{saved.file}: {saved.size:,} bytes"
    )
