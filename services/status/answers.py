"""The seven answers that every run owes to people, in words and as data. Pure.

The words are for a bookkeeper: full sentences, no codes, the consequence before the technology.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.status.timeline import CRASHED
from services.status.wording import clause, listing, moment, number, outcomes, sentence, span
from shared.commands import Answer, Attempt, RecordRow, RunSummary
from shared.events import DoubtfulEffect
from shared.jobs import CatalogueEntry
from shared.words import CallOutcome, Outcome, RunState

#: Records that are named in words, and in the data.
NAMED_IN_WORDS = 5
NAMED_IN_DATA = 20

_INCOMPLETE = " Part of its history could not be read, so this may not be all."


@dataclass(frozen=True, slots=True)
class CallCount:
    """How often a run called a system with an outcome."""

    system: str
    outcome: CallOutcome
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the answers are made from."""

    run: RunSummary
    attempts: Sequence[Attempt] = ()
    #: Number of records that the run ever changed.
    changed: int = 0
    note: str | None = None
    in_doubt: Sequence[DoubtfulEffect] = ()
    #: The first failed and doubtful records.
    failed: Sequence[RecordRow] = ()
    calls: Sequence[CallCount] = ()
    cancelled_by: str | None = None
    #: The job's declaration, if the catalogue knows it.
    job: CatalogueEntry | None = None

    @property
    def records(self) -> int:
        return sum(self.run.counts.values())

    def count(self, outcome: Outcome) -> int:
        return self.run.counts.get(outcome, 0)


def answers(facts: Facts) -> list[Answer]:
    """The seven answers, in their order."""
    return [
        _started(facts),
        _finished(facts),
        _records(facts),
        _failures(facts),
        _data_changed(facts),
        _external_calls(facts),
        _retry(facts),
    ]


# --- 1 and 2: did it start, did it finish ------------------------------------------------------------


def _started(facts: Facts) -> Answer:
    run = facts.run
    data: dict[str, Any] = {"started": run.started_at is not None, "attempts": run.attempt}
    if run.started_at is None:
        if run.state.final:
            words = f"No. It {_ended_as(run.state)} before it had started."
        else:
            words = f"Not yet. It was requested at {moment(run.requested_at)} and waits for a free worker."
    else:
        delay = max(0.0, (run.started_at - run.requested_at).total_seconds())
        data |= {"started_at": run.started_at.isoformat(), "seconds_after_request": delay}
        words = f"Yes. It started at {moment(run.started_at)}, {span(delay)} after the request"
        if facts.attempts:
            data["worker"] = facts.attempts[0].worker
            words += f", on worker {facts.attempts[0].worker}"
        words += "."
        if run.attempt > 1:
            words += f" {number(run.attempt, 'attempt')} have been started."
    return _answer("started", "Did it start?", words, data)


def _finished(facts: Facts) -> Answer:
    run = facts.run
    data: dict[str, Any] = {
        "finished": run.state.final,
        "state": run.state.value,
        "action_required": run.action_required,
        "interrupted_attempts": [a.attempt for a in facts.attempts if a.outcome == CRASHED],
    }
    if not run.state.final:
        words = f"Not yet. {_unfinished(run)}"
    else:
        assert run.finished_at is not None
        data |= {"finished_at": run.finished_at.isoformat(), "seconds": run.duration}
        after = f", after {span(run.duration)}" if run.duration is not None else ""
        words = _end(facts, f"at {moment(run.finished_at)}{after}")
        if facts.note:
            data["note"] = facts.note
            words += f" Note: {sentence(facts.note)}"
    return _answer("finished", "Did it finish?", words + _interruptions(facts), data)


def _unfinished(run: RunSummary) -> str:
    match run.state:
        case RunState.RUNNING:
            words = f"Attempt {run.attempt} is running{_progress(run)}."
        case RunState.WAITING:
            cause = f": {clause(run.failure.cause)}" if run.failure is not None else ""
            words = f"Attempt {run.attempt} failed{cause}. Another attempt follows by itself."
        case _:
            words = "It waits for a free worker."
    return words + (" A cancel has been requested." if run.cancel_requested else "")


def _end(facts: Facts, when: str) -> str:
    run = facts.run
    records, failed = facts.records, facts.count(Outcome.FAILED)
    match run.state:
        case RunState.SUCCEEDED:
            handled = f", with {number(records, 'record')}: {outcomes(run.counts)}" if records else ""
            return f"Yes. It succeeded {when}{handled}."
        case RunState.PARTIALLY_FAILED:
            handled = f"{records - failed} of {number(records, 'record')} were handled, {failed} failed"
            return f"Yes, but not completely. It ended {when}: {handled}."
        case RunState.CANCELLED:
            by = f" on behalf of {facts.cancelled_by}" if facts.cancelled_by else ""
            return f"Yes. It was cancelled{by} {when}. {_stays_done(facts)}"
        case RunState.TIMED_OUT:
            return f"Yes, because its time was up. It was stopped {when}. {_stays_done(facts)}"
        case RunState.INTERRUPTED if facts.in_doubt:
            doubts = "; ".join(f"{doubt.effect} ({clause(doubt.cause)})" for doubt in facts.in_doubt)
            effects = "an effect is" if len(facts.in_doubt) == 1 else f"{len(facts.in_doubt)} effects are"
            return f"Yes, but a person must decide. It ended {when}, and {effects} in doubt: {doubts}."
        case RunState.INTERRUPTED:
            return f"Yes. It ended {when}, with an effect in doubt, which has been decided since."
        case _:
            cause = f": {clause(run.failure.cause)}" if run.failure is not None else ""
            step = f" {sentence(run.failure.next_step)}" if run.failure is not None else ""
            return f"Yes, with a failure. It failed {when}{cause}.{step}"


def _interruptions(facts: Facts) -> str:
    """What befell the attempts, when a worker died under one of them."""
    crashed = [attempt for attempt in facts.attempts if attempt.outcome == CRASHED]
    if not crashed:
        return ""
    numbers = listing(str(attempt.attempt) for attempt in crashed)
    words = (
        f" Attempt {numbers} was interrupted: its worker died."
        if len(crashed) == 1
        else f" Attempts {numbers} were interrupted: their workers died."
    )
    last = facts.attempts[-1]
    if last.outcome in (RunState.SUCCEEDED, RunState.PARTIALLY_FAILED):
        words += f" Attempt {last.attempt} completed it."
    return words


# --- 3, 4 and 5: records, failures, changes ----------------------------------------------------------


def _records(facts: Facts) -> Answer:
    run, total = facts.run, facts.records
    if total:
        words = f"{number(total, 'record')}: {outcomes(run.counts)}."
    else:
        words = "None." if run.state.final else "None so far."
    if not run.state.final and run.done is not None:
        words += f" {_done(run)}."
    data = {"total": total, "counts": dict(run.counts), "done": run.done, "expected": run.total}
    return _answer("records", "Which records were processed?", words + _gaps(run), data)


def _failures(facts: Facts) -> Answer:
    run = facts.run
    failed, unknown = facts.count(Outcome.FAILED), facts.count(Outcome.UNKNOWN)
    said = []
    if failed:
        said.append(f"{number(failed, 'record')} failed: {_named(facts, Outcome.FAILED, failed)}.")
    if unknown:
        is_are = "record is" if unknown == 1 else "records are"
        said.append(f"{unknown} {is_are} in doubt: {_named(facts, Outcome.UNKNOWN, unknown)}.")
    if run.failure is not None and run.state.final:
        whole = f"The run itself {_ended_as(run.state)}: {clause(run.failure.cause)}."
        said.append(f"{whole} {sentence(run.failure.next_step)}")
    if not said:
        said.append("None." if run.state.final else "None so far.")
    data = {
        "failed": failed,
        "unknown": unknown,
        "run": run.failure.model_dump(mode="json") if run.failure is not None else None,
        "records": [
            record.model_dump(mode="json", include={"key", "label", "outcome", "failure"}, exclude_none=True)
            for record in facts.failed[:NAMED_IN_DATA]
        ],
        "in_doubt": [doubt.model_dump(mode="json", exclude_none=True) for doubt in facts.in_doubt],
    }
    return _answer("failures", "Which failed, and why?", " ".join(said) + _gaps(run), data)


def _named(facts: Facts, outcome: Outcome, total: int) -> str:
    named = [record for record in facts.failed if record.outcome is outcome][:NAMED_IN_WORDS]
    parts = []
    for record in named:
        cause = record.failure.cause if record.failure is not None else record.message
        parts.append((record.label or record.key) + (f" ({clause(cause)})" if cause else ""))
    if total > len(named):
        parts.append(f"{total - len(named)} more" if named else "see the records")
    return "; ".join(parts)


def _data_changed(facts: Facts) -> Answer:
    run = facts.run
    now = {outcome: facts.count(outcome) for outcome in Outcome if outcome.changed_data}
    earlier = facts.changed - sum(now.values())
    in_doubt = max(facts.count(Outcome.UNKNOWN), len(facts.in_doubt))
    parts = [f"{number(n, 'record')} {outcome.value}" for outcome, n in now.items() if n]
    if earlier > 0:
        parts.append(f"{number(earlier, 'record')} changed before a later attempt came to another result")
    if parts:
        words = f"Yes: {listing(parts)}."
    elif in_doubt:
        words = "Nobody knows yet."
    else:
        words = "No data was changed." if run.state.final else "No data was changed so far."
    if in_doubt:
        words += f" {number(in_doubt, 'effect')} in doubt may have changed something."
    data = {
        "changed": None if in_doubt and not facts.changed else facts.changed > 0,
        "records": facts.changed,
        "in_doubt": in_doubt,
        **{outcome.value: n for outcome, n in now.items()},
    }
    return _answer("data_changed", "Was data changed?", words + _gaps(run), data)


# --- 6: external calls -------------------------------------------------------------------------------


def _external_calls(facts: Facts) -> Answer:
    run = facts.run
    total = sum(call.count for call in facts.calls)
    systems: dict[str, dict[str, int]] = {}
    for call in facts.calls:
        systems.setdefault(call.system, {})[call.outcome] = call.count
    if total:
        said = "; ".join(
            f"{system} "
            + ", ".join(
                f"{counts[o]} {'in doubt' if o is CallOutcome.UNKNOWN else o.value}"
                for o in CallOutcome
                if counts.get(o)
            )
            for system, counts in sorted(systems.items())
        )
        words = f"Yes, {number(total, 'call')}: {said}."
    elif run.state.final:
        words = "No external system was called."
    else:
        words = "No external system was called so far."
    data = {"called": total > 0, "calls": total, "systems": systems}
    return _answer("external_calls", "Was an external system called?", words + _gaps(run), data)


# --- 7: retry ----------------------------------------------------------------------------------------


def _retry(facts: Facts) -> Answer:
    run, job = facts.run, facts.job
    failed = facts.count(Outcome.FAILED)
    data: dict[str, Any] = {
        "possible": False,
        "safe": None if job is None else job.safe_to_repeat,
        "needed": run.state.final and run.state is not RunState.SUCCEEDED,
        "failed_records": failed,
        "all_records": facts.records,
        "confirmation": None if job is None or job.danger is None else job.danger.value,
    }
    if not run.state.final:
        words = (
            "Not needed now: another attempt follows by itself."
            if run.state is RunState.WAITING
            else "Not now: the run has not ended."
        )
    elif facts.in_doubt:
        words = (
            "Not before somebody has decided whether it happened:"
            f" {listing(doubt.effect for doubt in facts.in_doubt)}. Blindly repeated, it could happen twice."
        )
    elif job is None:
        words = (
            f"Nobody can say: the catalogue does not know the job {run.job}, so no service offers it here and"
            " nothing is known of what a repetition would do."
        )
    elif job.retired:
        words = f"No: the job {run.job} is no longer offered by any service."
    else:
        data["possible"] = True
        words = _possible(facts, job, failed)
    return _answer("retry", "Is a retry possible, and what would it repeat?", words, data)


def _possible(facts: Facts, job: CatalogueEntry, failed: int) -> str:
    run = facts.run
    if job.safe_to_repeat:
        words = f"A retry is possible and safe: {clause(job.repeat)}."
    else:
        words = f"A retry is possible, but not safe: {clause(job.repeat)}."
    if run.state is RunState.SUCCEEDED:
        words = f"{words} It is not needed: the run succeeded."
    whole = f"the whole run with its {number(facts.records, 'record')}" if facts.records else "the whole run"
    if failed and failed < facts.records:
        words += f" It would repeat {number(failed, 'failed record')} only, or {whole}."
    else:
        words += f" It would repeat {whole}."
    if job.danger is not None:
        words += " It asks for a confirmation: the job's name, with a reason."
    if run.failure is not None and not run.failure.retryable:
        words += f" First: {sentence(run.failure.next_step)}"
    return words


# --- one sentence for lists --------------------------------------------------------------------------


def sentence_of(run: RunSummary, in_doubt: int) -> str:
    """The state of a run in one sentence; `in_doubt` is the number of undecided effects."""
    records = sum(run.counts.values())
    failed = run.counts.get(Outcome.FAILED, 0)
    match run.state:
        case RunState.QUEUED | RunState.RUNNING | RunState.WAITING:
            words = _unfinished(run)
        case RunState.SUCCEEDED:
            words = f"Succeeded: {outcomes(run.counts)}." if records else "Succeeded."
        case RunState.PARTIALLY_FAILED:
            words = f"{failed} of {number(records, 'record')} failed."
        case RunState.CANCELLED:
            words = f"Cancelled, with {outcomes(run.counts)} before." if records else "Cancelled."
        case RunState.TIMED_OUT:
            words = "Its time was up."
        case RunState.INTERRUPTED if in_doubt:
            words = f"Somebody must decide: {number(in_doubt, 'effect')} in doubt."
        case RunState.INTERRUPTED:
            words = "Interrupted with an effect in doubt, which has been decided since."
        case _:
            words = f"Failed: {clause(run.failure.cause)}." if run.failure is not None else "Failed."
    return words + (" Part of its history could not be read." if run.history_incomplete else "")


def _answer(question: str, title: str, words: str, data: dict[str, Any]) -> Answer:
    return Answer(question=question, title=title, words=words, data=data)


def _ended_as(state: RunState) -> str:
    return {
        RunState.CANCELLED: "was cancelled",
        RunState.TIMED_OUT: "ran out of time",
        RunState.INTERRUPTED: "was interrupted",
        RunState.SUCCEEDED: "succeeded",
    }.get(state, "failed")


def _stays_done(facts: Facts) -> str:
    if not facts.records:
        return "No record had been handled."
    return f"What was done by then stays done: {outcomes(facts.run.counts)}."


def _progress(run: RunSummary) -> str:
    return f", {_done(run)}" if run.done is not None else ""


def _done(run: RunSummary) -> str:
    return f"{run.done} of {run.total} done" if run.total is not None else f"{run.done} done"


def _gaps(run: RunSummary) -> str:
    return _INCOMPLETE if run.history_incomplete else ""
