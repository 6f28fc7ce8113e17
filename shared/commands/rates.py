"""Daily exchange rates."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from shared.commands.common import PagedQuery
from shared.events import DailyRate
from shared.words import RateSource


class RatesQuery(PagedQuery):
    """`query.integrations.rates` -> `RatesPage`, the newest day first."""

    client: str | None = None
    source: RateSource | None = None
    currency: str | None = None
    day: date | None = None


class RateRow(DailyRate):
    client: str
    source: RateSource
    #: The run that stored it as it is.
    run_id: UUID


class RatesPage(BaseModel):
    items: list[RateRow]
    next_cursor: str | None = None
