"""What the job documents.start-workflow does with one document, in one transaction."""

from typing import Any, Protocol
from uuid import UUID

from services.documents.approvals import core
from services.documents.approvals.cases import Case, begin_approval, load_case
from services.documents.approvals.desk import Desk, requested_event
from services.documents.approvals.values import words_for_changes
from services.documents.core import approval_key
from services.documents.store import document_not_found
from shared.events import Record
from shared.outbox import Outbox
from shared.runner.context import RunContext
from shared.words import ApprovalState, Outcome


class Workflow(Protocol):
    """What a run may do with the approvals of its client's documents."""

    async def start(self, document_id: UUID) -> Record:
        """Ask for the approval that the invoice needs, or let the one that waits follow its invoice; the
        record says what that changed."""


class PostgresWorkflow:
    """The approvals of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext, desk: Desk) -> None:
        self._outbox = outbox
        self._context = context
        self._desk = desk

    async def start(self, document_id: UUID) -> Record:
        context = self._context
        async with self._outbox.transaction() as tx:
            case = await load_case(tx.connection, document_id, lock=True)
            if case is None or case.client != context.client:
                raise document_not_found(document_id)

            def record(outcome: Outcome, message: str) -> Record:
                key = approval_key(document_id)
                return tx.record(Record(key=key, outcome=outcome, label=case.file_name, message=message))

            if (reason := _why_not(case)) is not None:
                return record(Outcome.SKIPPED, reason)
            invoice = case.invoice
            assert invoice is not None
            told: dict[str, Any] = {"run_id": context.run_id, "traceparent": context.traceparent}
            if case.approval is None:
                demand = await self._desk.demand(tx.connection, case.client, invoice)
                move = core.request(invoice.version, demand, context.principal)
                await begin_approval(tx.connection, case, move, context.run_id)
                tx.event(requested_event(case, move, context.principal, **told))
                return record(Outcome.CREATED, move.steps[0].words + _noted(demand.note))
            standing = case.approval.standing
            if standing.state in (ApprovalState.APPROVED, ApprovalState.REJECTED):
                return record(*_ended(case, standing, invoice.version))
            why = "the rules or rates say something else"
            if standing.version != invoice.version:
                changes = words_for_changes(case.approval.values, invoice.values)
                why = f"the invoice was analysed again: {changes}"
            followed = await self._desk.follow(tx, case, invoice, context.principal, why, **told)
            assert followed is not None
            demand = followed.standing.demand
            if followed.changed:
                await tx.connection.execute(
                    "update approvals set run_id = $2, outcome = 'updated' where document_id = $1",
                    document_id,
                    context.run_id,
                )
                words = "; ".join(step.words for step in followed.steps)
                return record(Outcome.UPDATED, words + _noted(demand.note))
            # What an earlier attempt of this run did, this run did.
            own = case.approval.run_id == context.run_id
            if own and case.approval.outcome == Outcome.CREATED:
                asked = await self._desk.demand(tx.connection, case.client, invoice)
                words = core.request(invoice.version, asked, context.principal).steps[0].words
                return record(Outcome.CREATED, words + _noted(asked.note))
            outcome = Outcome(case.approval.outcome) if own else Outcome.UNCHANGED
            return record(outcome, f"it waits for {demand.role} by {demand.due.isoformat()} ({demand.rule})")


def _why_not(case: Case) -> str | None:
    """Why nobody has to approve anything."""
    if case.invoice is None:
        return "no invoice was found in the document, so there is nothing to approve"
    if case.invoice.kind == "credit_note" and case.approval is None:
        return "a credit note is not paid, so nobody has to approve it"
    return None


def _ended(case: Case, standing: core.Standing, version: str) -> tuple[Outcome, str]:
    """What is told of an approval that has ended: it never changes by itself."""
    if standing.state is ApprovalState.REJECTED:
        said = standing.last.words if standing.last is not None else "rejected"
        return Outcome.SKIPPED, f"the invoice stays rejected ({said}); a correction opens it again"
    by = " and ".join(standing.approved_by)
    if standing.version == version:
        return Outcome.UNCHANGED, f"approved by {by} with the same values"
    return (
        Outcome.SKIPPED,
        f"approved by {by} with other values than are read now; what was approved stays as it is",
    )


def _noted(note: str | None) -> str:
    return f"; {note}" if note else ""
