"""Sends messages: each attempt is written down before and after.

What a process that died left in the middle goes out again where the receiver knows it by its id (a webhook),
and is in doubt where not (a mail): that is said, and it is not sent again. Each destination has a task of its
own, so one that is dead holds up no other.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.reporting.alerts.content import Content
from services.reporting.alerts.ways import Message, Ways, passing
from shared.audit import AuditEntry
from shared.database import Pool
from shared.errors import NotDone, TagwerkError
from shared.events import now
from shared.outbox import Outbox, Relay
from shared.words import TellingState

log = structlog.get_logger(__name__)

#: Seconds before each further attempt; after the last one it has failed. A bit less than two days in all.
WAITS: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 43_200)

#: Seconds that a stop leaves to what is being sent.
GRACE: Final = 5.0

#: Why nobody knows, after a crash.
BROKE_OFF: Final = "the service ended while it was being sent; look for its Message-ID at the mail server"


class Sending:
    def __init__(
        self,
        pool: Pool,
        relay: Relay,
        ways: Ways,
        *,
        waits: Sequence[float] | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._pool = pool
        self._relay = relay
        self._ways = ways
        self._waits = WAITS if waits is None else waits
        self._clock = clock
        #: Destination -> the task that sends what is for it.
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def take_over(self) -> None:
        """What a process before has left in the middle."""
        for row in await self._pool.fetch(
            "select telling_id, destination from tellings where state = 'sending'"
        ):
            if self._ways.repeats(row["destination"]):
                await self._pool.execute(
                    "update tellings set state = 'waiting', next_at = $2 where telling_id = $1"
                    " and state = 'sending'",
                    row["telling_id"],
                    self._clock(),
                )
            else:
                await self._end(row["telling_id"], TellingState.IN_DOUBT, BROKE_OFF)

    async def look(self) -> None:
        """Begin to send what is due, to those to whom nothing is being sent."""
        self._at_work = {to: task for to, task in self._at_work.items() if not task.done()}
        rows = await self._pool.fetch(
            "select telling_id, rule, destination, content from tellings"
            " where state = 'waiting' and next_at <= $1 and destination <> all($2)"
            " order by created_at limit 500",
            self._clock(),
            list(self._at_work),
        )
        due: dict[str, list[Message]] = defaultdict(list)
        for row in rows:
            content = Content.model_validate_json(row["content"])
            message = Message(row["telling_id"], row["rule"], row["destination"], content)
            due[message.destination].append(message)
        for destination, messages in due.items():
            self._at_work[destination] = asyncio.create_task(self._send_all(messages))

    async def stop(self) -> None:
        """Let go of what is not sent soon: it is found in the middle by whoever goes on."""
        tasks, self._at_work = self._at_work.values(), {}
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE)
        finally:
            for task in tasks:
                task.cancel()

    async def settle(self) -> None:
        """Wait for what is being sent."""
        await asyncio.gather(*self._at_work.values())

    async def _send_all(self, messages: Sequence[Message]) -> None:
        try:
            for message in messages:
                if not await self._send(message):
                    return
        except Exception:
            log.exception("messages about alerts could not be sent; they stay", to=messages[0].destination)

    async def _send(self, message: Message) -> bool:
        """Whether to go on with the next one for the same destination."""
        attempt = await self._pool.fetchval(
            "update tellings set state = 'sending', attempts = attempts + 1, cause = null"
            " where telling_id = $1 and state = 'waiting' returning attempts",
            message.telling_id,
        )
        if attempt is None:
            return True
        try:
            await self._ways.send(message)
        except TagwerkError as error:
            return await self._not_sent(message, error, attempt)
        await self._sent(message)
        return True

    async def _not_sent(self, message: Message, error: TagwerkError, attempt: int) -> bool:
        cause = error.failure.cause
        log.warning("a message about alerts was not sent", to=message.destination, cause=cause)
        if not isinstance(error, NotDone) and not self._ways.repeats(message.destination):
            await self._end(message.telling_id, TellingState.IN_DOUBT, cause)
            return True
        if attempt > len(self._waits) or not passing(error, message.destination):
            await self._end(message.telling_id, TellingState.FAILED, cause)
            return True
        await self._pool.execute(
            "update tellings set state = 'waiting', next_at = $2, cause = $3 where telling_id = $1",
            message.telling_id,
            self._clock() + timedelta(seconds=self._waits[attempt - 1]),
            cause,
        )
        return False

    async def _sent(self, message: Message) -> None:
        """That it has left is audited with it."""
        async with Outbox(self._pool, self._relay).transaction() as tx:
            done = await tx.connection.fetchval(
                "update tellings set state = 'sent', ended_at = $2 where telling_id = $1 and state <> 'sent'"
                " returning 1",
                message.telling_id,
                self._clock(),
            )
            if done is not None:
                tx.audit(
                    AuditEntry(
                        action="delivered",
                        principal="service-reporting",
                        concern=f"alerts:{message.telling_id}",
                    )
                )

    async def _end(self, telling_id: object, state: TellingState, cause: str) -> None:
        await self._pool.execute(
            "update tellings set state = $2, cause = $3, ended_at = $4 where telling_id = $1"
            " and state = 'sending'",
            telling_id,
            state.value,
            cause,
            self._clock(),
        )
