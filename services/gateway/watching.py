"""What is published about runs, for any number of watchers: one subscription and one reading a run for all.

The subscription only says when to look again. What is told is read from the stream, so nothing is lost over
reconnects and restarts, and no consumer is made at the server that could be left behind there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import orjson
from fastapi.sse import format_sse_event
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from shared import subjects
from shared.bus import Bus
from shared.errors import TagwerkError
from shared.events import RunEvent, Undecodable, UnknownEvent, decode_run_event

#: Seconds between two looks whether the connection to the bus was made anew.
LOOK_OUT = 0.5


class Told(NamedTuple):
    """One message of a run."""

    sequence: int
    #: As an event of a stream.
    wire: bytes
    #: None for what cannot be read.
    event: RunEvent | UnknownEvent | None


class Signal:
    """Set whenever something is published on a subject, and whenever one should look without that."""

    def __init__(self) -> None:
        self._set = asyncio.Event()
        self._heard = 0

    def hear(self) -> None:
        self._heard += 1
        self._set.set()

    def wake(self) -> None:
        self._set.set()

    def take(self) -> int:
        """How much was published since the last time. From now on it waits again."""
        heard, self._heard = self._heard, 0
        self._set.clear()
        return heard

    async def wait(self, timeout: float) -> bool:
        """Whether it was set within `timeout` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._set.wait()
            return True
        return False


class _Watch:
    """All who watch one subject."""

    def __init__(self, bus: Bus, subject: str) -> None:
        self.signals: set[Signal] = set()
        self.subscribed: asyncio.Task[Subscription] = asyncio.create_task(
            bus.nc.subscribe(subject, cb=self._arrived)
        )

    async def _arrived(self, _: Msg) -> None:
        for signal in self.signals:
            signal.hear()

    async def end(self) -> None:
        with suppress(NatsError):
            await (await self.subscribed).unsubscribe()


class Watches:
    def __init__(self, bus: Bus, draining: asyncio.Event) -> None:
        """`draining` is set when the gateway stops: that wakes everybody."""
        self._bus = bus
        self._draining = draining
        self._watched: dict[str, _Watch] = {}
        self._reading: dict[tuple[str, int], asyncio.Task[tuple[list[Told], bool]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._lookout: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def signal(self, subject: str) -> AsyncIterator[Signal]:
        """Of what is published on `subject` from now on."""
        watch = self._watched.get(subject)
        if watch is None:
            watch = self._watched[subject] = _Watch(self._bus, subject)
        if self._lookout is None:
            self._lookout = asyncio.create_task(self._look_out())
        signal = Signal()
        watch.signals.add(signal)
        try:
            await asyncio.shield(watch.subscribed)
            yield signal
        finally:
            watch.signals.discard(signal)
            if not watch.signals:
                self._forget(subject, watch)

    async def read(self, subject: str, start: int) -> tuple[list[Told], bool]:
        """What the stream has from `start` on, and whether there is more; nothing while the bus is away."""
        reading = self._reading.get((subject, start))
        if reading is None:
            reading = self._reading[subject, start] = asyncio.create_task(self._read(subject, start))
            reading.add_done_callback(lambda _: self._reading.pop((subject, start), None))
        # One of those who wait may go away.
        return await asyncio.shield(reading)

    async def _read(self, subject: str, start: int) -> tuple[list[Told], bool]:
        try:
            messages, more = await self._bus.read_page(subjects.RUNS, subject, start)
        except TagwerkError:
            return [], False
        return [told(message.sequence, message.data) for message in messages], more

    def _forget(self, subject: str, watch: _Watch) -> None:
        if self._watched.get(subject) is watch:
            del self._watched[subject]
        if not self._watched and self._lookout is not None:
            self._lookout.cancel()
            self._lookout = None
        # Apart from the stream, which is being cancelled when its client has gone.
        closing = asyncio.create_task(watch.end())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _look_out(self) -> None:
        """Wake everybody when the gateway stops, and when signals may have been lost with a connection."""
        made = self._bus.nc.stats["reconnects"]
        stopping = False
        while not stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_OUT):
                    stopping = await self._draining.wait()
            before, made = made, self._bus.nc.stats["reconnects"]
            if stopping or made != before:
                for watch in self._watched.values():
                    for signal in watch.signals:
                        signal.wake()


def told(sequence: int, data: bytes) -> Told:
    """What cannot be read is told as `undecodable`."""
    event: RunEvent | UnknownEvent | None = None
    try:
        event = decode_run_event(data)
        content = orjson.dumps(orjson.loads(data)).decode()
        name = "".join(event.type.removeprefix("run.").split())
    except (Undecodable, ValueError):
        event = None
        name, content = "undecodable", orjson.dumps({"sequence": sequence}).decode()
    return Told(sequence, format_sse_event(data_str=content, event=name, id=str(sequence)), event)
