"""What somebody does with an account on its page: the forms in front of the routes of the API."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from services.gateway.context import Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.pages.account import TOKEN_FIELDS, TokenForm, names_in
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.forms import refused
from services.gateway.pages.rendering import Visit, link
from services.gateway.pages.users.page import Step, show
from services.gateway.routes.accounts import PrincipalId, WritePrincipal, put_principal
from services.gateway.routes.contacts import WriteContact, put_contact
from services.gateway.routes.passwords import (
    SetPassword,
    account_to_read,
    end_session_of,
    end_sessions_of,
    set_password,
    unlock_account,
)
from services.gateway.routes.tokens import WriteToken, delete_token, issue_token
from shared.access import EVERY_CLIENT
from shared.errors import TagwerkError

router = APIRouter(include_in_schema=False)


class AccessForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: Text = ""
    role: list[Text] = []
    every_client: bool = False
    #: Names, between them commas or blanks.
    clients: Text = ""

    @property
    def access(self) -> dict[str, Any]:
        """As the API takes it."""
        clients = {EVERY_CLIENT} if self.every_client else names_in(self.clients)
        return {"name": self.name.strip(), "roles": set(self.role), "clients": clients}


class ContactForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    email: Text = ""
    language: Text = "en"
    absent_from: Text = ""
    absent_until: Text = ""
    substitute: Text = ""

    @property
    def contact(self) -> dict[str, str | None]:
        """As the API takes it."""
        return {name: value.strip() or None for name, value in self.model_dump().items()}


class ActiveForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    active: bool


class PasswordForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    password: SecretStr = SecretStr("")


@router.post("/users/{principal_id}/access")
async def change_access(
    principal_id: PrincipalId,
    form: Annotated[AccessForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    async def do() -> None:
        await _change(gateway, asking, principal_id, form.access)

    return await _step(visit, asking, gateway, principal_id, "access", do, form.model_dump())


@router.post("/users/{principal_id}/active")
async def change_active(
    principal_id: PrincipalId,
    form: Annotated[ActiveForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    async def do() -> None:
        await _change(gateway, asking, principal_id, {"active": form.active})

    return await _step(visit, asking, gateway, principal_id, "active", do)


@router.post("/users/{principal_id}/contact")
async def change_contact(
    principal_id: PrincipalId,
    form: Annotated[ContactForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    async def do() -> None:
        await put_contact(principal_id, WriteContact.model_validate(form.contact), asking, gateway)

    return await _step(visit, asking, gateway, principal_id, "contact", do, form.model_dump())


@router.post("/users/{principal_id}/password")
async def give_password(
    principal_id: PrincipalId,
    form: Annotated[PasswordForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    async def do() -> None:
        await set_password(principal_id, SetPassword(password=form.password), asking, gateway)

    return await _step(visit, asking, gateway, principal_id, "password", do)


@router.post("/users/{principal_id}/unlock")
async def unlock(
    principal_id: PrincipalId, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> Response:
    async def do() -> None:
        await unlock_account(principal_id, asking, gateway)

    return await _step(visit, asking, gateway, principal_id, "unlock", do)


@router.post("/users/{principal_id}/sessions/end")
async def end_all_sessions(
    principal_id: PrincipalId, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> Response:
    async def do() -> None:
        await end_sessions_of(principal_id, asking, gateway)

    return await _step(visit, asking, gateway, principal_id, "sessions", do)


@router.post("/users/{principal_id}/sessions/{session_id}/end")
async def end_one_session(
    principal_id: PrincipalId, session_id: UUID, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> Response:
    async def do() -> None:
        await end_session_of(principal_id, session_id, asking, gateway)

    return await _step(visit, asking, gateway, principal_id, "session", do)


@router.post("/users/{principal_id}/tokens")
async def make_token(
    principal_id: PrincipalId,
    form: Annotated[TokenForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    try:
        wish = WriteToken.model_validate({"principal": principal_id, **form.wish})
        issued = await issue_token(wish, asking, gateway)
    except (ValidationError, TagwerkError) as error:
        filled = refused("token", form.model_dump(), error, renamed=TOKEN_FIELDS)
        return await show(visit, asking, gateway, principal_id, filled=filled)
    # Not behind a redirect: it is shown this once.
    return await show(visit, asking, gateway, principal_id, token=issued.token)


@router.post("/users/{principal_id}/tokens/{token_id}/revoke")
async def revoke_token(
    principal_id: PrincipalId, token_id: UUID, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> Response:
    async def do() -> None:
        await delete_token(token_id, asking, gateway)

    return await _step(visit, asking, gateway, principal_id, "revoke", do)


async def _change(gateway: Gateway, asking: Asker, id: str, change: dict[str, Any]) -> None:
    """What the form does not have stays as it is."""
    principal = await account_to_read(gateway, asking, id)
    body = WritePrincipal.model_validate(principal.model_dump(exclude={"id"}) | change)
    await put_principal(id, body, asking, gateway)


async def _step(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    id: str,
    step: Step,
    do: Callable[[], Awaitable[None]],
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """Back to the account: with what is done; or with what stood in the way, and what was typed."""
    try:
        await do()
    except (ValidationError, TagwerkError) as error:
        return await show(visit, asking, gateway, id, filled=refused(step, typed or {}, error))
    return RedirectResponse(link(f"/users/{id}", done=step), 303)
