"""Who asks for a page: the dependencies of every page."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, Security

from services.gateway.context import TheGateway, asking
from services.gateway.identity.asker import Asker
from services.gateway.pages.rendering import Visit

#: Where those go who are not signed in.
SIGN_IN = "/sign-in"

#: Codes of those who have to sign in, or to do it again.
NOT_SIGNED_IN = frozenset({"not_signed_in", "session_ended", "token_rejected"})


def sign_in_path(request: Request) -> str:
    """The sign-in page, which leads back to what was asked for."""
    url = request.url
    back = f"{url.path}?{url.query}" if url.query else url.path
    return f"{SIGN_IN}?next={quote(back, safe='/')}" if request.method in ("GET", "HEAD") else SIGN_IN


#: Who asks. A page that takes it sends everybody else to the sign-in page.
PageAsking = Annotated[Asker, Security(asking)]


async def _visit(request: Request, gateway: TheGateway, principal: PageAsking) -> Visit:
    return Visit.of(request, principal, gateway.settings.time_zone)


async def _open_visit(request: Request, gateway: TheGateway) -> Visit:
    return Visit.of(request, None, gateway.settings.time_zone)


#: A visit of somebody who is signed in.
TheVisit = Annotated[Visit, Depends(_visit)]
#: A visit of anybody.
OpenVisit = Annotated[Visit, Depends(_open_visit)]
