"""Which roles take which step about the approval of an invoice: for the service that decides, and for pages
that offer only what would be accepted."""

from typing import Final

from shared.access import Access, AccessDecision, Action, Principal, decide_access
from shared.words import Level

MODULE: Final = "approvals"
#: Who sees every approval of their clients, and answers what is asked about it; besides them
#: `approvals-viewer` sees, and who has the role of the rule.
SEEING: Final = frozenset({"accounting", "trustee", "uploader"})
#: Who may correct what was read.
CORRECTING: Final = frozenset({"accounting", "trustee"})


def may_see(asker: Principal, client: str, role: str | None) -> bool:
    """Whether the asker sees an invoice whose approval asks for `role`; None where there is none yet."""
    roles = SEEING | ({role} if role is not None else set())
    access = Access(module=MODULE, level=Level.OPERATIONAL, roles=roles)
    return decide_access(asker, access, Action.SEE, client).allowed


def deciding(role: str) -> frozenset[str]:
    """Approve, reject, ask back: `role` is that of the rule."""
    return frozenset({role})


def answering(role: str) -> frozenset[str]:
    return SEEING | {role}


def decide_step(asker: Principal, client: str, roles: frozenset[str]) -> AccessDecision:
    """Whether the asker may take a step that any one of `roles` may take."""
    access = Access(module=MODULE, level=Level.GENERAL, roles=roles)
    return decide_access(asker, access, Action.START, client)
