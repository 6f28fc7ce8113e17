"""One's own account: password, sessions, tokens."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.identity.asker import Asker, SignedIn
from services.gateway.identity.cookies import SESSION
from services.gateway.identity.sessions import ListedSession, end_session
from services.gateway.problems import answers
from services.gateway.routes.tokens import IssuedToken, TokenList, TokenView, TokenWish, issue, revoke
from shared.errors import TagwerkError

router = APIRouter(tags=["sign-in"])


class ChangePassword(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current: SecretStr = Field(max_length=1000)
    new: SecretStr = Field(max_length=1000)


class SessionView(BaseModel):
    """A session of a browser."""

    id: UUID
    #: `password`, `link` or `openid`.
    how: str
    created_at: datetime
    #: Within a minute.
    seen_at: datetime
    #: At the latest; it ends before that when it is not used.
    expires_at: datetime
    address: str
    agent: str
    #: The one that asks.
    this: bool

    @classmethod
    def of(cls, session: ListedSession, this: UUID | None = None) -> "SessionView":
        return cls(
            id=session.id,
            how=session.how,
            created_at=session.created_at,
            seen_at=session.seen_at,
            expires_at=session.expires_at,
            address=session.address,
            agent=session.agent,
            this=this == session.id,
        )


class SessionList(BaseModel):
    items: list[SessionView]


@router.put("/me/password", status_code=204, summary="Change my password", responses=answers(403, 409, 429))
async def change_my_password(
    body: ChangePassword, request: Request, asking: MayAdminister, gateway: TheGateway
) -> None:
    """My other sessions end."""
    await change_password(
        gateway, request, asking, body.current.get_secret_value(), body.new.get_secret_value()
    )


@router.get("/me/sessions", summary="My sessions, newest first")
async def list_my_sessions(request: Request, asking: MayAdminister, gateway: TheGateway) -> SessionList:
    session = session_of(request)
    this = None if session is None else session.id
    return SessionList(items=[SessionView.of(one, this) for one in await gateway.sessions.of(asking.id)])


@router.delete(
    "/me/sessions/{session_id}", status_code=204, summary="End one of my sessions", responses=answers(404)
)
async def end_my_session(session_id: UUID, asking: MayAdminister, gateway: TheGateway) -> None:
    await end_own_session(gateway, asking, session_id)


@router.get("/me/tokens", summary="My tokens, newest first")
async def list_my_tokens(asking: MayAdminister, gateway: TheGateway) -> TokenList:
    return TokenList(items=[TokenView.of(token) for token in await gateway.accounts.tokens_of(asking.id)])


@router.post("/me/tokens", status_code=201, summary="Issue a token for myself", responses=answers(403, 404))
async def issue_my_token(body: TokenWish, asking: MayAdminister, gateway: TheGateway) -> IssuedToken:
    """It may never do more than I may. It is in this answer and nowhere else; only its hash is kept."""
    return await issue(gateway, asking, asking.id, body)


@router.delete(
    "/me/tokens/{token_id}", status_code=204, summary="Revoke one of my tokens", responses=answers(404)
)
async def revoke_my_token(token_id: UUID, asking: MayAdminister, gateway: TheGateway) -> None:
    await revoke(gateway, asking, token_id, only_of=asking.id)


def session_of(request: Request) -> SignedIn | None:
    """The session of the request; None if a token came with it."""
    session: SignedIn | None = getattr(request.state, "session", None)
    return session


async def change_password(gateway: Gateway, request: Request, asking: Asker, current: str, new: str) -> None:
    """Change it; the browser gets a new secret for its session, since the old one is worth nothing now."""
    visitor = gateway.doorkeeper.visitor(request)
    secret = await gateway.local.change(asking, session_of(request), current, new, visitor)
    if secret is not None:
        gateway.doorkeeper.give(request, SESSION, secret)


async def end_own_session(gateway: Gateway, asking: Asker, id: UUID) -> None:
    """Raises `session_not_found`."""
    async with gateway.accounts.changing() as tx:
        if await end_session(tx, asking.id, id, by=asking.id, action="session_ended"):
            return
    if await gateway.sessions.is_there(id):
        await gateway.gate.hide(asking, f"session:{id}")
    raise session_not_found(asking.id, id)


def session_not_found(principal: str, id: UUID) -> TagwerkError:
    return TagwerkError(
        "session_not_found",
        f"{principal} has no session {id}",
        concern=str(id),
        next_step="It may have ended already; `GET /api/v1/me/sessions` lists your own that go on.",
    )
