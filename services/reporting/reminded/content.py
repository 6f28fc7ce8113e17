"""What a report of reminders says: who was reminded of what, and what has happened since. Pure, and without
pydantic: the process that writes the files imports it for each report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final

#: In the order in which a report tells them: what waits for a decision first, then what nobody has done yet.
GROUPS: Final = ("in_doubt", "open", "done")


@dataclass(frozen=True, slots=True)
class Line:
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

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "on": self.on.isoformat(),
            "due": self.due.isoformat(),
            "amount": f"{self.amount:f}" if self.amount is not None else None,
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Line":
        amount = plain["amount"]
        return cls(
            **{
                **plain,
                "on": date.fromisoformat(plain["on"]),
                "due": date.fromisoformat(plain["due"]),
                "amount": Decimal(amount) if amount else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Content:
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

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "client": self.client,
            "since": self.since.isoformat(),
            "as_of": self.as_of.isoformat(),
            "language": self.language,
            "lines": [line.plain() for line in self.lines],
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Content":
        return cls(
            **{
                **plain,
                "since": date.fromisoformat(plain["since"]),
                "as_of": date.fromisoformat(plain["as_of"]),
                "lines": [Line.of(line) for line in plain["lines"]],
            }
        )


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
