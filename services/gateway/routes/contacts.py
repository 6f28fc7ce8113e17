"""How persons are reached, and who stands in for them; for technical administrators, every change audited."""

from fastapi import APIRouter
from pydantic import ConfigDict

from services.gateway.contacts import contact_of, write_contact
from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.problems import WrongField, answers, wrong_fields
from services.gateway.routes.accounts import PrincipalId, check_grant
from services.gateway.routes.passwords import account_to_read
from services.gateway.store import lock_principal
from shared.access import Principal
from shared.audit import AuditEntry
from shared.commands import Contact
from shared.errors import TagwerkError
from shared.words import PrincipalKind

router = APIRouter(tags=["accounts"])


class WriteContact(Contact):
    """All of it: what is left out is nothing afterwards."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@example.com",
                    "language": "de",
                    "absent_from": "2026-12-21",
                    "absent_until": "2027-01-04",
                    "substitute": "ben",
                }
            ]
        },
    )


@router.get(
    "/principals/{principal_id}/contact", summary="How a person is reached", responses=answers(403, 404)
)
async def read_contact(principal_id: PrincipalId, asking: MayAdminister, gateway: TheGateway) -> Contact:
    """For those who may change it."""
    await check_grant(gateway, asking, await account_to_read(gateway, asking, principal_id))
    return await contact_of(gateway.pool, principal_id)


@router.put(
    "/principals/{principal_id}/contact",
    summary="Say how a person is reached, and who stands in while they are away",
    responses=answers(403, 404, 409),
)
async def put_contact(
    principal_id: PrincipalId, body: WriteContact, asking: MayAdminister, gateway: TheGateway
) -> Contact:
    """Reminders go there. While the person is away, they go to the substitute."""
    principal = await account_to_read(gateway, asking, principal_id)
    await check_grant(gateway, asking, principal)
    after = Contact(**body.model_dump())
    _expect_person(principal)
    _check_absence(after)
    await _check_substitute(gateway, principal, after.substitute)
    async with gateway.accounts.changing() as tx:
        await lock_principal(tx, principal_id)
        before = await contact_of(tx.connection, principal_id)
        if before == after:
            return after
        await write_contact(tx, principal_id, after, by=asking.id)
        tx.audit(
            AuditEntry(
                action="contact_changed",
                principal=asking.id,
                concern=f"principal:{principal_id}",
                before=_told(before),
                after=_told(after) | {"email_changed": before.email != after.email},
            )
        )
    return after


def _told(contact: Contact) -> dict[str, object]:
    """Without the address, which the audit would keep for years."""
    return contact.model_dump(mode="json", exclude={"email"})


def _expect_person(principal: Principal) -> None:
    if principal.kind is not PrincipalKind.USER:
        raise TagwerkError(
            "contact_not_for_kind",
            f"{principal.id} is no person, and reads no mail",
            concern=principal.id,
            next_step="Reminders are for persons: give the role to one of them.",
        )


def _check_absence(contact: Contact) -> None:
    """Raises `absence_invalid`."""
    first, last = contact.absent_from, contact.absent_until
    if (first is None) != (last is None):
        field = "absent_from" if first is None else "absent_until"
        raise wrong_fields(
            "absence_invalid", [WrongField(field=field, message="an absence has a first and a last day")]
        )
    if first is not None and last is not None and last < first:
        raise wrong_fields(
            "absence_invalid", [WrongField(field="absent_until", message="it is before the first day")]
        )


async def _check_substitute(gateway: Gateway, principal: Principal, substitute: str | None) -> None:
    """Raises `substitute_unfit`. That they still may when the time comes is looked at then."""
    if substitute is None:
        return
    other = await gateway.accounts.principal(substitute)
    if substitute == principal.id:
        why = "nobody stands in for themselves"
    elif other is None:
        why = f"there is no principal {substitute}"
    elif other.kind is not PrincipalKind.USER or not other.active:
        why = f"{substitute} is no active person"
    else:
        return
    raise wrong_fields("substitute_unfit", [WrongField(field="substitute", message=why)])
