"""Values that a parameter of a job can have now, from live data and for one client."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from services.gateway import core
from services.gateway.context import QUERY_TIMEOUT, Gateway, MayStart, TheGateway
from services.gateway.fields import Text
from services.gateway.problems import answers
from shared import subjects
from shared.access import EVERY_CLIENT, Principal
from shared.choices import containing, sources_of
from shared.commands import Choice, ChoicesPage, ChoicesQuery
from shared.errors import TagwerkError
from shared.jobs import CatalogueEntry

router = APIRouter(tags=["jobs"])

#: Not a parameter of a job, but chosen in the same dialog: for whom the run is.
CLIENT: Final = "client"


@router.get(
    "/jobs/{job_id}/choices/{parameter}", summary="Values to choose from", responses=answers(403, 404)
)
async def list_choices(
    job_id: str,
    parameter: str,
    asking: MayStart,
    gateway: TheGateway,
    client: Annotated[Text | None, Query(description="For which client; as for a start.")] = None,
    text: Annotated[Text | None, Query(description="Only those that contain this.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ChoicesPage:
    """For a parameter whose schema says `x-choices`; for `client` the clients that one acts for. Other values
    may be right too: choices help, and do not check."""
    entry = await gateway.gate.job_to_see(asking, job_id)
    return await choices_of(gateway, asking, entry, parameter, client=client, text=text, limit=limit)


async def choices_of(
    gateway: Gateway,
    asking: Principal,
    entry: CatalogueEntry,
    parameter: str,
    *,
    client: str | None,
    text: str | None = None,
    limit: int = 50,
) -> ChoicesPage:
    """Raises `choices_unknown`, and what a start raises for a client or role that is missing."""
    source = sources_of(entry.parameters).get(parameter)
    if source is None and parameter == CLIENT and CLIENT not in entry.parameters.get("properties", {}):
        clients = [Choice(value=name, label=name) for name in await clients_of(gateway, asking)]
        found = containing(clients, text)
        return ChoicesPage(items=found[:limit], more=len(found) > limit)
    if source is None:
        raise TagwerkError(
            "choices_unknown",
            f"{entry.id} has no parameter {parameter} that offers choices",
            concern=parameter,
            next_step="Look into the job's schema for `x-choices`, or type the value.",
        )
    meant = core.client_of(asking, client)
    await gateway.gate.job_to_start(asking, entry.id, meant)
    query = ChoicesQuery(source=source, client=meant, text=text or None, limit=limit)
    return await gateway.bus.ask(subjects.choices(entry.service), query, ChoicesPage, timeout=QUERY_TIMEOUT)


async def clients_of(gateway: Gateway, asking: Principal) -> list[str]:
    """The clients of the asker; who acts for every client chooses among those that anybody acts for."""
    names = set(asking.clients)
    if EVERY_CLIENT in names:
        everybody = (await gateway.principals.all()).values()
        names = {core.MAIN_CLIENT}.union(*(principal.clients for principal in everybody))
    return sorted(names - {EVERY_CLIENT})
