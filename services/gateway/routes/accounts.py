"""Principals, for technical administrators; every change is audited."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.gateway import core
from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.sessions import end_sessions
from services.gateway.principals import publish_principals
from services.gateway.problems import answers
from services.gateway.store import is_openid, lock_principal, write_principal
from shared.access import Principal
from shared.audit import AuditEntry
from shared.errors import TagwerkError
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


@router.get("/principals", summary="Users, service users and MQTT clients", responses=answers(403))
async def list_principals(asking: MayAdminister, gateway: TheGateway) -> PrincipalList:
    await gateway.gate.operate(asking, "principals")
    return PrincipalList(items=await gateway.accounts.principals())


@router.put("/principals/{principal_id}", summary="Make or change a principal", responses=answers(403, 409))
async def put_principal(
    principal_id: PrincipalId, body: WritePrincipal, asking: MayAdminister, gateway: TheGateway
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
        await check_grant(gateway, asking, before, after)
        if before != after:
            if before is not None and await is_openid(tx, principal_id):
                _refuse_openid(before, after)
            await write_principal(tx, after, by=asking.id)
            if not after.active:
                await end_sessions(tx, principal_id, by=asking.id, reason="deactivated")
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


async def check_grant(gateway: Gateway, asking: Principal, *accounts: Principal | None) -> None:
    """Raises `access_refused`: nobody gives what they do not have."""
    effective = [account and gateway.accounts.effective(account) for account in accounts]
    reason = core.why_not_grant(asking, *effective)
    if reason is not None:
        await gateway.gate.refuse(asking, "accounts", reason)


def _refuse_openid(before: Principal, after: Principal) -> None:
    """Who signs in at an identity provider gets roles and clients from there."""
    if (before.roles, before.clients) != (after.roles, after.clients):
        raise TagwerkError(
            "principal_managed",
            f"roles and clients of {before.id} come from the identity provider",
            concern=before.id,
            next_step="Change the groups there, or what they mean in the policy file. Here the account can "
            "be deactivated.",
        )


def _told(principal: Principal) -> dict[str, object]:
    told = principal.model_dump(mode="json")
    return told | {"roles": sorted(principal.roles), "clients": sorted(principal.clients)}
