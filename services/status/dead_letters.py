"""What could not be decoded goes to DEAD: written with the rows, published afterwards, once."""

import asyncio

import structlog

from services.status.progress import Progress
from services.status.projector import Projector
from shared.bus import Bus, PublishRefused
from shared.database import DATABASE_ERRORS, Pool
from shared.dead_letters import bury
from shared.errors import Failure, TagwerkError
from shared.subjects import PROJECTOR, RUNS

log = structlog.get_logger(__name__)

#: Seconds before the next try.
PAUSE = 2.0


class DeadLetterRelay:
    def __init__(self, bus: Bus, pool: Pool, projector: Projector, progress: Progress) -> None:
        self._bus = bus
        self._pool = pool
        self._projector = projector
        self._progress = progress

    async def run(self) -> None:
        """Publish what waits, whenever the projector has written dead letters."""
        wanted = self._projector.dead_letters
        while True:
            await wanted.wait()
            wanted.clear()
            try:
                if self._progress.leading:
                    await self._publish_all()
            except (
                *DATABASE_ERRORS,
                OSError,
                TagwerkError,
                PublishRefused,
            ) as error:
                log.warning("dead letters wait to be published", error=str(error))
                await asyncio.sleep(PAUSE)
                wanted.set()

    async def _publish_all(self) -> None:
        rows = await self._pool.fetch(
            "select sequence, subject, time, payload, reason from dead_letters where not published"
            " order by sequence limit 500"
        )
        for row in rows:
            await bury(
                self._bus,
                durable=PROJECTOR,
                stream=RUNS,
                subject=row["subject"],
                sequence=row["sequence"],
                data=row["payload"],
                reason=_reason(row["reason"]),
            )
            await self._pool.execute(
                "update dead_letters set published = true where sequence = $1", row["sequence"]
            )
        if rows:
            self._projector.dead_letters.set()


def _reason(words: str) -> Failure:
    return Failure(
        code="event_undecodable",
        cause=words,
        next_step="The run shows an incomplete history; correct whoever published this, the rest goes on.",
    )
