"""Importing made statements without a bus, and without a child where a test has many."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import orjson

from services.integrations.bank.core import BATCH, Entry, Statement, WrongEntry, entries_of
from services.integrations.bank.readers.reader import Reader
from services.integrations.bank.reading import OpenFile
from services.integrations.bank.store import BankStore, PostgresBank
from services.integrations.jobs.import_bank_statements import import_bank_statements
from shared.bus import Bus
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import LogLine, Record
from shared.files import Stored
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.process_child import Refused
from shared.runner.context import Progress, RunContext, RunLog

JOB = "integrations.import-bank-statements"


class FilesHere:
    """Statement files by name, read in this process."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], *, at_most: int = 50_000_000) -> None:
        self._folder = folder
        self._files = files
        self._at_most = at_most

    async def waiting(self) -> Sequence[Stored]:
        day = datetime(2026, 4, 1, tzinfo=UTC)
        return [Stored(name, len(content), day) for name, content in sorted(self._files.items())]

    @asynccontextmanager
    async def open(self, file: str) -> AsyncIterator[OpenFile]:
        path = self._folder / new_id().hex
        path.write_bytes(self._files[file])
        try:
            yield FileHere(path, self._at_most)
        except Refused as refused:
            raise TagwerkError(**refused.describe()) from refused
        finally:
            path.unlink()


class FileHere:
    def __init__(self, path: Path, at_most: int) -> None:
        self._reader = Reader(str(path), at_most)
        self.heads: Sequence[Mapping[str, Any]] = self._reader.read()

    async def batches(self, number: int, statement: Statement) -> AsyncIterator[Sequence[Entry | WrongEntry]]:
        place: int | None = 0
        while place is not None:
            answer = orjson.loads(self._reader.batch(number, place, BATCH))
            place = answer["next"]
            if entries := entries_of(answer["entries"], statement):
                yield entries


class Imported:
    """What a run told."""

    def __init__(self, records: Sequence[Record], lines: Sequence[LogLine]) -> None:
        self.records = records
        self.lines = lines

    @property
    def transactions(self) -> list[Record]:
        return [one for one in self.records if one.key.startswith("bank:")]

    @property
    def outcomes(self) -> list[str]:
        return [str(one.outcome) for one in self.transactions]

    @property
    def statements(self) -> list[Record]:
        return [one for one in self.records if one.key.startswith("bank-statement:")]

    @property
    def warnings(self) -> list[str]:
        return [line.message for line in self.lines]


async def run_job(
    store: BankStore, folder: Path, files: Mapping[str, bytes], context: RunContext, *, inbox: bool = False
) -> Imported:
    """Run the job over each file, or over the inbox that holds them."""
    lines: list[LogLine] = []
    records: list[Record] = []
    here = FilesHere(folder, files)
    for name in [None] if inbox else sorted(files):
        run: Any = import_bank_statements.function(
            name, files=here, store=store, context=context, log=RunLog(context, lines.append),
            progress=Progress(lambda *_: None),
        )  # fmt: skip
        async for item in run:
            records += item
    return Imported(records, lines)


def context_of(client: str = "acme", run_id: UUID | None = None, attempt: int = 1) -> RunContext:
    return RunContext(run_id or new_id(), attempt, JOB, client, "ada")


async def import_files(
    pool: Pool, folder: Path, *contents: bytes, client: str = "acme", run_id: UUID | None = None,
    attempt: int = 1, inbox: bool = False,
) -> Imported:  # fmt: skip
    """One run over these files, against the tables."""
    context = context_of(client, run_id, attempt)
    store = PostgresBank(Outbox(pool, Relay(pool, cast(Bus, None)), context), context)
    files = {f"file{number}": content for number, content in enumerate(contents)}
    return await run_job(store, folder, files, context, inbox=inbox)
