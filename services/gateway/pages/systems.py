"""The state of services, systems outside and locations, as they are looked at for this page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import SYSTEMS
from services.gateway.routes.systems import SystemState, list_systems
from shared.words import CheckVerdict

router = APIRouter(include_in_schema=False)

Kind = Literal["service", "system", "location"]

#: In their order.
KINDS: Mapping[Kind, str] = {
    "system": N_("Systems outside"),
    "service": N_("Services"),
    "location": N_("Locations"),
}


class Wanted(BaseModel):
    """The query string."""

    model_config = ConfigDict(extra="ignore")

    #: For which client locations are looked at; none: the reader's first.
    client: Text = ""


@dataclass(frozen=True, slots=True)
class Section:
    kind: Kind
    states: Sequence[SystemState]


@dataclass(frozen=True, slots=True)
class SystemsView:
    #: Those that have something to show.
    sections: Sequence[Section]
    #: States that are not good.
    trouble: int
    total: int
    #: For which client locations were looked at.
    client: str | None


def systems_view(states: Sequence[SystemState]) -> SystemsView:
    """What is not good comes first in each section."""
    ordered = sorted(states, key=lambda state: (state.verdict is CheckVerdict.OK, state.name, state.service))
    sections = [Section(kind, [state for state in ordered if state.kind == kind]) for kind in KINDS]
    return SystemsView(
        sections=[section for section in sections if section.states],
        trouble=sum(state.verdict is not CheckVerdict.OK for state in states),
        total=len(states),
        client=next((state.client for state in states if state.client is not None), None),
    )


@router.get("/systems")
async def read_systems(
    visit: TheVisit, asking: PageAsking, gateway: TheGateway, wanted: Annotated[Wanted, Query()]
) -> HTMLResponse:
    found = await list_systems(asking, gateway, wanted.client.strip() or None)
    view = systems_view(found.items)
    return visit.page("systems.html", trail=(SYSTEMS,), view=view, kinds=KINDS, client=wanted.client)
