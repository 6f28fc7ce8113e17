"""Users and roles: who there is, what they may do, and an account to change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from services.gateway import core
from services.gateway.contacts import contact_of
from services.gateway.context import Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.identity.credentials import PasswordFacts, Wait, password_facts, wait_of
from services.gateway.identity.passwords import SHORTEST
from services.gateway.identity.sessions import ListedSession
from services.gateway.pages.account import HOW, SCOPES
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.forms import Filled
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import USERS, Place
from services.gateway.pages.rendering import Visit
from services.gateway.pages.users.roles import Role, roles_view
from services.gateway.problems import status_of
from services.gateway.routes.accounts import PrincipalId, list_principals
from services.gateway.routes.passwords import account_to_read
from services.gateway.routes.tokens import TokenView
from services.gateway.store import is_openid
from shared.access import EVERY_CLIENT, Principal
from shared.commands import Contact
from shared.events import now
from shared.words import PrincipalKind

router = APIRouter(include_in_schema=False)

KINDS: Mapping[PrincipalKind, str] = {
    PrincipalKind.USER: N_("Person"),
    PrincipalKind.SERVICE: N_("Service"),
    PrincipalKind.MQTT: N_("MQTT client"),
}

Step = Literal["made", "access", "active", "contact", "password", "unlock", "session", "sessions", "revoke"]

DONE: Mapping[Step, str] = {
    "made": N_("The account is made"),
    "access": N_("The account is changed"),
    "active": N_("The account is changed"),
    "contact": N_("Saved"),
    "password": N_("The password is set"),
    "unlock": N_("Nobody has to wait any more"),
    "session": N_("The session has ended"),
    "sessions": N_("All sessions have ended"),
    "revoke": N_("The token is revoked"),
}


class Wanted(BaseModel):
    """The query string of the list."""

    model_config = ConfigDict(extra="ignore")

    #: Words that id, name, roles or clients hold.
    q: Text = ""


@dataclass(frozen=True, slots=True)
class AccountPage:
    principal: Principal
    #: Why the reader may not change it, as a message; None if they may.
    fixed: str | None
    #: Roles and clients come from the identity provider.
    openid: bool
    roles: Sequence[Role]
    #: How they are reached, and who stands in for them. None where that is not for the reader.
    contact: Contact | None
    #: None where there is none.
    password: PasswordFacts | None
    #: After failed sign-ins; None where nobody has to wait.
    wait: Wait | None
    #: None where they are not for the reader.
    sessions: Sequence[ListedSession] | None
    #: Those that still open something.
    tokens: Sequence[TokenView]

    @property
    def every_client(self) -> bool:
        return EVERY_CLIENT in self.principal.clients

    @property
    def clients(self) -> str:
        return ", ".join(sorted(self.principal.clients - {EVERY_CLIENT}))


def found_in(principals: Sequence[Principal], q: str) -> list[Principal]:
    wanted = q.lower().split()
    return [one for one in principals if all(word in _words(one) for word in wanted)]


def _words(principal: Principal) -> str:
    parts = (principal.id, principal.name, *principal.roles, *principal.clients)
    return " ".join(parts).lower()


def why_fixed(asking: Principal, account: Principal, managed: str | None) -> str | None:
    """`account` with its effective roles."""
    if account.id == managed:
        return N_("This is the administrator of whoever owns the machine. It cannot be changed here.")
    if core.why_not_grant(asking, account) is not None:
        return N_("It may do more than you, or acts for clients that you do not act for.")
    return None


@router.get("/users")
async def read_list(
    visit: TheVisit, asking: PageAsking, gateway: TheGateway, wanted: Annotated[Wanted, Query()]
) -> HTMLResponse:
    principals = (await list_principals(asking, gateway)).items
    return visit.page(
        "users.html",
        trail=(USERS,),
        principals=found_in(principals, wanted.q),
        total=len(principals),
        q=wanted.q,
        kinds=KINDS,
        roles=await roles_of(gateway, asking),
    )


@router.get("/users/{principal_id}")
async def read_account(
    principal_id: PrincipalId,
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    done: Annotated[Step | None, Query()] = None,
) -> HTMLResponse:
    return await show(visit, asking, gateway, principal_id, done=done)


async def show(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    id: str,
    *,
    done: Step | None = None,
    filled: Filled | None = None,
    token: str | None = None,
) -> HTMLResponse:
    """`filled`: the form of a step that was refused; `token`: one that was just made, shown this once. Raises
    `access_refused`, `principal_not_found`."""
    principal = await account_to_read(gateway, asking, id)
    async with gateway.accounts.changing() as tx:
        openid = await is_openid(tx, id)
    tokens = [TokenView.of(stored) for stored in await gateway.accounts.tokens_of(id)]
    # Where somebody signed in from is for those who could end it.
    theirs = core.why_not_grant(asking, gateway.accounts.effective(principal)) is None or id == asking.id
    view = AccountPage(
        principal=principal,
        fixed=why_fixed(asking, gateway.accounts.effective(principal), gateway.sign_in.managed),
        openid=openid,
        roles=await roles_of(gateway, asking, principal.roles),
        contact=await contact_of(gateway.pool, id) if theirs else None,
        password=await password_facts(gateway.pool, id),
        wait=await wait_of(gateway.pool, id),
        sessions=await gateway.sessions.of(id) if theirs else None,
        tokens=[one for one in tokens if one.revoked_at is None and one.expires_at > now()],
    )
    return visit.page(
        "user.html",
        trail=(USERS, Place(principal.id, f"/users/{principal.id}", given=True)),
        status=200 if filled is None else status_of(filled.failure),
        view=view,
        done=DONE[done] if done else None,
        filled=filled,
        token=token,
        kinds=KINDS,
        how=HOW,
        scopes=SCOPES,
        shortest=SHORTEST,
    )


async def roles_of(gateway: Gateway, asking: Asker, given: frozenset[str] = frozenset()) -> list[Role]:
    jobs = await gateway.gate.jobs()
    visible = await gateway.gate.visible_jobs(asking)
    return roles_view(jobs, visible, gateway.accounts.policy.roles, given)
