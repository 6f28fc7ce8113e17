"""Bank statements and their transactions."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from shared.commands.common import PagedQuery
from shared.events.business import Exact


class BankTransactionsQuery(PagedQuery):
    """`query.integrations.bank-transactions` -> `BankTransactionsPage`, the newest booking first."""

    client: str | None = None
    #: An IBAN, or the account number under which it is known.
    account: str | None = None
    booked_from: date | None = None
    booked_to: date | None = None
    #: True: those that pay an invoice, at least in part. False: all others.
    matched: bool | None = None


class BankMatch(BaseModel):
    """The invoice that a transaction pays."""

    document_id: UUID
    invoice_number: str | None = None
    payee_name: str | None = None
    #: In the currency of the invoice.
    amount: Exact
    currency: str
    #: `payment_id`, `reference` or `amount_and_party`.
    matched_by: str
    #: Whether the invoice is paid in full with it.
    settles: bool
    #: Record key of the transaction that took it back.
    reversed_by: str | None = None


class BankDetail(BaseModel):
    """One of the payments of which a transaction consists, as far as the bank tells."""

    amount: Exact | None = None
    currency: str | None = None
    party: str | None = None
    party_account: str | None = None
    #: End-to-end id.
    payment_id: str | None = None
    references: list[str] = Field(default_factory=list)
    text: str | None = None
    #: As it was ordered in another currency, and the rate.
    instructed: Exact | None = None
    instructed_currency: str | None = None
    rate: Exact | None = None
    #: `1.50 CHF`.
    charges: str | None = None
    #: ISO 20022 external return reason.
    return_reason: str | None = None


class BankTransactionRow(BaseModel):
    #: The record key.
    key: str
    client: str
    account: str
    booked_on: date
    valued_on: date | None = None
    #: Signed: negative is money that left the account.
    amount: Exact
    currency: str
    reversal: bool = False
    bank_reference: str | None = None
    #: ISO 20022 bank transaction code (`PMNT-RCDT-BOOK`), or the bank's own.
    code: str | None = None
    text: str | None = None
    charges: str | None = None
    party: str | None = None
    party_account: str | None = None
    details_count: int = 0
    #: The first 20 of them.
    details: list[BankDetail] = Field(default_factory=list)
    #: `none`, `matched`, `partly`, `ambiguous`, `reversed`.
    match: str
    matches: list[BankMatch] = Field(default_factory=list)
    #: The run that stored it.
    run_id: UUID


class BankTransactionsPage(BaseModel):
    items: list[BankTransactionRow]
    next_cursor: str | None = None


class BankStatementsQuery(PagedQuery):
    """`query.integrations.bank-statements` -> `BankStatementsPage`, the newest first."""

    client: str | None = None
    account: str | None = None


class BankStatementRow(BaseModel):
    #: The record key.
    key: str
    client: str
    label: str
    account: str
    currency: str
    #: `camt.053.001.08`, `mt940`.
    message: str
    opening_amount: Exact | None = None
    opening_day: date | None = None
    closing_amount: Exact | None = None
    closing_day: date | None = None
    #: The sum of its booked entries.
    total: Exact
    entries: int
    #: Pending, or for information.
    not_booked: int
    #: Gaps, balances that could not be checked.
    warnings: list[str]
    file_name: str
    run_id: UUID


class BankStatementsPage(BaseModel):
    items: list[BankStatementRow]
    next_cursor: str | None = None
