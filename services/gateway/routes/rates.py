"""Daily exchange rates, as the integrations service stores them."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.gateway.context import QUERY_TIMEOUT, MayRead, TheGateway
from services.gateway.fields import Text
from services.gateway.problems import answers
from services.gateway.routes.records import Cursor, Limit
from shared import subjects
from shared.commands import RatesPage, RatesQuery
from shared.words import RateSource

router = APIRouter(tags=["rates"])

Client = Annotated[Text | None, Query(description="Only of this client; none: of all that you act for.")]
Source = Annotated[RateSource | None, Query(description="Who publishes them.")]
Currency = Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="ISO 4217: `USD`.")]
Day = Annotated[date | None, Query(description="For which day; weekends as the source gives them.")]


@router.get("/rates", summary="Daily exchange rates", responses=answers(404))
async def list_rates(
    asking: MayRead,
    gateway: TheGateway,
    client: Client = None,
    source: Source = None,
    currency: Currency = None,
    day: Day = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> RatesPage:
    """The newest day first. 1 `base` costs `rate` `quote`; the rate is a string, since it is exact."""
    if client is not None:
        await gateway.gate.act_for(asking, client, "rates")
    query = RatesQuery(
        client=client,
        source=source,
        currency=currency,
        day=day,
        limit=limit,
        cursor=cursor,
        **await gateway.gate.scope(asking),
    )
    return await gateway.bus.ask(
        subjects.query("integrations", "rates"), query, RatesPage, timeout=QUERY_TIMEOUT
    )
