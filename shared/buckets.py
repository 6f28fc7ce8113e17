"""A typed view of a key-value bucket: the catalogue, the principals."""

import asyncio
import time
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from shared.bus import Bus, Stored

Entry = TypeVar("Entry", bound=BaseModel)

#: Seconds for which a view may be old. Asking for what has changed takes about a millisecond.
FRESH = 1.0
#: Seconds after which a bucket is read whole again: it may have been made anew.
WHOLE = 30.0


class _Known(NamedTuple):
    data: bytes
    #: None for what cannot be decoded.
    entry: BaseModel | None


class Bucket(Generic[Entry]):
    """All entries of a bucket as models; entries that cannot be decoded are left out."""

    def __init__(self, bus: Bus, name: str, model: type[Entry]) -> None:
        self._bus = bus
        self._name = name
        self._model = model
        self._known: dict[str, _Known] = {}
        self._entries: dict[str, Entry] = {}
        self._last = 0
        self._read_at = self._whole_at = float("-inf")
        self._reading = asyncio.Lock()

    async def all(self) -> dict[str, Entry]:
        """Every entry by key, at most a second old. The same dictionary as before if nothing has changed."""
        if self._stale():
            async with self._reading:
                # Whoever waited for another's reading has what it read.
                if self._stale():
                    await self._read()
        return self._entries

    async def get(self, key: str) -> Entry | None:
        return (await self.all()).get(key)

    async def refresh(self) -> None:
        """Read it whole, however old the view is."""
        async with self._reading:
            self._whole_at = float("-inf")
            await self._read()

    async def put(self, key: str, entry: Entry) -> None:
        await self._bus.publish(f"$KV.{self._name}.{key}", entry.model_dump_json().encode())
        await self.forget()

    async def forget(self) -> None:
        """The next look reads what has changed."""
        async with self._reading:
            # What was being read may not have it.
            self._read_at = float("-inf")

    def _stale(self) -> bool:
        return time.monotonic() - self._read_at > FRESH

    async def _read(self) -> None:
        # As old as the moment before the question.
        now = time.monotonic()
        whole = now - self._whole_at > WHOLE
        messages = await self._bus.read(
            f"KV_{self._name}", f"$KV.{self._name}.>", after=0 if whole else self._last
        )
        known = {} if whole else dict(self._known)
        for message in messages:
            self._take(message, known)
        if known != self._known:
            self._known = known
            # Decoded with this bucket's model.
            self._entries = {key: one.entry for key, one in known.items() if one.entry is not None}  # type: ignore[misc]
        self._last = max([0 if whole else self._last, *(message.sequence for message in messages)])
        self._read_at = now
        if whole:
            self._whole_at = now

    def _take(self, message: Stored, known: dict[str, _Known]) -> None:
        key = message.subject.removeprefix(f"$KV.{self._name}.")
        # What was written last stands last.
        known.pop(key, None)
        if "KV-Operation" in message.headers:
            return
        before = self._known.get(key)
        known[key] = before if before is not None and before.data == message.data else self._decoded(message)

    def _decoded(self, message: Stored) -> _Known:
        try:
            return _Known(message.data, self._model.model_validate_json(message.data))
        except ValidationError:
            return _Known(message.data, None)
