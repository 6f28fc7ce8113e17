"""Where a document stands between its upload and its payment, as a chain of steps. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from services.gateway.pages.languages import N_
from shared.commands import DocumentDetail, RunSummary
from shared.words import ApprovalState, PaymentState, RunState, StepKind


class StepName(StrEnum):
    UPLOADED = "uploaded"
    PDF = "pdf"
    TEXT = "text"
    INVOICE = "invoice"
    APPROVAL = "approval"
    PAYMENT = "payment"


class StepState(StrEnum):
    DONE = "done"
    #: Done, but for a part that failed.
    PARTLY = "partly"
    #: Somebody or something works on it, or will within moments.
    ACTIVE = "active"
    #: People have to do something.
    PEOPLE = "people"
    FAILED = "failed"
    #: It comes after what is not done yet.
    NEXT = "next"
    #: It does not come: there is nothing to do.
    NONE = "none"


#: Which job does a step.
JOBS: Final[Mapping[StepName, str]] = {
    StepName.PDF: "documents.convert-to-pdf",
    StepName.TEXT: "documents.ocr",
    StepName.INVOICE: "documents.analyse-invoice",
    StepName.APPROVAL: "documents.start-workflow",
}

NAMES: Final[Mapping[StepName, str]] = {
    StepName.UPLOADED: N_("Uploaded"),
    StepName.PDF: N_("PDF"),
    StepName.TEXT: N_("Text"),
    StepName.INVOICE: N_("Invoice"),
    StepName.APPROVAL: N_("Approval"),
    StepName.PAYMENT: N_("Payment"),
}

#: After the last thing that happened, a step that should follow by itself is expected for so long.
EXPECTED_FOR: Final = timedelta(minutes=10)

_FINISHED: Final = (StepState.DONE, StepState.PARTLY)


@dataclass(frozen=True, slots=True)
class Step:
    name: StepName
    state: StepState
    #: When it came to that.
    at: datetime | None = None
    #: The run that did it, or failed to.
    run: RunSummary | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    steps: Sequence[Step]
    #: Something goes on, or follows by itself within moments.
    moving: bool
    #: The step that says how the document stands: where it goes on, waits or failed; else the last one.
    now: Step

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


def pipeline_of(document: DocumentDetail, runs: Iterable[RunSummary], now: datetime) -> Pipeline:
    """`runs`: those about the document, in the order in which they were requested."""
    latest = {run.job: run for run in runs if not run.dry_run}
    before = Step(StepName.UPLOADED, StepState.DONE, document.uploaded_at)
    steps = [before]
    there = {
        StepName.PDF: "pdf" in document.files or "text" in document.files,
        StepName.TEXT: "text" in document.files,
        StepName.INVOICE: document.invoice is not None,
    }
    for name, done in there.items():
        before = _read(name, done, latest.get(JOBS[name]))
        if name is StepName.INVOICE and document.invoice is not None:
            # A person may have said it since, or instead of a run.
            before = replace(before, at=document.invoice.analysed_at)
        steps.append(before)
    approval = _approval(document, latest.get(JOBS[StepName.APPROVAL]), before)
    payment = _payment(document, approval)
    steps += [approval, payment]
    moving = _moving(steps, now)
    return Pipeline(steps, moving, _standing(steps))


def _read(name: StepName, done: bool, run: RunSummary | None) -> Step:
    """A step that a run does by itself, once the step before it is done."""
    if run is not None and not run.state.final:
        return Step(name, StepState.ACTIVE, run.started_at or run.requested_at, run)
    at = run.finished_at if run is not None else None
    if done:
        partly = run is not None and run.state is RunState.PARTIALLY_FAILED
        return Step(name, StepState.PARTLY if partly else StepState.DONE, at, run)
    if run is not None and run.state is RunState.SUCCEEDED:
        return Step(name, StepState.NONE if name is StepName.INVOICE else StepState.ACTIVE, at, run)
    if run is not None:
        return Step(name, StepState.FAILED, at, run)
    return Step(name, StepState.NEXT)


def _approval(document: DocumentDetail, run: RunSummary | None, before: Step) -> Step:
    name, approval = StepName.APPROVAL, document.approval
    if approval is not None:
        at = approval.steps[-1].at if approval.steps else approval.requested_at
        match approval.state:
            case ApprovalState.APPROVED:
                given = [step.at for step in approval.steps if step.kind is StepKind.APPROVED]
                return Step(name, StepState.DONE, given[-1] if given else at, run)
            case ApprovalState.REJECTED:
                return Step(name, StepState.NONE, at, run)
            case _:
                return Step(name, StepState.PEOPLE, approval.requested_at, run)
    if before.state is StepState.NONE:
        return Step(name, StepState.NONE)
    if run is not None and run.state is RunState.SUCCEEDED:
        # Nobody has to approve it, or the reader may not see who has.
        return Step(name, StepState.NONE, run.finished_at, run)
    if before.state not in _FINISHED and run is None:
        return Step(name, StepState.NEXT)
    return _read(name, False, run)


def _payment(document: DocumentDetail, approval: Step) -> Step:
    name, payment = StepName.PAYMENT, document.payment
    if payment is None:
        return Step(name, StepState.NONE if approval.state is StepState.NONE else StepState.NEXT)
    match payment.state:
        case PaymentState.OPEN:
            waits = approval.state is StepState.DONE
            return Step(name, StepState.PEOPLE if waits else StepState.NEXT, payment.at if waits else None)
        case PaymentState.ORDERED | PaymentState.ACCEPTED:
            return Step(name, StepState.ACTIVE, payment.at)
        case PaymentState.REJECTED:
            return Step(name, StepState.FAILED, payment.at)
        case PaymentState.PAID:
            return Step(name, StepState.DONE, payment.at)


def _moving(steps: Sequence[Step], now: datetime) -> bool:
    reading = steps[:-1]
    if any(step.state is StepState.ACTIVE for step in reading):
        return True
    last = max((step.at for step in reading if step.at is not None), default=now)
    follows = any(
        step.state is StepState.NEXT and before.state in _FINISHED for before, step in pairwise(reading)
    )
    return follows and now - last < EXPECTED_FOR


def _standing(steps: Sequence[Step]) -> Step:
    """Of a payment that the bank refused, the approval that waits again says more."""
    *reading, payment = steps
    for wanted in (StepState.FAILED, StepState.ACTIVE, StepState.PEOPLE):
        found = [step for step in reading if step.state is wanted]
        if found:
            return found[0]
    if payment.state not in (StepState.NEXT, StepState.NONE):
        return payment
    return [step for step in reading if step.state not in (StepState.NEXT, StepState.NONE)][-1]
