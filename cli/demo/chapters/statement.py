"""The account statement comes: what was paid is recognized. The same statement again changes nothing."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

from cli.demo.bank import statement
from cli.demo.story import DocumentStory, PaymentStory, unchanged
from cli.demo.visitor import Visitor
from shared.commands import (
    BankStatementsPage,
    BankTransactionRow,
    BankTransactionsPage,
    DocumentDetail,
    PaymentFileDetail,
    RunDetail,
)
from shared.words import PaymentState, RunState

JOB: Final = "integrations.import-bank-statements"


async def import_statement_twice(visitor: Visitor) -> None:
    """Import the statement of each payment file, twice, and see which invoices it pays."""
    story = visitor.story
    visitor.show.chapter("The account statement comes, twice")
    visitor.show.say(
        "The bank's statement (camt.053) is imported. Each debit finds its invoice, which is paid with it. "
        "Then somebody imports the same file again: nothing changes."
    )
    references = [await _statement_of(visitor, payment) for payment in story.payments]
    story.imports = [await _import(visitor, one, "the account statement") for one in references]
    story.imports_again = [await _import(visitor, one, "the same statement again") for one in references]
    for run in (*story.imports, *story.imports_again):
        visitor.show.run_in_short(run)
        story.check("a statement was imported", run.state is RunState.SUCCEEDED, run.sentence)
    again = [dict(run.counts) for run in story.imports_again]
    story.check("the same statement again changes nothing", unchanged(story.imports_again), again)
    await _see_what_is_paid(visitor)
    visitor.show.transactions(story)


async def _statement_of(visitor: Visitor, payment: PaymentStory) -> str:
    """Upload what the bank books of a file; the same content each time."""
    booked = [one.payment_id for one in payment.file.orders if one.payment_id not in payment.rejected]
    assert payment.file.completed_at is not None
    at = payment.file.completed_at.replace(microsecond=0) + timedelta(seconds=2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"camt053-{payment.file.message_id[-8:]}.xml"
        path.write_bytes(statement(payment.content, booked, at=at))
        return await visitor.keep_file(path)


async def _import(visitor: Visitor, reference: str, about: str) -> RunDetail:
    return await visitor.start(JOB, about, {"file": reference})


async def _see_what_is_paid(visitor: Visitor) -> None:
    story = visitor.story
    booked = {
        order.payment_id: order.document_id
        for payment in story.payments
        for order in payment.file.orders
        if order.payment_id not in payment.rejected
    }
    page = await visitor.gateway.get("/bank/transactions", BankTransactionsPage, limit=1000)
    story.transactions = [row for row in page.items if _payment_ids(row) & set(booked)]
    statements = await visitor.gateway.get("/bank/statements", BankStatementsPage, limit=1000)
    accounts = {row.account for row in story.transactions}
    story.statements = [row for row in statements.items if row.account in accounts]
    found = {match.document_id for row in story.transactions for match in row.matches if match.settles}
    story.check("the statement's debits found their invoices", found == set(booked.values()), len(found))
    story.check(
        "no debit is there twice", len(story.transactions) == len(booked), f"{len(story.transactions)} debits"
    )
    for document in story.invoices:
        if document.document_id in set(booked.values()):
            await _see_it_paid(visitor, document)
    for payment in story.payments:
        path = f"/payments/files/{payment.file.file_id}"
        payment.file = await visitor.gateway.get(path, PaymentFileDetail)


async def _see_it_paid(visitor: Visitor, document: DocumentStory) -> None:
    async def ask() -> DocumentDetail:
        return await visitor.look_at(document)

    await visitor.until(ask, lambda detail: document.payment is PaymentState.PAID)
    paid = document.payment is PaymentState.PAID
    visitor.story.check(f"{document.title}: is paid", paid, document.payment)


def _payment_ids(row: BankTransactionRow) -> set[str]:
    return {detail.payment_id for detail in row.details if detail.payment_id is not None}
