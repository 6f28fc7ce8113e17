"""A new account: who it is, what it may do, and how it signs in for the first time."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr, ValidationError

from services.gateway.context import Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.identity.passwords import SHORTEST
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.forms import Filled, refused
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import USERS, Place
from services.gateway.pages.rendering import Visit, link
from services.gateway.pages.users.page import KINDS, roles_of
from services.gateway.pages.users.steps import AccessForm
from services.gateway.problems import status_of
from services.gateway.routes.accounts import NewPrincipal, make_principal
from shared.errors import TagwerkError

router = APIRouter(include_in_schema=False)

#: No account can have this id.
NEW = Place(N_("New account"), "/users/-/new")


class NewAccountForm(AccessForm):
    id: Text = ""
    kind: Text = "user"
    password: SecretStr = SecretStr("")

    @property
    def principal(self) -> dict[str, Any]:
        """As the API takes it."""
        first = {"password": self.password} if self.password.get_secret_value() else {}
        return {"id": self.id.strip(), "kind": self.kind, **self.access, **first}


@router.get(NEW.path)
async def read_new(visit: TheVisit, asking: PageAsking, gateway: TheGateway) -> HTMLResponse:
    return await _show(visit, asking, gateway)


@router.post(NEW.path)
async def make(
    form: Annotated[NewAccountForm, Form()], visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> Response:
    await gateway.gate.operate(asking, "principals")
    try:
        made = await make_principal(NewPrincipal.model_validate(form.principal), asking, gateway)
    except (ValidationError, TagwerkError) as error:
        filled = refused("new", form.model_dump(exclude={"password"}), error)
        return await _show(visit, asking, gateway, filled)
    return RedirectResponse(link(f"/users/{made.id}", done="made"), 303)


async def _show(visit: Visit, asking: Asker, gateway: Gateway, filled: Filled | None = None) -> HTMLResponse:
    await gateway.gate.operate(asking, "principals")
    return visit.page(
        "user_new.html",
        trail=(USERS, NEW),
        status=200 if filled is None else status_of(filled.failure),
        filled=filled,
        kinds=KINDS,
        roles=await roles_of(gateway, asking),
        shortest=SHORTEST,
    )
