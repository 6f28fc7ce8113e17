"""The approved invoices become orders to the bank, in a file, once."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from cli.answers import StartedRun
from cli.demo.story import PaymentStory
from cli.demo.visitor import Visitor
from cli.problems import Problem
from shared.commands import PayableRow, PayablesPage, PaymentFileDetail
from shared.words import ApprovalState, PaymentState, RunState

JOB: Final = "integrations.create-payment-file"
_REASON: Final = "the demo pays its own samples, by a bank that is played"


async def create_payment_file(visitor: Visitor) -> None:
    """Order what is approved and in no file yet; download every file that has orders of ours."""
    visitor.show.chapter("The payment file is created")
    visitor.show.say(
        "What is approved is ordered in a file that the bank's software takes (pain.001). Money moves by it, "
        "so the start asks for a confirmation: the job's name, typed, and a reason. No invoice is ordered "
        "twice."
    )
    rows = await _payables(visitor)
    due = [row.document_id for row in rows if row.state is PaymentState.OPEN and row.held is None]
    ordered: set[UUID] = {row.file_id for row in rows if row.file_id is not None}
    unfinished = [file for file in await _files(visitor, ordered) if file.completed_at is None]
    documents = due or [order.document_id for file in unfinished for order in file.orders]
    if documents:
        await _refused_without_confirmation(visitor, documents)
        wanted = {"documents": [str(document) for document in documents]}
        about = f"{len(documents)} invoices"
        run = await visitor.start(JOB, about, wanted, reason=_REASON, confirm=JOB)
        visitor.story.check("the payment file was created", run.state is RunState.SUCCEEDED, run.sentence)
        visitor.show.run_in_short(run)
        rows = await _payables(visitor)
    made = {row.file_id for row in rows if row.file_id is not None}
    for file in await _files(visitor, made):
        content = await visitor.gateway.read_bytes(f"/payments/files/{file.file_id}/content")
        visitor.story.payments.append(PaymentStory(file, content, known=file.file_id in ordered))
        if file.run_id not in visitor.story.runs:
            await visitor.remember(await visitor.run(file.run_id), "an earlier tour's invoices")
    _check(visitor, rows)
    for payment in visitor.story.payments:
        visitor.show.payment_file(payment)


async def _payables(visitor: Visitor) -> Sequence[PayableRow]:
    """Our invoices as the integrations service knows them, once it knows of every approval."""
    approved = {
        story.document_id: story.detail.approval.approved_by
        for story in visitor.story.invoices
        if story.detail.approval is not None and story.approval is ApprovalState.APPROVED
    }
    ours = {story.document_id for story in visitor.story.invoices}

    async def ask() -> Sequence[PayableRow]:
        page = await visitor.gateway.get("/payables", PayablesPage, limit=1000)
        return [row for row in page.items if row.document_id in ours]

    def knows_all(rows: Sequence[PayableRow]) -> bool:
        known = {row.document_id for row in rows if row.state is not PaymentState.OPEN or row.held is None}
        return known >= set(approved)

    rows = await visitor.until(ask, knows_all)
    found = sorted(str(row.document_id) for row in rows)
    visitor.story.check("every approved invoice is known as one to be paid", knows_all(rows), found)
    return rows


async def _files(visitor: Visitor, file_ids: Collection[UUID]) -> list[PaymentFileDetail]:
    files = [
        await visitor.gateway.get(f"/payments/files/{file_id}", PaymentFileDetail) for file_id in file_ids
    ]
    return sorted(files, key=lambda file: (file.created_at, str(file.file_id)))


async def _refused_without_confirmation(visitor: Visitor, documents: Sequence[UUID]) -> None:
    body = {"parameters": {"documents": [str(document) for document in documents]}}
    try:
        await visitor.gateway.post(f"/jobs/{JOB}/runs", StartedRun, body)
        said = "it was started"
    except Problem as problem:
        said = problem.failure.code
        visitor.show.say(f"Without the confirmation: refused, {problem.failure.cause}.", "dim")
    asks = said == "confirmation_required"
    visitor.story.check("nothing is ordered without a typed confirmation", asks, said)


def _check(visitor: Visitor, rows: Sequence[PayableRow]) -> None:
    check, payments = visitor.story.check, visitor.story.payments
    orders = [order for payment in payments for order in payment.file.orders]
    ordered = [order.document_id for order in orders if order.state is not PaymentState.REJECTED]
    check("no invoice stands in two orders", len(ordered) == len(set(ordered)), orders)
    missing = [row.invoice_number for row in rows if row.document_id not in {o.document_id for o in orders}]
    check("every approved invoice is ordered", bool(rows) and not missing, missing or "no invoices")
    whole = all(hashlib.sha256(one.content).hexdigest() == one.file.sha256 for one in payments)
    check("the downloaded files are those that were created", bool(payments) and whole, len(payments))
