"""Who may see and do what with the approval of an invoice: `shared.access` with the role of its rule."""

from services.documents.approvals.cases import Case
from services.documents.approvals.refusals import StepRefused
from services.documents.store import document_not_found
from shared.access import Access, Action, Principal, decide_access
from shared.approving import MODULE, SEEING, decide_step
from shared.words import Level


def may_see(asker: Principal, client: str, role: str | None) -> bool:
    roles = SEEING | ({role} if role is not None else set())
    access = Access(module=MODULE, level=Level.OPERATIONAL, roles=roles)
    return decide_access(asker, access, Action.SEE, client).allowed


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
