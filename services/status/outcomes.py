"""What becomes of a record of a run, over all of its attempts. Pure.

- An outcome is relative to the run: what attempt 1 created is not `unchanged` because attempt 2 finds it.
- A real outcome replaces `failed`, `unknown` and `skipped`.
- What a run changed it has changed: `RecordRow.changed` stays, whatever becomes of the record later.
"""

from datetime import datetime

from services.status.rows import RecordRow, RunRow, model_json, to_json
from shared.errors import Failure
from shared.events import Decided, Record
from shared.words import Decision, Outcome


def handle_record(run: RunRow, record: Record, attempt: int, time: datetime) -> RecordRow:
    """Take note of what an attempt says about a record; returns what the run says of it now."""
    entry = run.known.get(record.key)
    if entry is None:
        run.records += 1
        outcome = record.outcome
        changed = outcome.changed_data
        run.changed += changed
        run.counts[outcome] = run.counts.get(outcome, 0) + 1
        entry = run.known[record.key] = RecordRow(
            record.key,
            run.records,
            outcome,
            changed,
            attempt,
            time,
            record.label,
            record.message,
            None if record.failure is None else model_json(record.failure),
            None if record.changes is None else to_json(record.changes),
        )
    elif not _keeps(entry.outcome, record.outcome):
        replace_outcome(run, entry, record, attempt, time)
    return entry


def _keeps(old: Outcome, new: Outcome) -> bool:
    """Whether the former outcome stands: the run changed the record, and now has nothing to do there."""
    return old.changed_data and new in (Outcome.UNCHANGED, Outcome.SKIPPED)


def replace_outcome(run: RunRow, entry: RecordRow, record: Record, attempt: int, time: datetime) -> None:
    """Give a known record its new outcome, and keep the counts of the run."""
    outcome = record.outcome
    if entry.outcome is Outcome.CREATED and outcome is Outcome.UPDATED:
        # What the run created and then updated it has, seen as a whole, created.
        outcome = Outcome.CREATED
    run.counts[entry.outcome] -= 1
    if not run.counts[entry.outcome]:
        del run.counts[entry.outcome]
    run.counts[outcome] = run.counts.get(outcome, 0) + 1
    if outcome.changed_data and not entry.changed:
        entry.changed = True
        run.changed += 1
    entry.outcome = outcome
    entry.attempt = attempt
    entry.time = time
    entry.label = record.label or entry.label
    entry.message = record.message
    entry.failure = model_json(record.failure)
    entry.changes = to_json(record.changes) or entry.changes


def settled(key: str, decision: Decided) -> Record:
    """The record of an effect in doubt after a person's decision."""
    if decision.decision is Decision.HAPPENED:
        message = f"{decision.principal} confirmed that it happened: {decision.reason}"
        return Record(key=key, outcome=Outcome.UPDATED, message=message)
    message = f"{decision.principal} decided that it is to be done again: {decision.reason}"
    failure = Failure(
        code="effect_to_repeat",
        cause=message,
        concern=decision.effect,
        next_step="Rerun the failed records of this run.",
        retryable=True,
    )
    return Record(key=key, outcome=Outcome.FAILED, message=message, failure=failure)
