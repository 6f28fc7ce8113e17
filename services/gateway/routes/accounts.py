"""Principals, for technical administrators; every change is audited."""

import re
from difflib import get_close_matches
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from services.gateway import core
from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.identity.sessions import end_sessions
from services.gateway.principals import publish_principals
from services.gateway.problems import ProblemError, WrongField, answers, wrong_fields
from services.gateway.store import is_openid, lock_principal, write_principal
from shared.access import Principal
from shared.audit import AuditEntry
from shared.errors import Failure, TagwerkError
from shared.outbox import Transaction
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


class NewPrincipal(WritePrincipal):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "ada", "name": "Ada Accountant", "roles": ["accounting"]}]}
    )

    id: Annotated[str, StringConstraints(pattern=PRINCIPAL_PATTERN)]
    #: Of a person, who chooses another one when they sign in with it.
    password: SecretStr | None = Field(default=None, max_length=1000)


@router.get("/principals", summary="Users, service users and MQTT clients", responses=answers(403))
async def list_principals(asking: MayAdminister, gateway: TheGateway) -> PrincipalList:
    await gateway.gate.operate(asking, "principals")
    return PrincipalList(items=await gateway.accounts.principals())


@router.put("/principals/{principal_id}", summary="Make or change a principal", responses=answers(403, 409))
async def put_principal(
    principal_id: str, body: WritePrincipal, asking: MayAdminister, gateway: TheGateway
) -> Principal:
    """It is told to every service before the answer; services look again within a second."""
    await gateway.gate.operate(asking, f"principal:{principal_id}"[:200])
    if re.fullmatch(PRINCIPAL_PATTERN, principal_id) is None:
        # Somebody may just be making it: what cannot be an id is told as such.
        message = f"must consist of lower-case letters, digits, dots and dashes ({PRINCIPAL_PATTERN})"
        raise wrong_fields("request_invalid", [WrongField(field="principal_id", message=message)])
    after = Principal(id=principal_id, **body.model_dump())
    async with gateway.accounts.changing() as tx:
        await _write(gateway, asking, tx, after)
    await publish_principals(gateway.accounts, gateway.principals)
    return after


@router.post(
    "/principals", status_code=201, summary="Make a principal, never change one", responses=answers(403, 409)
)
async def make_principal(body: NewPrincipal, asking: MayAdminister, gateway: TheGateway) -> Principal:
    """With a first password, or without. All of it is there afterwards, or nothing."""
    await gateway.gate.operate(asking, f"principal:{body.id}")
    made = Principal(**body.model_dump(exclude={"password"}))
    hash = None
    if body.password is not None:
        await refuse_limited(gateway, asking, body.id)
        hash = await gateway.local.hash_for(made, body.password.get_secret_value())
    async with gateway.accounts.changing() as tx:
        if await lock_principal(tx, body.id) is not None:
            raise TagwerkError(
                "principal_exists",
                f"there is a principal {body.id} already",
                concern=body.id,
                next_step="Choose another id, or change the one that is there.",
            )
        await _write(gateway, asking, tx, made)
        if hash is not None:
            await gateway.local.write(tx, made, hash, by=asking.id, must_change=True)
    await publish_principals(gateway.accounts, gateway.principals)
    return made


async def _write(gateway: Gateway, asking: Asker, tx: Transaction, after: Principal) -> None:
    """Raises `principal_managed`, `access_refused`, `role_unknown`."""
    if after.id == gateway.sign_in.managed:
        raise TagwerkError(
            "principal_managed",
            f"{after.id} is the administrator of whoever owns this machine",
            concern=after.id,
            next_step="Make another principal for other roles.",
        )
    before = await lock_principal(tx, after.id)
    await check_grant(gateway, asking, before, after)
    await _check_roles(gateway, after.roles - (before.roles if before is not None else set()))
    if before == after:
        return
    if before is not None and await is_openid(tx, after.id):
        _refuse_openid(before, after)
    await write_principal(tx, after, by=asking.id)
    if not after.active:
        await end_sessions(tx, after.id, by=asking.id, reason="deactivated")
    tx.audit(
        AuditEntry(
            action="principal_changed",
            principal=asking.id,
            concern=f"principal:{after.id}",
            before=None if before is None else _told(before),
            after=_told(after) | _renamed(before, after),
        )
    )


async def _check_roles(gateway: Gateway, given: frozenset[str]) -> None:
    """Raises `role_unknown`. Only for roles that are new: one whose job has gone may stay, and go."""
    jobs = await gateway.gate.jobs()
    unknown = gateway.accounts.policy.unknown_of(given, jobs)
    if not unknown:
        return
    known = sorted(gateway.accounts.policy.known(jobs))
    wrong = [
        WrongField(
            field="roles",
            message=f"there is no role {role}; known are {', '.join(known)}",
            suggestion=next(iter(get_close_matches(role, known, 1)), None),
        )
        for role in unknown
    ]
    failure = Failure(
        code="role_unknown",
        cause=f"no job asks for the role {' or '.join(unknown)}, and the policy file does not name it; "
        f"known are {', '.join(known)}",
        concern=", ".join(unknown),
        next_step="Take one of those; a role that only rules of approval know is named in the policy file.",
    )
    raise ProblemError(failure, errors=wrong)


async def refuse_limited(gateway: Gateway, asking: Asker, id: str) -> None:
    """Raises `access_refused` for a token that leaves out anything."""
    if asking.limited:
        reason = "a limited token sets no passwords, which have no limits"
        await gateway.gate.refuse(asking, f"principal:{id}", reason)


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
    """Without the person's name, which the audit would keep for years."""
    told = principal.model_dump(mode="json", exclude={"name"})
    return told | {"roles": sorted(principal.roles), "clients": sorted(principal.clients)}


def _renamed(before: Principal | None, after: Principal) -> dict[str, object]:
    return {"renamed": True} if before is not None and before.name != after.name else {}
