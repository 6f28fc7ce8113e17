"""Signing in and out. With a password, with a link of the local stack, or at an identity provider."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, SecretStr

from services.gateway.context import TheGateway
from services.gateway.identity.cookies import DEVICE, OPENID, SESSION
from services.gateway.identity.core import local_path
from services.gateway.identity.openid import CALLBACK, PATIENCE
from services.gateway.identity.sessions import SessionEnded, end_session
from services.gateway.pages.asking import SIGN_IN, OpenVisit, PageAsking
from services.gateway.pages.languages import N_
from services.gateway.pages.rendering import Visit
from services.gateway.problems import ProblemError, status_of
from services.gateway.routes.my_account import session_of
from shared.errors import TagwerkError

router = APIRouter(include_in_schema=False)

#: Seconds for which a browser is known as one of the owner's.
_DEVICE_FOR = 180 * 24 * 3600

#: What went wrong, in the reader's language.
_REFUSALS: Mapping[str, str] = {
    "sign_in_refused": N_(
        "Name or password are not right. After several failures an account waits for up to 15 minutes."
    ),
    "too_many_requests": N_("Too many sign-ins came from your network. Wait a minute, then try again."),
    "sign_in_busy": N_("Too many people sign in at this moment. Try again in a few seconds."),
    "request_forged": N_("This form did not come from this page. Load the page again."),
    "link_rejected": N_("This link does not work, or not any more: each works once, and for a few minutes."),
    "identity_rejected": N_("The sign-in at the identity provider did not succeed. Try again."),
    "identity_unknown": N_(
        "The identity provider knows you, but nobody has given you access here. Ask an administrator."
    ),
    "identity_provider_unavailable": N_("The identity provider does not answer. Try again in a moment."),
}


class Password(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""
    password: SecretStr = SecretStr("")
    next: str = "/"


class Link(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")


Next = Annotated[str, Query()]


@router.get(SIGN_IN)
async def read_sign_in(request: Request, visit: OpenVisit, gateway: TheGateway, next: Next = "/") -> Response:
    """The form; whoever is signed in already is led on."""
    visitor = gateway.doorkeeper.visitor(request)
    if visitor.session is not None:
        try:
            await gateway.sessions.find(visitor.session)
        except SessionEnded:
            gateway.doorkeeper.take(request, SESSION)
        else:
            return RedirectResponse(local_path(next), 303)
    return _form(visit, gateway, next=next)


@router.post(SIGN_IN)
async def sign_in(
    request: Request, visit: OpenVisit, gateway: TheGateway, form: Annotated[Password, Form()]
) -> Response:
    try:
        await gateway.doorkeeper.check_origin(request)
        opened = await gateway.local.sign_in(
            form.name, form.password.get_secret_value(), gateway.doorkeeper.visitor(request)
        )
    except TagwerkError as error:
        return _form(visit, gateway, next=form.next, name=form.name, error=error)
    gateway.doorkeeper.give(request, SESSION, opened.session)
    gateway.doorkeeper.give(request, DEVICE, opened.device, seconds=_DEVICE_FOR)
    return RedirectResponse("/account" if opened.must_change else local_path(form.next), 303)


@router.get("/sign-in/link")
async def read_link(visit: OpenVisit, gateway: TheGateway, token: Annotated[str, Query()] = "") -> Response:
    """Opening the link uses nothing up: programs that look at links before people do would."""
    try:
        file = await gateway.sign_in.look_at_link(token)
    except TagwerkError as error:
        return _form(visit, gateway, error=error)
    return visit.page("sign_in_link.html", token=token, principal=file.principal)


@router.post("/sign-in/link")
async def sign_in_by_link(
    request: Request, visit: OpenVisit, gateway: TheGateway, form: Annotated[Link, Form()]
) -> Response:
    try:
        await gateway.doorkeeper.check_origin(request)
        session = await gateway.sign_in.use_link(
            form.token.get_secret_value(), gateway.sessions, gateway.doorkeeper.visitor(request)
        )
    except TagwerkError as error:
        return _form(visit, gateway, error=error)
    gateway.doorkeeper.give(request, SESSION, session)
    return RedirectResponse("/", 303)


@router.get("/sign-in/openid")
async def leave_for_provider(
    request: Request, visit: OpenVisit, gateway: TheGateway, next: Next = "/"
) -> Response:
    """A link and no form: the content security policy lets no form lead to another site."""
    if gateway.openid is None:
        return RedirectResponse(SIGN_IN, 303)
    try:
        departure = await gateway.openid.depart(next, gateway.doorkeeper.visitor(request))
    except TagwerkError as error:
        return _form(visit, gateway, next=next, error=error)
    gateway.doorkeeper.give(request, OPENID, departure.browser, seconds=int(PATIENCE.total_seconds()))
    return RedirectResponse(departure.address, 303)


@router.get(CALLBACK)
async def return_from_provider(
    request: Request,
    visit: OpenVisit,
    gateway: TheGateway,
    state: Annotated[str, Query()] = "",
    code: Annotated[str | None, Query()] = None,
    error: Annotated[str | None, Query()] = None,
) -> Response:
    if gateway.openid is None:
        return RedirectResponse(SIGN_IN, 303)
    browser = request.cookies.get(gateway.doorkeeper.cookies.name(OPENID))
    gateway.doorkeeper.take(request, OPENID)
    try:
        arrival = await gateway.openid.arrive(
            state=state,
            code=code,
            error=error,
            browser=browser,
            visitor=gateway.doorkeeper.visitor(request),
        )
    except TagwerkError as refusal:
        return _form(visit, gateway, error=refusal)
    gateway.doorkeeper.give(request, SESSION, arrival.session)
    return RedirectResponse(arrival.next, 303)


@router.post("/sign-out")
async def sign_out(request: Request, visit: OpenVisit, gateway: TheGateway, asking: PageAsking) -> Response:
    session = session_of(request)
    if session is None:
        return RedirectResponse(SIGN_IN, 303)
    found = await gateway.sessions.find(session.secret)
    async with gateway.accounts.changing() as tx:
        await end_session(tx, asking.id, session.id, by=asking.id, action="signed_out")
    gateway.doorkeeper.take(request, SESSION)
    there = None
    if gateway.openid is not None and found.id_token is not None:
        there = await gateway.openid.sign_out_address(found.id_token)
    return RedirectResponse(SIGN_IN, 303) if there is None else visit.page("signed_out.html", there=there)


def _form(
    visit: Visit, gateway: TheGateway, *, next: str = "/", name: str = "", error: TagwerkError | None = None
) -> HTMLResponse:
    headers = {}
    if isinstance(error, ProblemError) and "retry_after" in error.members:
        headers["Retry-After"] = str(error.members["retry_after"])
    return visit.page(
        "sign_in.html",
        status=200 if error is None else status_of(error.failure),
        headers=headers,
        next=local_path(next),
        name=name[:100],
        openid=None if gateway.openid is None else gateway.openid.name,
        refusal=None if error is None else _REFUSALS.get(error.failure.code),
        failure=None if error is None else error.failure,
    )
