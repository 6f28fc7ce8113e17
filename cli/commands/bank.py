"""Bank statements: what the import stored, and what is matched."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit

if TYPE_CHECKING:
    from cli.session import Session

Client = Annotated[str | None, typer.Option(help="Only of this client.")]
Account = Annotated[str | None, typer.Option(help="Only of this account, by its IBAN or number.")]


async def bank_transactions(
    session: "Session",
    account: Account = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Booked on this day or later."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Booked on this day or before."
        ),
    ] = None,
    matched: Annotated[
        bool | None,
        typer.Option("--matched/--unmatched", help="Only those that pay an invoice, or all others."),
    ] = None,
    client: Client = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List bank transactions, the newest booking first."""
    from cli.render.bank import transactions_view
    from shared.commands import BankTransactionsPage

    query = {"from": None if since is None else since.date(), "to": None if until is None else until.date()}
    page = await session.gateway.get(
        "/bank/transactions",
        BankTransactionsPage,
        account=account,
        matched=matched,
        client=client,
        limit=limit,
        cursor=cursor,
        **query,
    )
    session.output.answer(page, transactions_view)


async def bank_statements(
    session: "Session",
    account: Account = None,
    client: Client = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List bank statements with their balances, the newest first."""
    from cli.render.bank import statements_view
    from shared.commands import BankStatementsPage

    page = await session.gateway.get(
        "/bank/statements", BankStatementsPage, account=account, client=client, limit=limit, cursor=cursor
    )
    session.output.answer(page, statements_view)
