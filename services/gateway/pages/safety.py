"""Before a start: how much harm a job can do, and whether the reader may start it. Pure."""

from dataclasses import dataclass
from typing import Literal

from services.gateway.pages.languages import N_
from services.gateway.pages.words import DANGERS
from shared.access import Action, Principal, decide_access
from shared.jobs import CatalogueEntry

Tone = Literal["good", "careful", "danger"]


@dataclass(frozen=True, slots=True)
class Badge:
    #: A message.
    words: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Start:
    """Whether the reader may start the job; if not, why."""

    allowed: bool
    #: A message; empty if they may.
    why_not: str = ""
    #: The roles of which any would do, where one is missing.
    roles: tuple[str, ...] = ()


def badge_of(entry: CatalogueEntry) -> Badge:
    """The worst that a start can do."""
    if entry.danger is not None:
        return Badge(DANGERS[entry.danger], "danger")
    if entry.read_only:
        return Badge(N_("read-only"), "good")
    if entry.safe_to_repeat:
        return Badge(N_("safe to repeat"), "good")
    return Badge(N_("risky"), "careful")


def start_of(entry: CatalogueEntry, principal: Principal) -> Start:
    if entry.retired:
        return Start(False, N_("no service offers it any more"))
    if decide_access(principal, entry.access, Action.START).allowed:
        return Start(True)
    return Start(False, N_("for the roles"), tuple(sorted(entry.access.roles)))
