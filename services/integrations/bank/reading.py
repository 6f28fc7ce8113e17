"""Reading statement files in a child process: it holds the file, and hands out its entries in batches."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from services.integrations.bank.core import BATCH, Entry, Statement, WrongEntry, entries_of
from shared.files import Stored
from shared.incoming import Incoming, IncomingFile
from shared.process import Child, Children, Limits
from shared.workplace import workplace

#: The area of the inbox.
AREA: Final = "bank"
#: Bytes of a statement file, also of what an archive holds together.
AT_MOST: Final = 512_000_000
#: A year of a large account takes a minute; entries of one answer may be many when many are equal.
LIMITS: Final = Limits(
    memory=1024 * 1024 * 1024, cpu_seconds=300, wall_seconds=600, file_size=2 * AT_MOST, output=256_000_000
)
_MODULE: Final = "services.integrations.bank.readers.reader"
#: What the children are forked with.
PRELOAD: Final = (_MODULE,)


class OpenFile(Protocol):
    """One file, opened."""

    #: What the reader tells of each statement.
    heads: Sequence[Mapping[str, Any]]

    def batches(self, number: int, statement: Statement) -> AsyncIterator[Sequence[Entry | WrongEntry]]:
        """The entries of the statement with this head; equal ones come together."""


class StatementFiles(Protocol):
    """What a run can read statements from."""

    async def waiting(self) -> Sequence[Stored]:
        """The files of the inbox."""

    def open(self, file: IncomingFile) -> Any:
        """An async context manager of an `OpenFile`. Raises what `Incoming.fetch` and the reader do."""


class ChildStatementFiles:
    """The files of one run's client, each read by a child of its own."""

    def __init__(self, incoming: Incoming, children: Children, *, at_most: int = AT_MOST) -> None:
        self._incoming = incoming
        self._children = children
        self._at_most = at_most

    async def waiting(self) -> Sequence[Stored]:
        return await self._incoming.waiting()

    @asynccontextmanager
    async def open(self, file: IncomingFile) -> AsyncIterator[OpenFile]:
        with workplace() as folder:
            path = folder / "statements"
            await self._incoming.fetch(file, path, at_most=self._at_most)
            async with open_path(self._children, path, at_most=self._at_most) as opened:
                yield opened


@asynccontextmanager
async def open_path(children: Children, path: Path, *, at_most: int = AT_MOST) -> AsyncIterator[OpenFile]:
    """A file of this machine, read by a child that is gone when the block is left."""
    arguments = {"path": str(path), "at_most": at_most}
    async with children.open(f"{_MODULE}:Reader", arguments, folder=path.parent) as child:
        yield _ChildFile(child, await child.call("read"))


class _ChildFile:
    def __init__(self, child: Child, heads: Sequence[Mapping[str, Any]]) -> None:
        self._child = child
        self.heads = heads

    async def batches(self, number: int, statement: Statement) -> AsyncIterator[Sequence[Entry | WrongEntry]]:
        async def next_one(place: int) -> tuple[list[Entry | WrongEntry], int | None]:
            answer = orjson.loads(await self._child.call("batch", statement=number, start=place, count=BATCH))
            return entries_of(answer["entries"], statement), answer["next"]

        # The next batch is prepared while this one is stored.
        asked: asyncio.Task[Any] | None = asyncio.create_task(next_one(0))
        try:
            while asked is not None:
                entries, place = await asked
                asked = None if place is None else asyncio.create_task(next_one(place))
                if entries:
                    yield entries
        finally:
            if asked is not None:
                asked.cancel()
