"""Which messages came before: the table `received`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.mqtt_bridge.core import Identity
from services.mqtt_bridge.messages import Answer
from shared.database import Pool
from shared.errors import TagwerkError


@dataclass(frozen=True, slots=True)
class Claim:
    """A message among those that are the same."""

    #: Sequence in INGRESS of the first of them.
    first: int
    #: What that was answered, if it was done.
    answer: Answer | None


_CLAIM = """
insert into received as known (topic, fingerprint, sequence, payload_sha256, received_at)
values ($1, $2, $3, $4, $5)
on conflict (topic, fingerprint) do update set (sequence, answer, received_at) = (
    select sequence, answer, received_at from (values
        (excluded.sequence, null, excluded.received_at, true),
        (known.sequence, known.answer, known.received_at, false)
    ) as either (sequence, answer, received_at, anew)
    where anew = coalesce(excluded.received_at - known.received_at > $6::interval, false)
)
returning sequence, payload_sha256, received_at, answer
"""


async def claim(pool: Pool, identity: Identity, sequence: int, at: datetime) -> Claim:
    """Be known, or learn who came first. The same message again, delivered or replayed, learns the same.

    Raises `idempotency_conflict` for another payload under the same value of the rule's field.
    """
    window = None if identity.minutes is None else timedelta(minutes=identity.minutes)
    row = await pool.fetchrow(
        _CLAIM, identity.topic, identity.fingerprint, sequence, identity.payload_sha256, at, window
    )
    assert row is not None, "the statement returns what is there"
    if window is not None and row["received_at"] - at > window:
        # It comes late, after newer ones that are others. Its own sequence tells it apart for good.
        return Claim(sequence, None)
    if row["payload_sha256"] != identity.payload_sha256:
        raise TagwerkError(
            "idempotency_conflict",
            f"a message with {identity.fingerprint} came before on {identity.topic}, with another payload",
            concern=identity.topic,
            next_step="Give a new message a new value, or send the same payload again.",
        )
    answer = None if row["answer"] is None else Answer.model_validate_json(row["answer"])
    return Claim(row["sequence"], answer)


async def remember_answer(pool: Pool, identity: Identity, first: int, answer: Answer) -> None:
    """From here on the same message is answered with this."""
    await pool.execute(
        "update received set answer = $4 where topic = $1 and fingerprint = $2 and sequence = $3",
        identity.topic,
        identity.fingerprint,
        first,
        answer.model_dump_json(),
    )
