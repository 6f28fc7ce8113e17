"""Who may see and do what with the approval of an invoice: `shared.approving` with the role of its rule."""

from services.documents.approvals.cases import Case
from services.documents.approvals.refusals import StepRefused
from services.documents.store import document_not_found
from shared.access import Principal
from shared.approving import decide_step, may_see


def expect_visible(asker: Principal, case: Case) -> None:
    """Raises `document_not_found`, as if there were none."""
    role = case.approval.standing.demand.role if case.approval is not None else None
    if not may_see(asker, case.client, role):
        raise document_not_found(case.document_id)


def expect_role(asker: Principal, case: Case, roles: frozenset[str]) -> None:
    """Any one of `roles`. Raises `access_refused` with those that would do."""
    decision = decide_step(asker, case.client, roles)
    if not decision.allowed:
        raise StepRefused(
            "access_refused",
            decision.reason,
            concern=f"document:{case.document_id}",
            client=case.client,
            next_step="Ask an administrator for the role.",
            roles_wanted=sorted(roles),
        )
