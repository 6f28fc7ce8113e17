"""Passwords and sessions of others, for technical administrators."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.identity import credentials
from services.gateway.identity.asker import Asker
from services.gateway.identity.sessions import end_session, end_sessions
from services.gateway.problems import answers
from services.gateway.routes.accounts import PrincipalId, check_grant, refuse_limited
from services.gateway.routes.my_account import SessionList, SessionView, session_not_found
from shared.access import Principal
from shared.audit import AuditEntry
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
    """Their sessions end, and a wait after failed sign-ins too."""
    principal = await _account(gateway, asking, principal_id)
    await refuse_limited(gateway, asking, principal_id)
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


@router.get(
    "/principals/{principal_id}/sessions", summary="Sessions of a person", responses=answers(403, 404)
)
async def list_sessions_of(
    principal_id: PrincipalId, asking: MayAdminister, gateway: TheGateway
) -> SessionList:
    """Newest first. For those who may end them."""
    await _account(gateway, asking, principal_id)
    return SessionList(items=[SessionView.of(one) for one in await gateway.sessions.of(principal_id)])


@router.delete(
    "/principals/{principal_id}/sessions/{session_id}",
    status_code=204,
    summary="End one session of a person",
    responses=answers(403, 404),
)
async def end_session_of(
    principal_id: PrincipalId, session_id: UUID, asking: MayAdminister, gateway: TheGateway
) -> None:
    await _account(gateway, asking, principal_id)
    async with gateway.accounts.changing() as tx:
        if not await end_session(tx, principal_id, session_id, by=asking.id, action="session_ended"):
            raise session_not_found(principal_id, session_id)


@router.post(
    "/principals/{principal_id}/unlock",
    status_code=204,
    summary="End the wait after failed sign-ins",
    responses=answers(403, 404),
)
async def unlock_account(principal_id: PrincipalId, asking: MayAdminister, gateway: TheGateway) -> None:
    """The password stays. Nothing happens where nobody has to wait."""
    await _account(gateway, asking, principal_id)
    async with gateway.accounts.changing() as tx:
        wait = await credentials.wait_of(tx.connection, principal_id)
        await credentials.unlock(tx, principal_id)
        if wait is not None:
            tx.audit(
                AuditEntry(
                    action="account_unlocked",
                    principal=asking.id,
                    concern=f"principal:{principal_id}",
                    before={"failures": wait.failures, "waits_until": wait.until.isoformat()},
                    after={"failures": 0, "waits_until": None},
                )
            )


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
