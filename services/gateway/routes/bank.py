"""Bank statements and their transactions, as the integrations service stores them."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayRead, TheGateway
from services.gateway.fields import Text
from services.gateway.problems import answers
from services.gateway.routes.records import Cursor, Limit
from shared import subjects
from shared.access import Principal
from shared.commands import (
    BankStatementsPage,
    BankStatementsQuery,
    BankTransactionsPage,
    BankTransactionsQuery,
)

router = APIRouter(tags=["bank"])

#: Who may see this job and its runs may see what it stored.
_JOB: Final = "integrations.import-bank-statements"

Client = Annotated[Text | None, Query(description="Only of this client; none: of all that you act for.")]
Account = Annotated[
    Text | None, Query(description="An IBAN, or the number under which the account is known.")
]
From = Annotated[date | None, Query(alias="from", description="Booked on this day or later.")]
To = Annotated[date | None, Query(alias="to", description="Booked on this day or before.")]
Matched = Annotated[
    bool | None, Query(description="True: those that pay an invoice, at least in part. False: all others.")
]


@router.get("/bank/transactions", summary="Bank transactions", responses=answers(404))
async def list_bank_transactions(
    asking: MayRead,
    gateway: TheGateway,
    client: Client = None,
    account: Account = None,
    booked_from: From = None,
    booked_to: To = None,
    matched: Matched = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BankTransactionsPage:
    """The newest booking first. Amounts are signed strings, since they are exact: negative is money that left
    the account. `matches` names the invoices that a transaction pays."""
    await _may_see(gateway, asking, client)
    query = BankTransactionsQuery(
        client=client,
        account=account,
        booked_from=booked_from,
        booked_to=booked_to,
        matched=matched,
        limit=limit,
        cursor=cursor,
        **await gateway.gate.scope(asking),
    )
    return await gateway.bus.ask(
        subjects.query("integrations", "bank-transactions"),
        query,
        BankTransactionsPage,
        timeout=QUERY_TIMEOUT,
    )


@router.get("/bank/statements", summary="Bank statements", responses=answers(404))
async def list_bank_statements(
    asking: MayRead,
    gateway: TheGateway,
    client: Client = None,
    account: Account = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BankStatementsPage:
    """The newest first, with balances, and warnings about gaps."""
    await _may_see(gateway, asking, client)
    query = BankStatementsQuery(
        client=client, account=account, limit=limit, cursor=cursor, **await gateway.gate.scope(asking)
    )
    return await gateway.bus.ask(
        subjects.query("integrations", "bank-statements"), query, BankStatementsPage, timeout=QUERY_TIMEOUT
    )


async def _may_see(gateway: Gateway, asking: Principal, client: str | None) -> None:
    """Raises `job_not_found` and `client_not_found`."""
    await gateway.gate.job_to_see(asking, _JOB)
    if client is not None:
        await gateway.gate.act_for(asking, client, "bank")
