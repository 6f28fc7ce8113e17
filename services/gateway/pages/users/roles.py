"""What a role means, and which jobs it opens. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.gateway.identity.policy import known_roles
from services.gateway.pages.languages import N_
from shared.access import ADMINISTRATOR, APPROVALS_VIEWER, TECHNICAL, Access
from shared.jobs import CatalogueEntry
from shared.words import Level

VIEWER = "-viewer"

#: They stand first.
_PLATFORM = (ADMINISTRATOR, TECHNICAL)

_MEANINGS: Mapping[str, str] = {
    ADMINISTRATOR: N_(
        "Sees and starts every job, and operates the platform: dead letters, systems, users and roles."
    ),
    APPROVALS_VIEWER: N_("Sees every approval of the clients that they act for, and decides on none."),
    TECHNICAL: N_("Operates the platform: dead letters, systems, users and roles. Sees the technical jobs."),
}
_VIEWS = N_("Sees the operational jobs of this module and their runs, and starts none.")
_STARTS = N_("Starts the jobs that ask for it.")
_STANDS_FOR = N_("Stands for other roles, as the policy file of this installation says.")
_MEANS_NOTHING = N_("No job asks for this role.")


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    #: A message.
    meaning: str
    #: Jobs that somebody may start by it, and those that they may only see, by id.
    starts: Sequence[CatalogueEntry]
    sees: Sequence[CatalogueEntry]
    #: The roles that it stands for.
    stands_for: Sequence[str]


def roles_view(
    jobs: Iterable[CatalogueEntry],
    visible: Iterable[CatalogueEntry],
    own: Mapping[str, frozenset[str]],
    given: Iterable[str] = (),
) -> list[Role]:
    """Every role that can be given: those of the platform, then the others by name.

    `jobs` name the roles, and only `visible` ones are told; `own`: the policy's roles and what each stands
    for; `given`: roles to show in any case.
    """
    offered = [entry for entry in jobs if not entry.retired]
    viewed = {entry.access.module for entry in offered if entry.access.level is Level.OPERATIONAL}
    named = {
        name
        for name in known_roles(offered)
        if name in _MEANINGS or not name.endswith(VIEWER) or name.removesuffix(VIEWER) in viewed
    }
    shown = [entry for entry in visible if not entry.retired]
    names = sorted(named | set(own) | set(given), key=lambda name: (name not in _PLATFORM, name))
    return [_role(name, shown, named, own.get(name, frozenset())) for name in names]


def _role(name: str, visible: Sequence[CatalogueEntry], known: set[str], stands_for: frozenset[str]) -> Role:
    all_of = {name, *stands_for}
    starts = [entry for entry in visible if ADMINISTRATOR in all_of or entry.access.roles & all_of]
    sees = [entry for entry in visible if entry not in starts and _sees(all_of, entry.access)]
    return Role(name, _meaning(name, known, stands_for), starts, sees, sorted(stands_for))


def _sees(roles: set[str], access: Access) -> bool:
    """What the role adds to the general jobs, which everybody sees."""
    match access.level:
        case Level.GENERAL:
            return False
        case Level.OPERATIONAL:
            return f"{access.module}{VIEWER}" in roles
        case Level.TECHNICAL:
            return TECHNICAL in roles


def _meaning(name: str, known: set[str], stands_for: frozenset[str]) -> str:
    if stands_for:
        return _STANDS_FOR
    if name in _MEANINGS:
        return _MEANINGS[name]
    if name not in known:
        return _MEANS_NOTHING
    return _VIEWS if name.endswith(VIEWER) else _STARTS
