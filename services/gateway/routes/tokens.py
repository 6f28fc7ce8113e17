"""Tokens for principals, for technical administrators; every change is audited."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway import core
from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.identity.asker import EVERY_SCOPE, Asker
from services.gateway.identity.core import secret_hash
from services.gateway.problems import answers
from services.gateway.routes.accounts import PRINCIPAL_PATTERN, Name, check_grant
from services.gateway.sign_in import new_token
from services.gateway.store import StoredToken, lock_principal, lock_token, revoke_token
from services.gateway.store import write_token as store_token
from shared.access import Principal
from shared.audit import AuditEntry
from shared.errors import TagwerkError
from shared.events import now
from shared.ids import new_id
from shared.words import TokenScope

router = APIRouter(tags=["accounts"])

Client = Annotated[str, StringConstraints(pattern=core.CLIENT_PATTERN)]
JobId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,100}$")]


class TokenWish(BaseModel):
    """What a token is for."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "laptop", "days": 30, "scopes": ["read"]}]}
    )

    #: So that one knows it again.
    name: Name
    days: int = Field(default=30, ge=1, le=365)
    #: What it may be used for, as far as the principal may. `read` reads; `start` starts, cancels and reruns
    #: runs; `upload` uploads documents; `approve` approves and corrects invoices; `administer` is for
    #: accounts, dead letters and rebuilds.
    scopes: frozenset[TokenScope] = Field(default=EVERY_SCOPE, min_length=1)
    #: Only for these jobs and their runs, and for nothing but jobs and runs.
    jobs: frozenset[JobId] | None = Field(default=None, min_length=1)
    #: Only for these clients.
    clients: frozenset[Client] | None = Field(default=None, min_length=1)


class WriteToken(TokenWish):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"principal": "ada", "name": "laptop", "days": 30}]}
    )

    principal: Annotated[str, StringConstraints(pattern=PRINCIPAL_PATTERN)]


class TokenView(BaseModel):
    """A token without its secret."""

    id: UUID
    principal: str
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    scopes: list[TokenScope]
    #: The only jobs and clients; None for all that the principal has.
    jobs: list[str] | None = None
    clients: list[str] | None = None

    @classmethod
    def of(cls, token: StoredToken) -> "TokenView":
        return cls(
            id=token.id,
            principal=token.principal,
            name=token.name,
            created_at=token.created_at,
            created_by=token.created_by,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            scopes=[scope for scope in TokenScope if scope in token.scopes],
            jobs=_sorted(token.jobs),
            clients=_sorted(token.clients),
        )


class IssuedToken(TokenView):
    #: Shown this once.
    token: str


class TokenList(BaseModel):
    items: list[TokenView]


@router.get("/tokens", summary="Tokens, newest first", responses=answers(403))
async def list_tokens(asking: MayAdminister, gateway: TheGateway) -> TokenList:
    await gateway.gate.operate(asking, "tokens")
    return TokenList(items=[TokenView.of(token) for token in await gateway.accounts.tokens()])


@router.post("/tokens", status_code=201, summary="Issue a token", responses=answers(403, 404, 409))
async def issue_token(body: WriteToken, asking: MayAdminister, gateway: TheGateway) -> IssuedToken:
    """The token is in this answer and nowhere else; only its hash is kept."""
    await gateway.gate.operate(asking, f"tokens of {body.principal}")
    return await issue(gateway, asking, body.principal, body)


@router.delete("/tokens/{token_id}", status_code=204, summary="Revoke a token", responses=answers(403, 404))
async def delete_token(token_id: UUID, asking: MayAdminister, gateway: TheGateway) -> None:
    """It opens nothing any more from this moment on. Revoking it again changes nothing."""
    await gateway.gate.operate(asking, f"token:{token_id}")
    await revoke(gateway, asking, token_id)


async def issue(gateway: Gateway, asking: Asker, principal: str, wish: TokenWish) -> IssuedToken:
    """Raises `principal_not_found`, `access_refused`, `job_not_found`, `client_not_found`."""
    token = new_token()
    stored = StoredToken(
        id=new_id(),
        principal=principal,
        name=wish.name,
        created_at=now(),
        created_by=asking.id,
        expires_at=now() + timedelta(days=wish.days),
        revoked_at=None,
        scopes=wish.scopes,
        jobs=wish.jobs,
        clients=wish.clients,
    )
    reason = _why_more_than_own(asking, stored)
    if reason is not None:
        await gateway.gate.refuse(asking, "tokens", reason)
    for job in sorted(wish.jobs or ()):
        await gateway.gate.job_to_see(asking, job)
    async with gateway.accounts.changing() as tx:
        owner = await lock_principal(tx, principal)
        if owner is None:
            raise TagwerkError(
                "principal_not_found",
                f"there is no principal {principal}",
                concern=principal,
                next_step=f"Make it first: `PUT /api/v1/principals/{principal}`.",
            )
        if asking.id != principal:
            await check_grant(gateway, asking, owner)
        for client in sorted(wish.clients or ()):
            if not owner.may_act_for(client):
                reason = f"{owner.id} does not act for client {client}"
                await gateway.gate.hide(asking, f"tokens of {owner.id}", client=client, reason=reason)
                raise core.client_not_found(client)
        await store_token(tx, stored, secret_hash(token))
        told = _told(stored)
        tx.audit(_entry("token_issued", asking, stored, None, told))
    return IssuedToken(**TokenView.of(stored).model_dump(), token=token)


async def revoke(gateway: Gateway, asking: Asker, token_id: UUID, *, only_of: str | None = None) -> None:
    """Raises `token_not_found`, also for a token of somebody else than `only_of`; `access_refused`."""
    async with gateway.accounts.changing() as tx:
        token = await lock_token(tx, token_id)
        if token is None or only_of not in (None, token.principal):
            if token is not None:
                await gateway.gate.hide(asking, f"token:{token_id}")
            raise TagwerkError(
                "token_not_found",
                f"there is no token {token_id}",
                concern=str(token_id),
                next_step="Look it up with `GET /api/v1/tokens`.",
            )
        if asking.id != token.principal:
            await check_grant(gateway, asking, await lock_principal(tx, token.principal))
        if token.revoked_at is None:
            await revoke_token(tx, token_id)
            told = _told(token)
            tx.audit(
                _entry("token_revoked", asking, token, {**told, "revoked": False}, {**told, "revoked": True})
            )


def _why_more_than_own(asking: Asker, token: StoredToken) -> str | None:
    """A token does not beget one that may do more."""
    if not asking.limited:
        return None
    more = [str(scope) for scope in TokenScope if scope in token.scopes - asking.scopes]
    if more:
        return f"your own token lacks the scope {' and '.join(more)}"
    if asking.jobs is not None and not (token.jobs is not None and token.jobs <= asking.jobs):
        return "your own token is for some jobs alone"
    if asking.only_clients is not None and not (
        token.clients is not None and token.clients <= asking.only_clients
    ):
        return "your own token is for some clients alone"
    return None


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _told(token: StoredToken) -> dict[str, Any]:
    return TokenView.of(token).model_dump(
        mode="json", include={"principal", "name", "expires_at", "scopes", "jobs", "clients"}
    )


def _entry(
    action: str,
    asking: Principal,
    token: StoredToken,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> AuditEntry:
    return AuditEntry(
        action=action, principal=asking.id, concern=f"token:{token.id}", before=before, after=after
    )
