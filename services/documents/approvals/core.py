"""What may happen to an approval, and what follows. Pure: each function gives the new standing with the steps
that led to it, no steps if nothing changed, or raises `TagwerkError`.

    waiting ⇄ questioned, waiting → approved, both → rejected
    approved → waiting when the bank refuses the payment or an approver takes the own approval back,
    rejected → waiting when the invoice is corrected
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.documents.approvals.rules import Demand
from shared.errors import TagwerkError
from shared.words import ApprovalState, StepKind

_OPEN: Final = (ApprovalState.WAITING, ApprovalState.QUESTIONED)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the history."""

    kind: StepKind
    principal: str
    words: str


def shown_version(version: str, rounds: int) -> str:
    """What names the values to people: another name in another round, so that nobody approves anew without
    having seen why it is asked again."""
    return version if rounds == 1 else f"{version}.{rounds}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How an approval stands."""

    state: ApprovalState
    #: The name of the values that it is about.
    version: str
    demand: Demand
    #: Different people, in their order, whose approval counts.
    approved_by: tuple[str, ...] = ()
    question: str | None = None
    asked_by: str | None = None
    #: How often it was asked for: again when the bank refused the payment, after a rejection, or when
    #: somebody took the own approval back.
    rounds: int = 1
    #: Of the last rejection, answer or withdrawal, so that the same again is known as such.
    last: Step | None = None

    @property
    def shown_version(self) -> str:
        return shown_version(self.version, self.rounds)


@dataclass(frozen=True, slots=True)
class Move:
    standing: Standing
    steps: Sequence[Step] = ()

    @property
    def changed(self) -> bool:
        return bool(self.steps)


def request(version: str, demand: Demand, principal: str) -> Move:
    """An approval begins."""
    return Move(
        Standing(ApprovalState.WAITING, version, demand),
        (Step(StepKind.REQUESTED, principal, f"waits for {_asked_of(demand)}"),),
    )


def follow(standing: Standing, version: str, demand: Demand, principal: str, why: str) -> Move:
    """The invoice has other values, or the rules say something else: a waiting approval follows, and what
    people approved before does not count any more. One that ended stays as it is."""
    same = version == standing.version and _binding(demand) == _binding(standing.demand)
    if same or standing.state not in _OPEN:
        return Move(standing)
    steps = [Step(StepKind.CHANGED, principal, f"{why}; waits for {_asked_of(demand)}")]
    if standing.approved_by:
        names = _names(standing.approved_by)
        steps.append(Step(StepKind.VOIDED, principal, f"the approval of {names} was given before that"))
    return Move(replace(standing, version=version, demand=demand, approved_by=()), tuple(steps))


def approve(standing: Standing, principal: str, comment: str | None) -> Move:
    """One more person says yes. The same person again changes nothing."""
    if principal in standing.approved_by:
        return Move(standing)
    if standing.state is ApprovalState.QUESTIONED:
        raise TagwerkError(
            "question_open",
            f"{standing.asked_by} asked: {standing.question}",
            next_step="Answer the question first: `tagwerk answer DOCUMENT TEXT`.",
        )
    _expect_open(standing)
    approved_by = (*standing.approved_by, principal)
    missing = standing.demand.approvals - len(approved_by)
    said = f": {comment}" if comment else ""
    more = f"; {_more(missing)}" if missing > 0 else ""
    state = ApprovalState.WAITING if missing > 0 else ApprovalState.APPROVED
    return Move(
        replace(standing, state=state, approved_by=approved_by),
        (Step(StepKind.APPROVED, principal, f"approved{said}{more}"),),
    )


def withdraw(standing: Standing, principal: str, reason: str) -> Move:
    """A person takes the own approval back; those of others count on. Whether an approved invoice is in a
    payment file already is for the caller to find out."""
    step = Step(StepKind.WITHDRAWN, principal, f"withdrew the own approval: {reason}")
    if principal not in standing.approved_by:
        if standing.last == step:
            return Move(standing)
        raise TagwerkError(
            "not_approved_by_you",
            f"there is no approval of {principal} that counts",
            next_step="Each takes back only the own approval, and as long as it counts; look at the history: "
            "`tagwerk document DOCUMENT --chain`.",
        )
    others = tuple(name for name in standing.approved_by if name != principal)
    state = ApprovalState.WAITING if standing.state is ApprovalState.APPROVED else standing.state
    return Move(
        replace(standing, state=state, approved_by=others, rounds=standing.rounds + 1, last=step), (step,)
    )


def reject(standing: Standing, principal: str, reason: str) -> Move:
    step = Step(StepKind.REJECTED, principal, f"rejected: {reason}")
    if standing.state is ApprovalState.REJECTED and standing.last == step:
        return Move(standing)
    _expect_open(standing)
    return Move(
        replace(
            standing, state=ApprovalState.REJECTED, approved_by=(), question=None, asked_by=None, last=step
        ),
        (step,),
    )


def ask(standing: Standing, principal: str, question: str) -> Move:
    if (standing.question, standing.asked_by) == (question, principal):
        return Move(standing)
    if standing.state is ApprovalState.QUESTIONED:
        raise TagwerkError(
            "question_open",
            f"{standing.asked_by} asked already: {standing.question}",
            next_step="Answer that question first, then ask the next.",
        )
    _expect_open(standing)
    step = Step(StepKind.QUESTIONED, principal, f"asked: {question}")
    return Move(
        replace(standing, state=ApprovalState.QUESTIONED, question=question, asked_by=principal), (step,)
    )


def answer(standing: Standing, principal: str, text: str) -> Move:
    step = Step(StepKind.ANSWERED, principal, f"answered: {text}")
    if standing.state is not ApprovalState.QUESTIONED:
        if standing.last == step:
            return Move(standing)
        raise TagwerkError(
            "no_question_open",
            "nobody has asked anything that is not answered",
            next_step="Look at the history: `tagwerk document DOCUMENT --chain`.",
        )
    return Move(
        replace(standing, state=ApprovalState.WAITING, question=None, asked_by=None, last=step), (step,)
    )


def reopen(standing: Standing, version: str, demand: Demand, principal: str, why: str) -> Move:
    """The bank refused the payment, or a rejected invoice was corrected: it is to be approved anew."""
    if standing.state in _OPEN:
        return Move(standing)
    step = Step(StepKind.REOPENED, principal, f"{why}; waits for {_asked_of(demand)}")
    again = Standing(ApprovalState.WAITING, version, demand, rounds=standing.rounds + 1)
    return Move(again, (step,))


def expect_correctable(standing: Standing | None) -> None:
    """What was approved is being paid as it is. Raises `invoice_approved`."""
    if standing is not None and standing.state is ApprovalState.APPROVED:
        raise TagwerkError(
            "invoice_approved",
            f"the invoice was approved by {_names(standing.approved_by)}, and is to be paid as it is",
            next_step="Whoever approved it can take that back (`tagwerk withdraw DOCUMENT`) as long as it is"
            " in no payment file; ask the bank to stop a payment that is under way.",
        )


def _expect_open(standing: Standing) -> None:
    if standing.state not in _OPEN:
        by = f" by {_names(standing.approved_by)}" if standing.approved_by else ""
        raise TagwerkError(
            "approval_ended",
            f"the invoice is {standing.state} already{by}",
            next_step="Look at the history: `tagwerk document DOCUMENT --chain`.",
        )


def _binding(demand: Demand) -> tuple[object, ...]:
    """What people agreed to work by; a due date alone asks nobody again."""
    return demand.rule, demand.role, demand.approvals, demand.cost_center


def _asked_of(demand: Demand) -> str:
    who = "one person" if demand.approvals == 1 else f"{demand.approvals} different people"
    return f"{who} with the role {demand.role} by {demand.due.isoformat()} ({demand.rule})"


def _more(missing: int) -> str:
    return "one more person has to approve" if missing == 1 else f"{missing} more people have to approve"


def _names(names: Sequence[str]) -> str:
    return " and ".join(names)
