"""Who am I, and what may I do?"""

from fastapi import APIRouter
from pydantic import BaseModel

from services.gateway import core
from services.gateway.context import MayReadJobs
from shared.access import EVERY_CLIENT, may_operate_platform
from shared.errors import TagwerkError
from shared.words import PrincipalKind

router = APIRouter(tags=["sign-in"])


class Me(BaseModel):
    """The principal behind the token of this request."""

    id: str
    name: str
    kind: PrincipalKind
    roles: list[str]
    #: `*` stands for every client.
    clients: list[str]
    every_client: bool
    #: The client that a request means if it names none; None if it has to name one.
    default_client: str | None
    #: Dead letters, rebuilds, accounts.
    may_operate_platform: bool


@router.get("/me", summary="Who is signed in")
async def read_me(asking: MayReadJobs) -> Me:
    try:
        default = core.client_of(asking, None)
    except TagwerkError:
        default = None
    return Me(
        id=asking.id,
        name=asking.name,
        kind=asking.kind,
        roles=sorted(asking.roles),
        clients=sorted(asking.clients),
        every_client=EVERY_CLIENT in asking.clients,
        default_client=default,
        may_operate_platform=may_operate_platform(asking),
    )
