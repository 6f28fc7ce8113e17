"""What the watch has said: folded from EVENTS, and said on the condition that this is still all.

An event opens a case, another closes it. Each is one publish, which the server accepts only while nobody
else has said anything on these subjects since; so of any number of replicas one is heard, and there is
nothing to finish after a kill.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from shared import subjects
from shared.bus import Bus, Conflict
from shared.events import BusinessEventBase, Undecodable, decode_business_event
from shared.runner.lifecycle import CONFLICT_PAUSE

#: Event -> the case that it is about, and whether it opens it; None for an event that is about none.
About = Callable[[BusinessEventBase], tuple[str, bool] | None]


class Cases:
    """Those of one noun: `event.<noun>.*`."""

    def __init__(self, bus: Bus, noun: str, about: About) -> None:
        self._bus = bus
        self._filter = f"event.{noun}.*"
        self._about = about
        self._open: dict[str, BusinessEventBase] = {}
        self._said: set[UUID] = set()
        self._read = 0
        self._lock = asyncio.Lock()

    async def open(self) -> dict[str, BusinessEventBase]:
        """Case -> what opened it."""
        async with self._lock:
            await self._catch_up()
            return dict(self._open)

    async def say(self, event: BusinessEventBase) -> None:
        """Publish it, unless it was said before, opens what is open, or closes what is closed."""
        found = self._about(event)
        assert found is not None, "an event of this watch"
        case, opens = found
        kind: Any = getattr(event, "type")  # noqa: B009  (declared by every concrete event)
        async with self._lock:
            while True:
                await self._catch_up()
                if event.id in self._said or opens == (case in self._open):
                    return
                # Events are kept for a while only: of the last one there may be nothing left.
                last = await self._bus.read_last(subjects.EVENTS, self._filter)
                expected = (self._filter, 0 if last is None else self._read)
                try:
                    await self._bus.publish(kind, event.encode(), expect_last=expected)
                except Conflict:
                    await asyncio.sleep(CONFLICT_PAUSE)

    async def _catch_up(self) -> None:
        for stored in await self._bus.read(subjects.EVENTS, self._filter, after=self._read):
            self._read = stored.sequence
            try:
                event = decode_business_event(stored.data)
            except Undecodable:
                continue
            if not isinstance(event, BusinessEventBase) or (found := self._about(event)) is None:
                continue
            case, opens = found
            self._said.add(event.id)
            if opens:
                self._open[case] = event
            else:
                self._open.pop(case, None)
