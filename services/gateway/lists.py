"""What lists are asked with, in the query string: a client, a page, a sequence to wait for."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.context import QUERY_TIMEOUT, AtLeast, Gateway
from services.gateway.fields import Text
from shared import subjects
from shared.access import Principal
from shared.commands import PagedQuery

Answer = TypeVar("Answer", bound=BaseModel)


class PageFilter(BaseModel):
    """Which page; a field that the list does not know is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=1000)
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")


class FreshPageFilter(PageFilter):
    at_least: AtLeast = 0


class ClientFilter(PageFilter):
    client: Text | None = Field(
        default=None, description="Only of this client; none: of all that you act for."
    )


async def list_of_clients(
    gateway: Gateway,
    asking: Principal,
    name: str,
    filter: ClientFilter,
    query: type[PagedQuery],
    answer: type[Answer],
    *,
    job: str | None = None,
    service: str = "integrations",
) -> Answer:
    """The page that `query.<service>.<name>` answers; for those who may see `job`, if it names one.

    Raises `job_not_found` and `client_not_found`.
    """
    if job is not None:
        await gateway.gate.job_to_see(asking, job)
    if filter.client is not None:
        await gateway.gate.act_for(asking, filter.client, name)
    asked = query(**filter.model_dump(), **await gateway.gate.scope(asking))
    return await gateway.bus.ask(subjects.query(service, name), asked, answer, timeout=QUERY_TIMEOUT)
