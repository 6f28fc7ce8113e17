"""Dead letters: messages that could not be handled, and their replay."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.gateway import core
from services.gateway.context import Gateway, MayAdminister, TheGateway
from services.gateway.problems import answers
from shared.access import EVERY_CLIENT, Principal
from shared.audit import AuditEntry, audit
from shared.dead_letters import (
    KeptDeadLetter,
    check_replayable,
    dead_letter_not_found,
    list_dead_letters,
    read_dead_letter,
    replay,
)

router = APIRouter(tags=["platform"])


LetterId = Annotated[int, Path(ge=1, lt=2**63)]


class DeadLetterList(BaseModel):
    items: list[KeptDeadLetter]


@router.get("/dead-letters", summary="Dead letters, newest first", responses=answers(403))
async def read_dead_letters(
    asking: MayAdminister, gateway: TheGateway, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> DeadLetterList:
    """Who does not act for every client sees those that name one of theirs."""
    await gateway.gate.operate(asking, "dead letters")
    letters = await list_dead_letters(gateway.bus, limit=limit)
    return DeadLetterList(items=[letter for letter in letters if _may_see(asking, letter)])


@router.post(
    "/dead-letters/{letter_id}/replay", summary="Publish a message again", responses=answers(403, 404, 409)
)
async def replay_dead_letter(
    letter_id: LetterId, asking: MayAdminister, gateway: TheGateway
) -> KeptDeadLetter:
    check_replayable(await dead_letter_to_see(gateway, asking, letter_id))
    # Told first: a kill in between leaves an entry of a replay that did not happen, never the reverse.
    entry = AuditEntry(action="dead_letter_replayed", principal=asking.id, concern=f"dead letter {letter_id}")
    await audit(gateway.bus, entry)
    return await replay(gateway.bus, letter_id)


async def dead_letter_to_see(gateway: Gateway, asking: Principal, id: int) -> KeptDeadLetter:
    """Raises `access_refused`, `dead_letter_not_found`."""
    await gateway.gate.operate(asking, f"dead letter {id}")
    letter = await read_dead_letter(gateway.bus, id)
    if not _may_see(asking, letter):
        client = core.client_of_payload(letter.payload_hex)
        await gateway.gate.hide(asking, f"dead letter {id}", client=client)
        raise dead_letter_not_found(id)
    return letter


def _may_see(asking: Principal, letter: KeptDeadLetter) -> bool:
    if EVERY_CLIENT in asking.clients:
        return True
    client = core.client_of_payload(letter.payload_hex)
    return client is not None and asking.may_act_for(client)
