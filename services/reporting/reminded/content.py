"""What a report of reminders says: who was reminded of what, and what has happened since. Pure, and without
pydantic: the process that writes the files imports it for each report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Final

from services.reporting.as_json import AsJson

#: In the order in which a report tells them: what waits for a decision first, then what nobody has done yet.
GROUPS: Final = ("in_doubt", "open", "done")


@dataclass(frozen=True, slots=True)
class Line(AsJson):
    """A reminder."""

    #: The day on which it was sent, or begun.
    on: date
    #: Id of the account whose duty it was, and of the one that got the mail in its place.
    person: str
    substitute: str | None
    #: `approve` or `answer`.
    matter: str
    #: The day by which it was to be done.
    due: date
    step: int
    document_id: str
    supplier: str | None
    invoice_number: str | None
    amount: Decimal | None
    currency: str | None
    #: How far the invoice is now, as `InvoiceState` has it.
    state: str
    #: One of `GROUPS`.
    group: str
    #: Who can decide a doubt: the run that left it, and the effect.
    run_id: str
    effect: str


@dataclass(frozen=True, slots=True)
class Content(AsJson):
    """Everything that one report says."""

    kind: ClassVar[str] = "reminders"

    client: str
    #: The first day, and the one on which it was made.
    since: date
    as_of: date
    #: `en` or `de`.
    language: str
    #: In the order of `GROUPS`; the highest step first, then the earliest due.
    lines: Sequence[Line]


def groups_of(content: Content) -> list[tuple[str, list[Line]]]:
    """The lines of each group that has some."""
    return [
        (name, lines) for name in GROUPS if (lines := [line for line in content.lines if line.group == name])
    ]


def steps_of(content: Content) -> list[tuple[int, int, int]]:
    """Of each step: its number, how many reminders, and of how many nothing has come yet."""
    return [
        (step, len(lines), sum(line.group != "done" for line in lines))
        for step in sorted({line.step for line in content.lines})
        if (lines := [line for line in content.lines if line.step == step])
    ]
