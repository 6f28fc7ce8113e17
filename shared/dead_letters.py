"""Dead letters: a message that could not be handled, kept with its reason, to be listed and replayed.

A dead letter is published and acknowledged before the message is terminated, so a kill in between leaves
two of them rather than none; the id names the message, so within the server's window it is one.
"""

from datetime import datetime

import structlog
from nats.js.errors import NotFoundError
from pydantic import BaseModel, ConfigDict

from shared import subjects
from shared.bus import Bus
from shared.errors import Failure, TagwerkError
from shared.events import now
from shared.metrics.definitions import DEAD_LETTERS
from shared.pull import Delivery

log = structlog.get_logger(__name__)


#: Bytes of a payload that fits into a message twice over, with the rest of the letter.
LARGEST_IN_HEX = 400_000


class DeadLetter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    reason: Failure
    #: Which durable could not handle it.
    durable: str
    stream: str
    subject: str
    #: Sequence in `stream`.
    sequence: int
    time: datetime
    #: The payload as text; bytes that are no UTF-8 as `\\xNN`.
    payload: str
    #: The payload in hex, so that a replay is exact. Empty for one that does not fit into a message that way;
    #: a replay reads it where it still lies.
    payload_hex: str


class KeptDeadLetter(DeadLetter):
    #: Sequence in DEAD: what a replay names.
    id: int


async def bury(
    bus: Bus, *, durable: str, stream: str, subject: str, sequence: int, data: bytes, reason: Failure
) -> None:
    """Keep a message that cannot be handled. Returns when it is stored; only then terminate it."""
    letter = DeadLetter(
        reason=reason,
        durable=durable,
        stream=stream,
        subject=subject,
        sequence=sequence,
        time=now(),
        payload=data[:4000].decode("utf-8", "backslashreplace"),
        payload_hex=data.hex() if len(data) <= LARGEST_IN_HEX else "",
    )
    await bus.publish(
        subjects.dead(durable),
        letter.model_dump_json().encode(),
        msg_id=f"dead:{durable}:{stream}:{sequence}",
    )
    DEAD_LETTERS.labels(durable).inc()


async def bury_delivery(bus: Bus, stream: str, delivery: Delivery, reason: Failure) -> None:
    """Keep a delivered message of `stream` that cannot be handled, then terminate it."""
    await bury(
        bus,
        durable=delivery.durable,
        stream=stream,
        subject=delivery.subject,
        sequence=delivery.sequence,
        data=delivery.data,
        reason=reason,
    )
    log.error(
        "a message went to the dead letters", subject=delivery.subject, code=reason.code, cause=reason.cause
    )
    await delivery.term()


def subject_unreadable(delivery: Delivery, error: ValueError) -> Failure:
    """The reason for a message on a subject of `RUNS` that names no run."""
    return Failure(
        code="subject_unreadable",
        cause=str(error),
        concern=delivery.subject,
        next_step="Correct whoever published it; nothing of Tagwerk publishes on such a subject.",
    )


async def list_dead_letters(bus: Bus, *, limit: int = 200) -> list[KeptDeadLetter]:
    """The dead letters, newest first, at most `limit`."""
    found = await bus.read(subjects.DEAD, "dead.>")
    return [_kept(message.sequence, message.data) for message in reversed(found[-limit:])]


async def read_dead_letter(bus: Bus, id: int) -> KeptDeadLetter:
    """Raises `dead_letter_not_found`."""
    try:
        message = await bus.js.get_msg(subjects.DEAD, id)
    except NotFoundError as error:
        raise dead_letter_not_found(id) from error
    return _kept(id, message.data or b"")


def dead_letter_not_found(id: int) -> TagwerkError:
    return TagwerkError(
        "dead_letter_not_found",
        f"there is no dead letter {id}",
        concern=str(id),
        next_step="List the dead letters: it may have been replayed already.",
    )


def check_replayable(letter: KeptDeadLetter) -> None:
    """Raises `dead_letter_in_history` for an event of a run that the projection could not decode."""
    if letter.durable == subjects.PROJECTOR:
        raise TagwerkError(
            "dead_letter_in_history",
            f"this is event {letter.sequence} of {letter.stream}, where it still has its place;"
            " published again it would stand there twice",
            concern=letter.subject,
            next_step="Correct whoever published it. What a newer version of Tagwerk can read is read by a"
            " rebuild of the projection (`tagwerk rebuild`).",
        )


async def replay(bus: Bus, id: int) -> KeptDeadLetter:
    """Publish the message again where it came from, then remove the dead letter.

    A kill in between replays it a second time, which every handler must bear anyway. Raises
    `dead_letter_not_found`, `dead_letter_in_history`, and `dead_letter_payload_gone` for a large one that is
    past its stream's age.
    """
    letter = await read_dead_letter(bus, id)
    check_replayable(letter)
    payload = bytes.fromhex(letter.payload_hex) or await _original(bus, letter)
    await bus.publish(letter.subject, payload, msg_id=f"replay:{id}")
    await bus.js.delete_msg(subjects.DEAD, id)
    return letter


async def _original(bus: Bus, letter: KeptDeadLetter) -> bytes:
    try:
        message = await bus.js.get_msg(letter.stream, letter.sequence)
    except NotFoundError as error:
        raise TagwerkError(
            "dead_letter_payload_gone",
            f"message {letter.sequence} of {letter.stream} was too large for the letter and is gone by now",
            concern=str(letter.id),
            next_step="Have it sent again by whoever published it.",
        ) from error
    return message.data or b""


def _kept(id: int, data: bytes) -> KeptDeadLetter:
    return KeptDeadLetter(id=id, **DeadLetter.model_validate_json(data).model_dump())
