"""Payments: what is to be paid, and the files for the bank."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit
from shared.words import PaymentState

if TYPE_CHECKING:
    from cli.session import Session

Client = Annotated[str | None, typer.Option(help="Only of this client.")]


async def payables(
    session: "Session",
    state: Annotated[PaymentState | None, typer.Option(help="How far the payment is.")] = None,
    client: Client = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List approved invoices and how far their payment is, the earliest due first."""
    from cli.render.payments import payables_view
    from shared.commands import PayablesPage

    page = await session.gateway.get(
        "/payables", PayablesPage, state=state, client=client, limit=limit, cursor=cursor
    )
    session.output.answer(page, payables_view)


async def payment_files(
    session: "Session", client: Client = None, limit: Limit = 50, cursor: Cursor = None
) -> None:
    """List payment files, the newest first."""
    from cli.render.payments import payment_files_view
    from shared.commands import PaymentFilesPage

    page = await session.gateway.get(
        "/payments/files", PaymentFilesPage, client=client, limit=limit, cursor=cursor
    )
    session.output.answer(page, payment_files_view)


async def payment_file(
    session: "Session",
    file_id: Annotated[str, typer.Argument(metavar="FILE", help="Id of the payment file.")],
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Save it here, to give it to the bank."),
    ] = None,
) -> None:
    """Show a payment file and its orders, or save it for the bank."""
    from cli import ids
    from cli.render.payments import payment_file_view
    from shared.commands import PaymentFileDetail

    path = f"/payments/files/{ids.file_id(file_id)}"
    if save is not None:
        size = await session.gateway.download(f"{path}/content", save)
        session.output.say(f"{save}: {size:,} bytes")
    if session.output.as_json or save is None:
        session.output.answer(await session.gateway.get(path, PaymentFileDetail), payment_file_view)
