"""Who asks, as one request shows them: a principal, with what their token leaves of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.access import EVERY_CLIENT, Principal
from shared.words import TokenScope

EVERY_SCOPE = frozenset(TokenScope)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The session of a browser, as a request shows it."""

    id: UUID
    #: Stands in the cookie. Never told, logged or stored.
    secret: str
    how: str
    expires_at: datetime
    #: The password has to be changed before anything else.
    must_change: bool


class Asker(Principal):
    """Roles and clients are the effective ones."""

    scopes: frozenset[TokenScope] = EVERY_SCOPE
    #: The only jobs; None for all that the principal may see.
    jobs: frozenset[str] | None = None
    #: The only clients; `clients` is what the principal has of them.
    only_clients: frozenset[str] | None = None
    #: Whether a token leaves out anything of what the principal may do.
    limited: bool = False

    @classmethod
    def of(
        cls,
        principal: Principal,
        *,
        scopes: frozenset[TokenScope] = EVERY_SCOPE,
        jobs: frozenset[str] | None = None,
        clients: frozenset[str] | None = None,
    ) -> "Asker":
        own = dict(principal)
        if clients is not None:
            own["clients"] = clients if EVERY_CLIENT in principal.clients else clients & principal.clients
        limited = scopes != EVERY_SCOPE or jobs is not None or clients is not None
        return cls(**own, scopes=scopes, jobs=jobs, only_clients=clients, limited=limited)


def sees_job(principal: Principal, job: str) -> bool:
    """Whether a token, if one limits the principal, leaves them this job."""
    return not isinstance(principal, Asker) or principal.jobs is None or job in principal.jobs
