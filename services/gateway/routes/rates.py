"""Daily exchange rates, as the integrations service stores them."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from services.gateway.context import MayRead, TheGateway
from services.gateway.lists import ClientFilter, list_of_clients
from services.gateway.problems import answers
from shared.commands import RatesPage, RatesQuery
from shared.words import RateSource

router = APIRouter(tags=["rates"])


class RatesFilter(ClientFilter):
    source: RateSource | None = Field(default=None, description="Who publishes them.")
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="ISO 4217: `USD`.")
    day: date | None = Field(default=None, description="For which day; weekends as the source gives them.")


@router.get("/rates", summary="Daily exchange rates", responses=answers(404))
async def list_rates(
    filter: Annotated[RatesFilter, Query()], asking: MayRead, gateway: TheGateway
) -> RatesPage:
    """The newest day first. 1 `base` costs `rate` `quote`; the rate is a string, since it is exact."""
    return await list_of_clients(gateway, asking, "rates", filter, RatesQuery, RatesPage)
