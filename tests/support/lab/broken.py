"""Jobs that are wrong in ways that only a kill shows: the faults' harness has to find them out."""

from collections.abc import AsyncIterator
from pathlib import Path

from shared.bus import Bus
from shared.events import RatesImported, Record
from shared.jobs import Job, job
from shared.runner.context import RunContext
from shared.words import Outcome, RateSource
from tests.support.lab.jobs import FACTS, ONCE, SAFE, Items


class Voice:
    """Tells others of a row, beside the row's transaction."""

    def __init__(self, bus: Bus, context: RunContext) -> None:
        self._bus = bus
        self._context = context

    async def tell(self) -> None:
        event = RatesImported(
            client=self._context.client, principal=self._context.principal, source=RateSource.ECB, rates=[]
        )
        await self._bus.publish(event.type, event.encode(), msg_id=str(event.id))


@job("lab.tell-after-commit", title="Tell after the commit", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def tell_after_commit(key: str, *, items: Items, voice: Voice) -> AsyncIterator[Record]:
    """Killed in between, it never tells."""
    record = await items.store(key, "x")
    if record.outcome is Outcome.CREATED:
        await voice.tell()
    yield record


@job("lab.tell-before-commit", title="Tell before the commit", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def tell_before_commit(key: str, *, items: Items, voice: Voice) -> AsyncIterator[Record]:
    """Killed in between, it tells twice."""
    await voice.tell()
    yield await items.store(key, "x")


@job("lab.send-blindly", title="Send blindly", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def send_blindly(letter: str, folder: Path) -> AsyncIterator[Record]:
    """Killed after it has sent, it sends again: it asks no ledger."""
    with (folder / "sent").open("a") as file:
        file.write(f"{letter}\n")
    yield Record(key=letter, outcome=Outcome.CREATED)


BROKEN: list[Job] = [tell_after_commit, tell_before_commit, send_blindly]
