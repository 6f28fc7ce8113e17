"""Principals and their tokens, for technical administrators; every change is audited."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway import core
from services.gateway.context import Asking, Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.principals import publish_principals
from services.gateway.problems import answers
from services.gateway.sign_in import new_token, token_hash
from services.gateway.store import StoredToken, lock_principal, lock_token, revoke_token, write_principal
from services.gateway.store import write_token as store_token
from shared.access import Principal
from shared.audit import AuditEntry
from shared.errors import TagwerkError
from shared.events import now
from shared.ids import new_id
from shared.words import PrincipalKind

router = APIRouter(tags=["accounts"])

PRINCIPAL_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
PrincipalId = Annotated[str, Path(pattern=PRINCIPAL_PATTERN)]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Client = Annotated[str, StringConstraints(pattern=rf"^\*$|{core.CLIENT_PATTERN}")]


Name = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class PrincipalList(BaseModel):
    items: list[Principal]


class WritePrincipal(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Ada Accountant", "roles": ["accounting"], "clients": ["muster-ag"]}]
        },
    )

    name: Name
    kind: PrincipalKind = PrincipalKind.USER
    roles: frozenset[Role] = frozenset()
    #: `*` for every client.
    clients: frozenset[Client] = frozenset()
    active: bool = True


class WriteToken(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"principal": "ada", "name": "laptop", "days": 30}]}
    )

    principal: Annotated[str, StringConstraints(pattern=PRINCIPAL_PATTERN)]
    #: What it is for, so that one knows it again.
    name: Name
    days: int = Field(default=30, ge=1, le=365)


class TokenView(BaseModel):
    """A token without its secret."""

    id: UUID
    principal: str
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None

    @classmethod
    def of(cls, token: StoredToken) -> "TokenView":
        return cls.model_validate(token, from_attributes=True)


class IssuedToken(TokenView):
    #: Shown this once.
    token: str


class TokenList(BaseModel):
    items: list[TokenView]


@router.get("/principals", summary="Users, service users and MQTT clients", responses=answers(403))
async def list_principals(asking: Asking, gateway: TheGateway) -> PrincipalList:
    await gateway.gate.operate(asking, "principals")
    return PrincipalList(items=await gateway.accounts.principals())


@router.put("/principals/{principal_id}", summary="Make or change a principal", responses=answers(403, 409))
async def put_principal(
    principal_id: PrincipalId, body: WritePrincipal, asking: Asking, gateway: TheGateway
) -> Principal:
    """It is told to every service before the answer; services look again within a second."""
    await gateway.gate.operate(asking, f"principal:{principal_id}")
    if principal_id == gateway.sign_in.managed:
        raise TagwerkError(
            "principal_managed",
            f"{principal_id} is the administrator of whoever owns this machine",
            concern=principal_id,
            next_step="Make another principal for other roles.",
        )
    after = Principal(id=principal_id, **body.model_dump())
    async with gateway.accounts.changing() as tx:
        before = await lock_principal(tx, principal_id)
        await _check_grant(gateway, asking, before, after)
        if before != after:
            await write_principal(tx, after, by=asking.id)
            tx.audit(
                AuditEntry(
                    action="principal_changed",
                    principal=asking.id,
                    concern=f"principal:{principal_id}",
                    before=None if before is None else _told(before),
                    after=_told(after),
                )
            )
    await publish_principals(gateway.accounts, gateway.principals)
    return after


@router.get("/tokens", summary="Tokens, newest first", responses=answers(403))
async def list_tokens(asking: Asking, gateway: TheGateway) -> TokenList:
    await gateway.gate.operate(asking, "tokens")
    return TokenList(items=[TokenView.of(token) for token in await gateway.accounts.tokens()])


@router.post("/tokens", status_code=201, summary="Issue a token", responses=answers(403, 404, 409))
async def issue_token(body: WriteToken, asking: Asking, gateway: TheGateway) -> IssuedToken:
    """The token is in this answer and nowhere else; only its hash is kept."""
    await gateway.gate.operate(asking, f"tokens of {body.principal}")
    token = new_token()
    stored = StoredToken(
        id=new_id(),
        principal=body.principal,
        name=body.name,
        created_at=now(),
        created_by=asking.id,
        expires_at=now() + timedelta(days=body.days),
        revoked_at=None,
    )
    async with gateway.accounts.changing() as tx:
        owner = await lock_principal(tx, body.principal)
        if owner is None:
            raise TagwerkError(
                "principal_not_found",
                f"there is no principal {body.principal}",
                concern=body.principal,
                next_step=f"Make it first: `PUT /api/v1/principals/{body.principal}`.",
            )
        await _check_grant(gateway, asking, owner)
        await store_token(tx, stored, token_hash(token))
        tx.audit(_token_entry("token_issued", asking, stored))
    return IssuedToken(**TokenView.of(stored).model_dump(), token=token)


@router.delete("/tokens/{token_id}", status_code=204, summary="Revoke a token", responses=answers(403, 404))
async def delete_token(token_id: UUID, asking: Asking, gateway: TheGateway) -> None:
    """It opens nothing any more from this moment on. Revoking it again changes nothing."""
    await gateway.gate.operate(asking, f"token:{token_id}")
    async with gateway.accounts.changing() as tx:
        token = await lock_token(tx, token_id)
        if token is None:
            raise TagwerkError(
                "token_not_found",
                f"there is no token {token_id}",
                concern=str(token_id),
                next_step="Look it up with `GET /api/v1/tokens`.",
            )
        await _check_grant(gateway, asking, await lock_principal(tx, token.principal))
        if token.revoked_at is None:
            await revoke_token(tx, token_id)
            tx.audit(_token_entry("token_revoked", asking, token))


async def _check_grant(gateway: Gateway, asking: Principal, *accounts: Principal | None) -> None:
    reason = core.why_not_grant(asking, *accounts)
    if reason is not None:
        await gateway.gate.refuse(asking, "accounts", reason)


def _told(principal: Principal) -> dict[str, object]:
    told = principal.model_dump(mode="json")
    return told | {"roles": sorted(principal.roles), "clients": sorted(principal.clients)}


def _token_entry(action: str, asking: Principal, token: StoredToken) -> AuditEntry:
    return AuditEntry(
        action=action,
        principal=asking.id,
        concern=f"token:{token.id}",
        after=TokenView.of(token).model_dump(mode="json", include={"principal", "name", "expires_at"}),
    )
