"""How an approval is shown."""

from datetime import date
from typing import Any

from services.documents.approvals.cases import Case
from services.documents.approvals.values import doubtful_payment_fields
from shared.commands import ApprovalDetail, ApprovalStep
from shared.words import ApprovalState


async def approval_detail(connection: Any, case: Case) -> ApprovalDetail | None:
    """The approval of a case with its history; None if there is none."""
    if case.approval is None:
        return None
    approval, standing = case.approval, case.approval.standing
    demand, invoice = standing.demand, case.invoice
    rows = await connection.fetch(
        "select at, kind, principal, words, values_version from approval_steps where document_id = $1"
        " order by position",
        case.document_id,
    )
    waits = is_open(standing.state)
    doubtful = doubtful_payment_fields(invoice.fields) if invoice is not None and waits else []
    duplicate_of = invoice.duplicate_of if invoice is not None else None
    return ApprovalDetail(
        document_id=case.document_id,
        client=case.client,
        file_name=case.file_name,
        state=standing.state,
        values_version=standing.shown_version,
        values=approval.values,
        doubtful=doubtful,
        duplicate_of=duplicate_of,
        duplicate_confirmed=duplicate_of is not None and approval.cleared_duplicate == duplicate_of,
        rule=demand.rule,
        note=demand.note,
        role=demand.role,
        approvals_needed=demand.approvals,
        approved_by=list(standing.approved_by),
        due=demand.due,
        overdue=is_overdue(standing.state, demand.due),
        cost_center=demand.cost_center,
        question=standing.question,
        asked_by=standing.asked_by,
        requested_at=approval.requested_at,
        payment=case.payment,
        steps=[ApprovalStep(**dict(row)) for row in rows],
    )


def is_open(state: ApprovalState) -> bool:
    return state in (ApprovalState.WAITING, ApprovalState.QUESTIONED)


def is_overdue(state: ApprovalState, due: date) -> bool:
    return is_open(state) and due < date.today()  # noqa: DTZ011  (the day at the place of the service)
