"""The seven answers that every run owes to people, in words and as data. Pure.

The words are for a bookkeeper: full sentences, no codes, the consequence before the technology.
"""

from typing import Any

from services.status.course import answer_finished, answer_started, ended_as, said_done
from services.status.facts import Facts
from services.status.wording import clause, listing, number, outcomes, sentence
from shared.commands import Answer, RunSummary
from shared.jobs import CatalogueEntry
from shared.words import CallOutcome, Outcome, RunState

#: Records that are named in words, and in the data.
NAMED_IN_WORDS = 5
NAMED_IN_DATA = 20

_INCOMPLETE = " Part of its history could not be read, so this may not be all."


def answers(facts: Facts) -> list[Answer]:
    """The seven answers, in their order."""
    return [
        answer_started(facts),
        answer_finished(facts),
        _records(facts),
        _failures(facts),
        _data_changed(facts),
        _external_calls(facts),
        _retry(facts),
    ]


# --- 3, 4 and 5: records, failures, changes ----------------------------------------------------------


def _records(facts: Facts) -> Answer:
    run, total = facts.run, facts.records
    if total:
        words = f"{number(total, 'record')}: {outcomes(run.counts)}."
    else:
        words = "None." if run.state.final else "None so far."
    if not run.state.final and run.done is not None:
        words += f" {said_done(run)}."
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
        whole = f"The run itself {ended_as(run.state)}: {clause(run.failure.cause)}."
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
    if run.dry_run:
        words = "No: it was a dry run." if run.state.final else "No: it is a dry run, which writes nothing."
    elif parts:
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
        "confirmation": None if job is None or run.dry_run else _confirmation(job),
        # What a repetition does, as the job declares it.
        "repeat": None if job is None else job.repeat,
        # Why it is not possible.
        "why_not": _why_not(facts),
    }
    match data["why_not"]:
        case "waiting":
            words = "Not needed now: another attempt follows by itself."
        case "not_ended":
            words = "Not now: the run has not ended."
        case "in_doubt":
            words = (
                "Not before somebody has decided whether it happened:"
                f" {listing(doubt.effect for doubt in facts.in_doubt)}."
                " Blindly repeated, it could happen twice."
            )
        case "job_retired":
            words = f"No: the job {run.job} is no longer offered by any service."
        case _ if job is None:
            words = (
                f"Nobody can say: the catalogue does not know the job {run.job}, so no service offers it here"
                " and nothing is known of what a repetition would do."
            )
        case _ if run.dry_run:
            data |= {"possible": True, "safe": True}
            words = "A dry run can be repeated at any time: it writes nothing."
        case _:
            data["possible"] = True
            words = _possible(facts, job, failed)
    return _answer("retry", "Is a retry possible, and what would it repeat?", words, data)


def _why_not(facts: Facts) -> str | None:
    """`waiting`, `not_ended`, `in_doubt`, `job_unknown`, `job_retired`; None where nothing is in the way."""
    run, job = facts.run, facts.job
    if not run.state.final:
        return "waiting" if run.state is RunState.WAITING else "not_ended"
    if facts.in_doubt:
        return "in_doubt"
    if job is None:
        return "job_unknown"
    return "job_retired" if job.retired else None


def _confirmation(job: CatalogueEntry) -> str | None:
    """Why a start of the job asks for one, if it does."""
    if not job.asks_confirmation:
        return None
    return "risky" if job.danger is None else job.danger.value


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
    if job.asks_confirmation:
        words += " It asks for a confirmation: the job's name, with a reason."
    if run.failure is not None and not run.failure.retryable:
        words += f" First: {sentence(run.failure.next_step)}"
    return words


def _gaps(run: RunSummary) -> str:
    return _INCOMPLETE if run.history_incomplete else ""


def _answer(question: str, title: str, words: str, data: dict[str, Any]) -> Answer:
    return Answer(question=question, title=title, words=words, data=data)
