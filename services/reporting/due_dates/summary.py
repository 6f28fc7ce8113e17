"""What pages and mails tell of a due-date report."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from services.reporting.due_dates.content import Content, totals_of
from services.reporting.due_dates.words import Words
from services.reporting.letter import Figure, Letter
from services.reporting.summaries import Summary, plural
from shared.commands import ReportTotal

#: Invoices that a mail names one by one.
_NAMED: Final = 5


class CurrencyDue(BaseModel):
    """What is due in one currency."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: str
    overdue: Decimal
    overdue_count: int
    #: Not overdue.
    due: Decimal
    due_count: int


class Urgent(BaseModel):
    """An invoice that is overdue."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    due: date
    supplier: str | None
    amount: Decimal | None
    currency: str | None


class DueDateSummary(Summary):
    #: How many invoices the report names.
    invoices: int
    due: Sequence[CurrencyDue]
    #: Those that are overdue for the longest time.
    urgent: Sequence[Urgent]

    @property
    def items(self) -> int:
        return self.invoices

    @property
    def named(self) -> str:
        return plural(self.invoices, "invoice", "invoices")

    @property
    def file_name(self) -> str:
        return Words(self.language)("file", as_of=self.as_of, until=self.until)

    @property
    def totals(self) -> list[ReportTotal]:
        return [ReportTotal(**total.model_dump()) for total in self.due]

    def letter(self) -> Letter:
        words = Words(self.language)
        until, as_of = words.long_day(self.until), words.long_day(self.as_of)
        return Letter(
            language=self.language,
            subject=words("subject", client=self.client, day=words.day(self.until)),
            client=self.client,
            title=words("title"),
            lead=f"{words('until', day=until)} · {words('as_of', day=as_of)}",
            nothing=None if self.invoices else words("nothing", day=until),
            figures=[figure for total in self.due for figure in self._figures(total, words)],
            heading=words("urgent"),
            rows=[
                (
                    words.day(one.due),
                    one.supplier or words("unknown"),
                    _sum(one, words),
                )
                for one in self.urgent
            ],
        )

    def _figures(self, total: CurrencyDue, words: Words) -> list[Figure]:
        return [
            Figure(
                words("overdue"),
                words.amount(total.overdue),
                total.currency,
                words.invoices(total.overdue_count),
                late=total.overdue_count > 0,
            ),
            Figure(
                words("due", day=words.day(self.until)),
                words.amount(total.due),
                total.currency,
                words.invoices(total.due_count),
            ),
        ]


def _sum(one: Urgent, words: Words) -> str:
    amount = words.amount(one.amount) if one.amount is not None else ""
    return f"{one.currency or ''} {amount}".strip()


def summary_of(content: Content) -> DueDateSummary:
    overdue = [line for line in content.lines if line.due is not None and line.due < content.as_of]
    return DueDateSummary(
        client=content.client,
        language=content.language,
        as_of=content.as_of,
        until=content.until,
        invoices=len(content.lines),
        due=[
            CurrencyDue(
                currency=total.currency,
                overdue=total.overdue,
                overdue_count=total.overdue_count,
                due=total.due,
                due_count=total.due_count,
            )
            for total in totals_of(content)
        ],
        urgent=[
            Urgent(due=line.due, supplier=line.supplier, amount=line.amount, currency=line.currency)
            for line in overdue[:_NAMED]
            if line.due is not None
        ],
    )
