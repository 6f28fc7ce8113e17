"""What a run does with one entry: store it, add what it tells more, or nothing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.integrations.bank.core import Entry, Statement, transaction_key
from services.integrations.bank.identity import Stored
from shared.events import Record
from shared.words import Outcome


@dataclass(slots=True)
class Known(Stored):
    """A stored transaction, as far as a decision needs it."""

    #: The day in its key.
    keyed: date
    #: `none`, `matched`, `partly`, `ambiguous`, `reversed`.
    match: str
    run_id: UUID
    changed_by: UUID | None
    #: How many details it has, how many fields they have, and the rank of the message that told them.
    details: int
    fields: int
    rank: int


@dataclass(slots=True)
class Verdict:
    """What becomes of one entry."""

    entry: Entry
    key: str
    nth: int
    new: bool
    #: Whether its details are richer than what is stored.
    richer: bool
    outcome: Outcome
    #: Format -> kind -> value, of the row after this run.
    evidence: Mapping[str, Mapping[str, str]]
    #: Whether the row is to be written although it is not new.
    changed: bool
    #: How much its details tell.
    fields: int
    #: Of the row before this run.
    match: str
    #: Whether this run stored the row: in an earlier attempt, or now.
    own: bool
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    #: What the matching says, each a sentence.
    notes: list[str] = field(default_factory=list)

    def record(self) -> Record:
        entry = self.entry
        outcome = self.outcome
        if outcome is Outcome.UNCHANGED and self.changes:
            outcome = Outcome.UPDATED
        party = entry.only.get("party")
        message = f"{entry.written} {entry.currency}{f', {party}' if party else ''}"
        if len(entry.details) > 1:
            message += f"; {len(entry.details)} payments"
        return Record(
            key=self.key,
            outcome=outcome,
            label=f"{entry.booked.isoformat()} {'reversal ' if entry.reversal else ''}{entry.written}",
            message="; ".join((message, *self.notes)) if self.notes else message,
            changes=self.changes or None,
        )


def highest_numbers(stored: Iterable[Known]) -> dict[tuple[Decimal, date], int]:
    """Of each amount and day the highest number that a transaction has."""
    highest: dict[tuple[Decimal, date], int] = {}
    for one in stored:
        place = one.amount, one.keyed
        highest[place] = max(one.nth, highest.get(place, 0))
    return highest


def judge(
    entry: Entry,
    known: Stored | None,
    statement: Statement,
    numbers: dict[tuple[Decimal, date], int],
    run_id: UUID,
) -> Verdict:
    """`numbers` holds the highest number of each amount and day, and is counted up for what is new.

    The outcome is relative to the run, not to the attempt: what an earlier attempt of this run stored is
    not `unchanged` in this one.
    """
    fields = sum([len(detail) for detail in entry.details])
    if known is None:
        place = entry.amount, entry.booked
        numbers[place] = nth = numbers.get(place, 0) + 1
        key = transaction_key(statement.account, entry.booked, entry.written, entry.currency, nth)
        return Verdict(
            entry, key, nth, new=True, richer=False, outcome=Outcome.CREATED,
            evidence={entry.family: entry.evidence}, changed=False, fields=fields, match="none", own=True,
        )  # fmt: skip
    assert isinstance(known, Known)
    richer = _is_richer(entry, fields, known)
    evidence = known.evidence
    if evidence.get(entry.family) != entry.evidence:
        evidence = {**evidence, entry.family: {**evidence.get(entry.family, {}), **entry.evidence}}
    outcome = Outcome.UNCHANGED
    if known.run_id == run_id:
        outcome = Outcome.CREATED
    elif known.changed_by == run_id:
        outcome = Outcome.UPDATED
    verdict = Verdict(
        entry, known.key, known.nth, new=False, richer=richer, outcome=outcome, evidence=evidence,
        changed=richer or evidence != known.evidence or (entry.booked_known and not known.booked_known),
        fields=fields, match=known.match, own=known.run_id == run_id,
    )  # fmt: skip
    if richer:
        verdict.changes["details"] = (
            _described(known.details, known.fields),
            _described(len(entry.details), fields),
        )
    if entry.booked_known and not known.booked_known and entry.booked != known.booked:
        verdict.changes["booked_on"] = known.booked.isoformat(), entry.booked.isoformat()
    return verdict


def _is_richer(entry: Entry, fields: int, known: Known) -> bool:
    if len(entry.details) != known.details:
        return len(entry.details) > known.details
    return fields > known.fields and entry.rank >= known.rank


def _described(count: int, fields: int) -> str:
    return f"{count} payment{'' if count == 1 else 's'}, {fields} fields"
