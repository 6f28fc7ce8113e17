"""What pages and mails tell of a report, whatever its kind; kept with it, so that a later attempt tells the
same."""

from abc import ABC, abstractmethod
from datetime import date

from pydantic import BaseModel, ConfigDict

from services.reporting.letter import Letter
from shared.commands import ReportTotal


class Summary(BaseModel, ABC):
    """The base of each kind's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    client: str
    language: str
    #: The day on which the report was made.
    as_of: date
    #: The first and the last day that it is about.
    since: date | None = None
    until: date

    @property
    @abstractmethod
    def items(self) -> int:
        """How many things it names."""

    @property
    @abstractmethod
    def named(self) -> str:
        """How many of what, in English: `1 invoice`."""

    @property
    @abstractmethod
    def file_name(self) -> str:
        """Of its files, without the ending."""

    @property
    def totals(self) -> list[ReportTotal]:
        """Sums, where the report has some."""
        return []

    @abstractmethod
    def letter(self) -> Letter:
        """The mail that brings it."""


def plural(count: int, one: str, many: str) -> str:
    """`1 invoice`, `1,200 invoices`."""
    return f"{count:,} {one if count == 1 else many}"
