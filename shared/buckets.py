"""A typed view of a key-value bucket: the catalogue, the principals."""

import time
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from shared.bus import Bus

Entry = TypeVar("Entry", bound=BaseModel)

#: Seconds for which a view may be old. Reading a whole bucket takes about a millisecond.
FRESH = 1.0


class Bucket(Generic[Entry]):
    """All entries of a bucket as models; entries that cannot be decoded are left out."""

    def __init__(self, bus: Bus, name: str, model: type[Entry]) -> None:
        self._bus = bus
        self._name = name
        self._model = model
        self._entries: dict[str, Entry] = {}
        self._read_at = float("-inf")

    async def all(self) -> dict[str, Entry]:
        """Every entry by key, at most a second old."""
        if time.monotonic() - self._read_at > FRESH:
            await self.refresh()
        return self._entries

    async def get(self, key: str) -> Entry | None:
        return (await self.all()).get(key)

    async def refresh(self) -> None:
        prefix = f"$KV.{self._name}."
        entries: dict[str, Entry] = {}
        for message in await self._bus.read(f"KV_{self._name}", f"{prefix}>"):
            key = message.subject.removeprefix(prefix)
            entries.pop(key, None)
            if "KV-Operation" in message.headers:
                continue
            try:
                entries[key] = self._model.model_validate_json(message.data)
            except ValidationError:
                continue
        self._entries = entries
        self._read_at = time.monotonic()

    async def put(self, key: str, entry: Entry) -> None:
        await self._bus.publish(f"$KV.{self._name}.{key}", entry.model_dump_json().encode())
        self._read_at = float("-inf")
