"""Language, theme and time zone, kept in cookies. Harmless to whoever is made to change them, and for
everybody: signed in or not."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from services.gateway.identity.core import local_path
from services.gateway.pages.asking import TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import Place
from services.gateway.pages.preferences import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    ZONE_COOKIE,
    Language,
    Theme,
    zones,
)

router = APIRouter(include_in_schema=False)

PREFERENCES = Place(N_("Preferences"), "/preferences")

#: Seconds for which a choice is remembered.
REMEMBERED = 365 * 24 * 3600


class Choice(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None
    theme: Theme | None = None
    time_zone: str | None = None
    #: Where to go back to.
    next: str = "/"


@router.get("/preferences")
async def read_preferences(visit: TheVisit) -> HTMLResponse:
    return visit.page("preferences.html", trail=(PREFERENCES,), zones=sorted(zones()))


@router.post("/preferences")
async def change_preferences(request: Request, choice: Annotated[Choice, Form()]) -> RedirectResponse:
    response = RedirectResponse(local_path(choice.next), 303)
    zone = choice.time_zone if choice.time_zone in zones() else None
    chosen = {LANGUAGE_COOKIE: choice.language, THEME_COOKIE: choice.theme, ZONE_COOKIE: zone}
    for name, value in chosen.items():
        if value is not None:
            response.set_cookie(
                name, value, max_age=REMEMBERED, samesite="lax", httponly=True,
                secure=request.url.scheme == "https",
            )  # fmt: skip
    return response
