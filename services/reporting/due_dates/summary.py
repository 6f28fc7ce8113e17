"""What a mail says of a due-date report, kept with it: a later attempt sends the same."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from services.reporting.due_dates.content import Content, totals_of

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


class Summary(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    client: str
    language: str
    as_of: date
    until: date
    #: How many invoices the report names.
    invoices: int
    totals: Sequence[CurrencyDue]
    #: Those that are overdue for the longest time.
    urgent: Sequence[Urgent]


def summary_of(content: Content) -> Summary:
    overdue = [line for line in content.lines if line.due is not None and line.due < content.as_of]
    return Summary(
        client=content.client,
        language=content.language,
        as_of=content.as_of,
        until=content.until,
        invoices=len(content.lines),
        totals=[
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
