"""Bank statements and their transactions, as the integrations service stores them."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from services.gateway.context import MayRead, TheGateway
from services.gateway.fields import Text
from services.gateway.lists import ClientFilter, list_of_clients
from services.gateway.problems import answers
from shared.commands import (
    BankStatementsPage,
    BankStatementsQuery,
    BankTransactionsPage,
    BankTransactionsQuery,
)

router = APIRouter(tags=["bank"])

#: Who may see this job and its runs may see what it stored.
_JOB: Final = "integrations.import-bank-statements"


class StatementsFilter(ClientFilter):
    account: Text | None = Field(
        default=None, description="An IBAN, or the number under which the account is known."
    )


class TransactionsFilter(StatementsFilter):
    booked_from: date | None = Field(default=None, alias="from", description="Booked on this day or later.")
    booked_to: date | None = Field(default=None, alias="to", description="Booked on this day or before.")
    matched: bool | None = Field(
        default=None,
        description="True: those that pay an invoice, at least in part. False: all others.",
    )


@router.get("/bank/transactions", summary="Bank transactions", responses=answers(404))
async def list_bank_transactions(
    filter: Annotated[TransactionsFilter, Query()], asking: MayRead, gateway: TheGateway
) -> BankTransactionsPage:
    """The newest booking first. Amounts are signed strings, since they are exact: negative is money that left
    the account. `matches` names the invoices that a transaction pays."""
    return await list_of_clients(
        gateway, asking, "bank-transactions", filter, BankTransactionsQuery, BankTransactionsPage, job=_JOB
    )


@router.get("/bank/statements", summary="Bank statements", responses=answers(404))
async def list_bank_statements(
    filter: Annotated[StatementsFilter, Query()], asking: MayRead, gateway: TheGateway
) -> BankStatementsPage:
    """The newest first, with balances, and warnings about gaps."""
    return await list_of_clients(
        gateway, asking, "bank-statements", filter, BankStatementsQuery, BankStatementsPage, job=_JOB
    )
