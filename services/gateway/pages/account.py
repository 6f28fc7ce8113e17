"""One's own account: the password, the sessions, the tokens."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from services.gateway.context import Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.identity.credentials import password_facts
from services.gateway.identity.passwords import SHORTEST
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.forms import Filled, refused
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import Place
from services.gateway.pages.rendering import Visit
from services.gateway.problems import status_of
from services.gateway.routes.my_account import change_password, end_own_session, session_of
from services.gateway.routes.tokens import TokenView, TokenWish, issue, revoke
from shared.errors import TagwerkError
from shared.events import now
from shared.words import TokenScope

router = APIRouter(include_in_schema=False)

ACCOUNT = Place(N_("Your account"), "/account")

HOW: Mapping[str, str] = {
    "password": N_("with a password"),
    "link": N_("with a link"),
    "openid": N_("at the identity provider"),
}

SCOPES: Mapping[TokenScope, str] = {
    TokenScope.READ: N_("Read"),
    TokenScope.START: N_("Start and steer runs"),
    TokenScope.UPLOAD: N_("Upload documents"),
    TokenScope.APPROVE: N_("Approve and correct invoices"),
    TokenScope.ADMINISTER: N_("Administer accounts and the platform"),
}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    csrf_token: str = ""


class NewPassword(_Form):
    current: SecretStr = SecretStr("")
    new: SecretStr = SecretStr("")
    again: SecretStr = SecretStr("")


class TokenForm(_Form):
    name: Text = ""
    days: Text = ""
    scope: list[Text] = []
    #: Names, between them commas or blanks.
    clients: Text = ""

    @property
    def wish(self) -> dict[str, Any]:
        """As the API takes it."""
        return {
            "name": self.name.strip(),
            "days": self.days.strip(),
            "scopes": set(self.scope),
            "clients": names_in(self.clients) or None,
        }


#: Fields that a form calls otherwise than the API.
TOKEN_FIELDS: Mapping[str, str] = {"scopes": "scope"}
_PASSWORD_FIELDS: Mapping[str, str] = {"password": "new"}


def names_in(text: str) -> set[str]:
    return set(re.split(r"[\s,;]+", text)) - {""}


@router.get("/account")
async def read_account(
    request: Request, visit: TheVisit, gateway: TheGateway, asking: PageAsking
) -> HTMLResponse:
    return await _page(request, visit, gateway, asking)


@router.post("/account/password")
async def change(
    request: Request,
    visit: TheVisit,
    gateway: TheGateway,
    asking: PageAsking,
    form: Annotated[NewPassword, Form()],
) -> Response:
    current, new = form.current.get_secret_value(), form.new.get_secret_value()
    try:
        if new != form.again.get_secret_value():
            raise TagwerkError("passwords_differ", "the new passwords differ", next_step="Type both again.")
        await change_password(gateway, request, asking, current, new)
    except TagwerkError as error:
        filled = refused("password", {}, error, renamed=_PASSWORD_FIELDS)
        return await _page(request, visit, gateway, asking, filled=filled)
    return RedirectResponse("/account?changed=1", 303)


@router.post("/account/sessions/{session_id}/end")
async def end(session_id: UUID, request: Request, gateway: TheGateway, asking: PageAsking) -> Response:
    await end_own_session(gateway, asking, session_id)
    return RedirectResponse("/account", 303)


@router.post("/account/tokens")
async def make_token(
    request: Request,
    visit: TheVisit,
    gateway: TheGateway,
    asking: PageAsking,
    form: Annotated[TokenForm, Form()],
) -> Response:
    try:
        issued = await issue(gateway, asking, asking.id, TokenWish.model_validate(form.wish))
    except (ValidationError, TagwerkError) as error:
        filled = refused("token", form.model_dump(), error, renamed=TOKEN_FIELDS)
        return await _page(request, visit, gateway, asking, filled=filled)
    # Not behind a redirect: it is shown this once.
    return await _page(request, visit, gateway, asking, token=issued.token)


@router.post("/account/tokens/{token_id}/revoke")
async def revoke_token(token_id: UUID, gateway: TheGateway, asking: PageAsking) -> Response:
    await revoke(gateway, asking, token_id, only_of=asking.id)
    return RedirectResponse("/account", 303)


async def _page(
    request: Request,
    visit: Visit,
    gateway: Gateway,
    asking: Asker,
    *,
    filled: Filled | None = None,
    token: str | None = None,
) -> HTMLResponse:
    session = session_of(request)
    tokens = [TokenView.of(stored) for stored in await gateway.accounts.tokens_of(asking.id)]
    return visit.page(
        "account.html",
        trail=(ACCOUNT,),
        status=200 if filled is None else status_of(filled.failure),
        password=await password_facts(gateway.pool, asking.id),
        must_change=session is not None and session.must_change,
        changed=request.query_params.get("changed") == "1",
        sessions=await gateway.sessions.of(asking.id),
        this=None if session is None else session.id,
        tokens=[one for one in tokens if one.revoked_at is None and one.expires_at > now()],
        token=token,
        filled=filled,
        shortest=SHORTEST,
        how=HOW,
        scopes=SCOPES,
    )
