"""Which messages came before: the table `received`."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import asyncpg

from services.mqtt_bridge.batches import Batches
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


@dataclass(frozen=True, slots=True)
class _Message:
    """One that asks to be known."""

    identity: Identity
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Done:
    """One that has been done."""

    identity: Identity
    first: int
    answer: Answer


# All of one batch have one window, and no two the same identity.
_CLAIM = """
insert into received as known (topic, fingerprint, sequence, payload_sha256, received_at)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[])
on conflict (topic, fingerprint) do update set (sequence, answer, received_at) = (
    select sequence, answer, received_at from (values
        (excluded.sequence, null, excluded.received_at, true),
        (known.sequence, known.answer, known.received_at, false)
    ) as either (sequence, answer, received_at, anew)
    where anew = coalesce(excluded.received_at - known.received_at > $6::interval, false)
)
returning topic, fingerprint, sequence, payload_sha256, received_at, answer
"""

# Without waiting for the disk: an answer that is lost with the power is given again, of the same run.
_REMEMBER = """
with quick as (select set_config('synchronous_commit', 'off', true))
update received set answer = done.answer
from quick, unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) as
    done (topic, fingerprint, sequence, answer)
where received.topic = done.topic and received.fingerprint = done.fingerprint
    and received.sequence = done.sequence
"""


class Received:
    """Which messages came before. Messages that are in hand at once share their statements."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._claims = Batches(self._claim_all, identity=lambda one: _key(one.identity))
        self._answers = Batches(self._remember_all, identity=lambda one: _key(one.identity))

    async def claim(self, identity: Identity, sequence: int, at: datetime) -> Claim:
        """Be known, or learn who came first. The same message again, delivered or replayed, learns the same.

        Raises `idempotency_conflict` for another payload under the same value of the rule's field.
        """
        row = await self._claims(_Message(identity, sequence, at))
        if identity.window is not None and row["received_at"] - at > identity.window:
            # It comes late, after newer ones that are others. Its own sequence tells it apart for good.
            return Claim(sequence, None)
        if row["payload_sha256"] != identity.payload_sha256:
            raise TagwerkError(
                "idempotency_conflict",
                f"a message with {identity.fingerprint} came before on {identity.topic},"
                " with another payload",
                concern=identity.topic,
                next_step="Give a new message a new value, or send the same payload again.",
            )
        answer = None if row["answer"] is None else Answer.model_validate_json(row["answer"])
        return Claim(row["sequence"], answer)

    async def remember_answer(self, identity: Identity, first: int, answer: Answer) -> None:
        """From here on the same message is answered with this."""
        await self._answers(_Done(identity, first, answer))

    async def _claim_all(self, messages: Sequence[_Message]) -> Sequence[asyncpg.Record]:
        rows: dict[Hashable, asyncpg.Record] = {}
        for window, same in groupby(sorted(messages, key=_window), key=_window):
            asked = [(one.identity, one.sequence, one.at) for one in same]
            identities, sequences, times = zip(*asked, strict=True)
            for row in await self._pool.fetch(
                _CLAIM,
                [one.topic for one in identities],
                [one.fingerprint for one in identities],
                sequences,
                [one.payload_sha256 for one in identities],
                times,
                window or None,
            ):
                rows[row["topic"], row["fingerprint"]] = row
        return [rows[_key(one.identity)] for one in messages]

    async def _remember_all(self, done: Sequence[_Done]) -> Sequence[None]:
        await self._pool.execute(
            _REMEMBER,
            [one.identity.topic for one in done],
            [one.identity.fingerprint for one in done],
            [one.first for one in done],
            [one.answer.model_dump_json() for one in done],
        )
        return [None] * len(done)


def _key(identity: Identity) -> Hashable:
    return identity.topic, identity.fingerprint


def _window(message: _Message) -> timedelta:
    """Zero: for good."""
    return message.identity.window or timedelta()
