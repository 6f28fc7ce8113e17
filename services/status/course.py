"""How a run went, in words: did it start, did it finish, and its state in one sentence. Pure."""

from typing import Any

from services.status.facts import Facts
from services.status.timeline import CRASHED
from services.status.wording import clause, listing, moment, number, outcomes, sentence, span
from shared.commands import Answer, RunSummary
from shared.words import Outcome, RunState


def answer_started(facts: Facts) -> Answer:
    """Did it start?"""
    run = facts.run
    data: dict[str, Any] = {"started": run.started_at is not None, "attempts": run.attempt}
    if run.started_at is None:
        if run.state.final:
            words = f"No. It {ended_as(run.state)} before it had started."
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
    return Answer(question="started", title="Did it start?", words=words, data=data)


def answer_finished(facts: Facts) -> Answer:
    """Did it finish?"""
    run = facts.run
    data: dict[str, Any] = {
        "finished": run.state.final,
        "state": run.state.value,
        "action_required": run.action_required,
        "cancelled_by": facts.cancelled_by,
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
    return Answer(question="finished", title="Did it finish?", words=words + _interruptions(facts), data=data)


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
    if run.dry_run:
        words = f"Dry run, nothing was written. {words}" if run.state.final else f"Dry run. {words}"
    return words + (" Part of its history could not be read." if run.history_incomplete else "")


def ended_as(state: RunState) -> str:
    """`was cancelled`, `failed`: to stand behind `it`."""
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
    return f", {said_done(run)}" if run.done is not None else ""


def said_done(run: RunSummary) -> str:
    """`3 of 5 done`."""
    return f"{run.done} of {run.total} done" if run.total is not None else f"{run.done} done"
