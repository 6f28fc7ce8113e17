"""What the reader can do with a run, and where they cannot, why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.pages.languages import N_
from shared.access import Action, Principal, decide_access
from shared.commands import RunDetail
from shared.events import DoubtfulEffect
from shared.jobs import CatalogueEntry
from shared.words import Outcome, RunState


@dataclass(frozen=True, slots=True)
class Possibility:
    """Whether something can be done; if not, why."""

    allowed: bool
    #: A message; empty if it can be done.
    why_not: str = ""
    #: The roles of which any would do, where one is missing.
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Possibilities:
    cancel: Possibility
    decide: Possibility
    rerun: Possibility
    rerun_failed: Possibility
    #: Records that failed or are in doubt.
    failed: int
    in_doubt: Sequence[DoubtfulEffect]
    #: A rerun wants the job's id typed, and a reason.
    confirmation: bool
    #: What a rerun risks, as the job declares it; None where it is safe.
    risk: str | None


_YES = Possibility(True)


def possibilities_of(run: RunDetail, entry: CatalogueEntry | None, principal: Principal) -> Possibilities:
    """`entry`: the run's job; None if the catalogue does not know it."""
    barred = _barred(run, entry, principal)
    failed = run.counts.get(Outcome.FAILED, 0) + run.counts.get(Outcome.UNKNOWN, 0)
    rerun = barred or _rerun(run, entry)
    return Possibilities(
        cancel=barred or _cancel(run),
        decide=barred or (_YES if run.in_doubt else Possibility(False, N_("No effect is in doubt."))),
        rerun=rerun,
        rerun_failed=rerun
        if not rerun.allowed or failed
        else Possibility(False, N_("No record failed or is in doubt.")),
        failed=failed,
        in_doubt=run.in_doubt,
        confirmation=entry is not None and entry.asks_confirmation and not run.dry_run,
        risk=None if entry is None or entry.safe_to_repeat or run.dry_run else entry.repeat,
    )


def _barred(run: RunDetail, entry: CatalogueEntry | None, principal: Principal) -> Possibility | None:
    if entry is None:
        return Possibility(False, N_("The catalogue does not know this job."))
    if decide_access(principal, entry.access, Action.START, run.client).allowed:
        return None
    return Possibility(False, N_("Only for the roles"), tuple(sorted(entry.access.roles)))


def _cancel(run: RunDetail) -> Possibility:
    if run.state.final:
        return Possibility(False, N_("The run has ended; there is nothing to cancel."))
    if run.cancel_requested:
        return Possibility(False, N_("A cancel has been requested already."))
    return _YES


def _rerun(run: RunDetail, entry: CatalogueEntry | None) -> Possibility:
    if not run.state.final:
        waits = run.state is RunState.WAITING
        return Possibility(
            False,
            N_("Another attempt follows by itself.") if waits else N_("The run has not ended yet."),
        )
    if run.in_doubt:
        return Possibility(False, N_("First somebody has to decide about the effect in doubt."))
    if entry is not None and entry.retired:
        return Possibility(False, N_("No service offers this job any more."))
    return _YES
