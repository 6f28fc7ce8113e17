"""Passwords and sessions of others, for technical administrators."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.identity.asker import Asker
from services.gateway.identity.sessions import end_sessions
from services.gateway.problems import answers
from services.gateway.routes.accounts import PrincipalId, check_grant
from shared.access import Principal
from shared.errors import TagwerkError

router = APIRouter(tags=["accounts"])


class SetPassword(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"password": "four words that say nothing"}]}
    )

    password: SecretStr = Field(max_length=1000)
    #: They choose one of their own when they sign in with it.
    must_change: bool = True


@router.put(
    "/principals/{principal_id}/password",
    status_code=204,
    summary="Set the password of a person",
    responses=answers(403, 404),
)
async def set_password(
    principal_id: PrincipalId, body: SetPassword, asking: MayAdminister, gateway: TheGateway
) -> None:
    """Their sessions end, and a lock after failed sign-ins too."""
    principal = await _account(gateway, asking, principal_id)
    if asking.limited:
        reason = "a limited token sets no passwords, which have no limits"
        await gateway.gate.refuse(asking, f"principal:{principal_id}", reason)
    password = body.password.get_secret_value()
    await gateway.local.set(principal, password, by=asking.id, must_change=body.must_change)


@router.delete(
    "/principals/{principal_id}/sessions",
    status_code=204,
    summary="End every session of a person",
    responses=answers(403, 404),
)
async def end_sessions_of(principal_id: PrincipalId, asking: MayAdminister, gateway: TheGateway) -> None:
    await _account(gateway, asking, principal_id)
    async with gateway.accounts.changing() as tx:
        await end_sessions(tx, principal_id, by=asking.id, reason="ended by an administrator")


async def _account(gateway: Gateway, asking: Asker, id: str) -> Principal:
    """Raises `access_refused`, `principal_not_found`."""
    principal = await account_to_read(gateway, asking, id)
    await check_grant(gateway, asking, principal)
    return principal


async def account_to_read(gateway: Gateway, asking: Asker, id: str) -> Principal:
    """Raises `access_refused`, `principal_not_found`."""
    await gateway.gate.operate(asking, f"principal:{id}")
    principal = await gateway.accounts.principal(id)
    if principal is None:
        raise TagwerkError(
            "principal_not_found",
            f"there is no principal {id}",
            concern=id,
            next_step="Look it up with `GET /api/v1/principals`.",
        )
    return principal
