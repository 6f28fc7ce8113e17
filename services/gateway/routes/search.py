"""One search over runs, records, jobs and documents."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from services.gateway.context import MayReadJobs, TheGateway
from services.gateway.fields import Text
from services.gateway.finding import SearchResults, find

router = APIRouter(tags=["search"])

Typed = Annotated[Text, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


@router.get("/search", summary="Runs, records, jobs and documents by id, number or name")
async def search(
    asking: MayReadJobs,
    gateway: TheGateway,
    q: Annotated[
        Typed,
        Query(
            description="The id of a run or document (8 digits of it are enough), the key of a record, an "
            "invoice number, a file name, an IBAN, or words of a job's name; or how it begins."
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=100, description="Of each kind.")] = 20,
) -> SearchResults:
    """What is just what was typed comes first. `unanswered` names the parts that did not answer in time."""
    return await find(gateway, asking, q, limit)
