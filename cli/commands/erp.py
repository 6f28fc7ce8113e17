"""What the import read from the ERP."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit
from shared.words import ErpList

if TYPE_CHECKING:
    from cli.session import Session


async def erp(
    session: "Session",
    list: Annotated[ErpList, typer.Argument(help="Which list.")],
    gone: Annotated[
        bool | None, typer.Option("--gone/--present", help="Only what is gone from the ERP, or is not.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Only of this client.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List suppliers, cost centers or open items as they were read from the ERP."""
    from cli.render.erp import erp_entries_view
    from shared.commands import ErpEntriesPage

    page = await session.gateway.get(
        "/erp-entries", ErpEntriesPage, list=list, gone=gone, client=client, limit=limit, cursor=cursor
    )
    session.output.answer(page, erp_entries_view)
