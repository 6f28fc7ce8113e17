"""The steps that people take: approve, reject, ask back, answer. Each is one transaction with its event and
its entry in the audit log; the same by the same person again changes nothing and answers the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from services.documents.approvals import core
from services.documents.approvals.access import expect_role, expect_visible
from services.documents.approvals.cases import (
    Approval,
    Case,
    Invoice,
    client_of,
    keep_move,
    keep_step,
    load_case,
)
from services.documents.approvals.core import Move, Standing, Step
from services.documents.approvals.desk import Desk, about, requested_event
from services.documents.approvals.obstacles import expect_confirmed, expect_seen
from services.documents.approvals.views import approval_detail
from services.documents.invoice_store import find_invoice
from services.documents.settlement import FIELDS, settle_again, take_turn
from services.documents.store import document_not_found
from services.documents.suppliers.core import CONSTANT, COST_CENTER
from services.documents.suppliers.store import learn_facts
from shared.approving import answering, deciding
from shared.audit import AuditEntry
from shared.commands import AnswerQuestion, ApproveInvoice, AskBack, Command, RejectInvoice, StepTaken
from shared.errors import TagwerkError
from shared.events import InvoiceApproved, InvoiceQuestioned, InvoiceRejected
from shared.outbox import Outbox, Transaction
from shared.words import ApprovalState, StepKind


class Steps:
    """Carries out what people ask for."""

    def __init__(self, outbox: Outbox, desk: Desk) -> None:
        self._outbox = outbox
        self._desk = desk

    async def approve(self, command: ApproveInvoice) -> StepTaken:
        async with opened(self._outbox, command) as (tx, case):
            approval, invoice = expect_approval(case)
            demand, asker = approval.standing.demand, command.asker.id
            expect_role(command.asker, case, deciding(demand.role))
            move = core.approve(approval.standing, asker, command.comment)
            if move.changed:
                await expect_seen(tx.connection, command, case, approval, invoice)
                confirmed = await expect_confirmed(tx.connection, command, case, approval, invoice)
                if confirmed:
                    step = Step(StepKind.CONFIRMED, asker, f"confirmed: {', '.join(confirmed)}")
                    await keep_step(tx.connection, case.document_id, step, invoice.version)
                await keep_move(tx.connection, case.document_id, invoice, move)
                await self._tell_approved(tx, case, invoice, move, command)
                tx.audit(
                    audited(
                        "invoice_approved",
                        command.asker.id,
                        case,
                        command.comment,
                        move.standing,
                        confirmed=confirmed,
                    )
                )
            return await taken(tx.connection, case.document_id, changed=move.changed)

    async def _tell_approved(
        self, tx: Transaction, case: Case, invoice: Invoice, move: Move, command: ApproveInvoice
    ) -> None:
        asker = command.asker.id
        if move.standing.state is not ApprovalState.APPROVED:
            said = f"{asker} {move.steps[-1].words}"
            tx.event(requested_event(case, move, asker, reason=said, traceparent=command.traceparent))
            return
        values = {name: value for name, value in invoice.values.items() if name != COST_CENTER}
        tx.event(
            InvoiceApproved(
                **facts_of(command, case),
                kind=invoice.kind,
                values=values,
                cost_center=move.standing.demand.cost_center,
                approved_by=list(move.standing.approved_by),
            )
        )
        # What people approved can be relied on; what was guessed and paid nobody is not learned.
        settled = await tx.connection.fetchval(
            "select fields from invoices where document_id = $1", case.document_id
        )
        sure = certain_values(settled)
        await learn_facts(tx.connection, case.client, sure, CONSTANT, approved=True)

    async def reject(self, command: RejectInvoice) -> StepTaken:
        async with opened(self._outbox, command) as (tx, case):
            approval, invoice = expect_approval(case)
            expect_role(command.asker, case, deciding(approval.standing.demand.role))
            move = core.reject(approval.standing, command.asker.id, command.reason)
            if move.changed:
                await keep_move(tx.connection, case.document_id, invoice, move)
                tx.event(InvoiceRejected(**facts_of(command, case), reason=command.reason))
                tx.audit(audited("invoice_rejected", command.asker.id, case, command.reason, move.standing))
                await settle_repeats(tx, self._desk, case, command)
            return await taken(tx.connection, case.document_id, changed=move.changed)

    async def ask(self, command: AskBack) -> StepTaken:
        async with opened(self._outbox, command) as (tx, case):
            approval, invoice = expect_approval(case)
            expect_role(command.asker, case, deciding(approval.standing.demand.role))
            move = core.ask(approval.standing, command.asker.id, command.question)
            if move.changed:
                await keep_move(tx.connection, case.document_id, invoice, move)
                tx.event(InvoiceQuestioned(**facts_of(command, case), question=command.question))
                tx.audit(
                    audited("invoice_questioned", command.asker.id, case, command.question, move.standing)
                )
            return await taken(tx.connection, case.document_id, changed=move.changed)

    async def answer(self, command: AnswerQuestion) -> StepTaken:
        async with opened(self._outbox, command) as (tx, case):
            approval, invoice = expect_approval(case)
            expect_role(command.asker, case, answering(approval.standing.demand.role))
            move = core.answer(approval.standing, command.asker.id, command.answer)
            if move.changed:
                await keep_move(tx.connection, case.document_id, invoice, move)
                question = approval.standing.question or ""
                facts = facts_of(command, case)
                tx.event(InvoiceQuestioned(**facts, question=question, answer=command.answer))
                tx.audit(audited("invoice_answered", command.asker.id, case, command.answer, move.standing))
            return await taken(tx.connection, case.document_id, changed=move.changed)


@asynccontextmanager
async def opened(outbox: Outbox, command: Command) -> AsyncIterator[tuple[Transaction, Case]]:
    """The case that a command is about, locked until the end of the transaction. Raises `document_not_found`
    also for one that the asker may not see."""
    async with outbox.transaction() as tx:
        client = await client_of(tx.connection, command.document_id)
        if client is None:
            raise document_not_found(command.document_id)
        await take_turn(tx.connection, client)
        case = await load_case(tx.connection, command.document_id, lock=True)
        assert case is not None
        expect_visible(command.asker, case)
        yield tx, case


def expect_approval(case: Case) -> tuple[Approval, Invoice]:
    """Raises `approval_not_found`."""
    if case.approval is None or case.invoice is None:
        raise TagwerkError(
            "approval_not_found",
            f"nobody is asked to approve {case.file_name}",
            concern=f"document:{case.document_id}",
            next_step="Look at its runs (`tagwerk document DOCUMENT --chain`): documents.start-workflow asks"
            " for the approval, and says why where none is needed.",
        )
    return case.approval, case.invoice


async def settle_repeats(tx: Transaction, desk: Desk, case: Case, command: Command) -> None:
    """Invoices that seemed to be duplicates of this one are looked at again."""
    rows = await tx.connection.fetch(
        "select document_id from invoices where duplicate_of = $1 order by position", case.document_id
    )
    for row in rows:
        repeat = await load_case(tx.connection, row["document_id"], lock=True)
        settled = await settle_again(tx.connection, case.client, row["document_id"])
        if repeat is None or settled is None:
            continue
        why = f"the invoice in {case.file_name}, which it seemed to repeat, is another one now"
        told = {"traceparent": command.traceparent}
        await desk.follow(tx, repeat, Invoice.of(settled), command.asker.id, why, **told)


def certain_values(fields: str) -> dict[str, str]:
    """The values that nobody doubts, from a column `fields`."""
    return {one.name: one.value for one in FIELDS.validate_json(fields) if one.verdict == "certain"}


def facts_of(command: Command, case: Case) -> dict[str, Any]:
    """What every event of a step has."""
    return {
        "client": case.client,
        "principal": command.asker.id,
        "about": about(case.document_id),
        "traceparent": command.traceparent,
        "document_id": case.document_id,
    }


def audited(
    action: str,
    principal: str,
    case: Case,
    reason: str | None,
    standing: Standing | None = None,
    **after: Any,
) -> AuditEntry:
    """`standing`: how the approval stands after it."""
    before = case.approval.standing if case.approval is not None else None
    return AuditEntry(
        action=action,
        principal=principal,
        concern=f"document:{case.document_id}",
        client=case.client,
        reason=reason,
        before=_told(before),
        after=(_told(standing) or {}) | after or None,
    )


def _told(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {"state": standing.state.value, "values_version": standing.version}


async def taken(connection: Any, document_id: UUID, *, changed: bool) -> StepTaken:
    """How things stand after a step."""
    case = await load_case(connection, document_id, lock=False)
    assert case is not None
    return StepTaken(
        changed=changed,
        approval=await approval_detail(connection, case),
        invoice=await find_invoice(connection, document_id),
    )
