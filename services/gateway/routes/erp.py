"""Suppliers, cost centers and open items, as the integrations service read them from the ERP."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from services.gateway.context import MayRead, TheGateway
from services.gateway.lists import ClientFilter, list_of_clients
from services.gateway.problems import answers
from shared.commands import ErpEntriesPage, ErpEntriesQuery
from shared.words import ErpList

router = APIRouter(tags=["erp"])


class ErpEntriesFilter(ClientFilter):
    list: ErpList | None = Field(default=None, description="Only of this list.")
    gone: bool | None = Field(
        default=None, description="Only what is gone from the ERP; false: only what is not."
    )


@router.get("/erp-entries", summary="What the ERP holds", responses=answers(404))
async def list_erp_entries(
    filter: Annotated[ErpEntriesFilter, Query()], asking: MayRead, gateway: TheGateway
) -> ErpEntriesPage:
    """By list and id, as it was read last. `values` has the fields of the interface; what is gone keeps the
    last known."""
    return await list_of_clients(gateway, asking, "erp-entries", filter, ErpEntriesQuery, ErpEntriesPage)
