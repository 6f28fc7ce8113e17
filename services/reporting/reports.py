"""Reports as they are kept: made once, found again by what they say."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from obstore.exceptions import BaseError

from services.reporting.contents import Content
from services.reporting.kinds import read_summary, summary_of
from services.reporting.rendering import Renderer
from services.reporting.summaries import Summary
from shared.errors import TagwerkError
from shared.events import Record
from shared.files import Files
from shared.ids import derived_id
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import Outcome, ReportFormat

#: Where the reports of a client lie in its part of the files port.
FOLDER: Final = "reports"


def file_key(report_id: UUID, format: ReportFormat) -> str:
    return f"{FOLDER}/{report_id}.{format}"


@dataclass(frozen=True, slots=True)
class KeptFile:
    format: ReportFormat
    name: str
    #: Bytes.
    size: int


@dataclass(frozen=True, slots=True)
class Report:
    report_id: UUID
    #: The run that made it.
    run_id: UUID
    created_at: datetime
    summary: Summary
    files: Sequence[KeptFile]


class Reports(Protocol):
    """The reports of one run's client."""

    async def make(
        self, content: Callable[[], Awaitable[Content]], formats: Sequence[ReportFormat]
    ) -> Report:
        """The report that this run delivers: what an earlier attempt chose; else the one that says `content`,
        which is asked only then, made if there is none. Raises `report_not_stored` (retryable)."""

    async def contents(self, report: Report) -> Sequence[tuple[ReportFormat, str, bytes]]:
        """Its files: format, name, content. Raises `FileMissing`."""

    def records(self, report: Report) -> Sequence[Record]:
        """One for each file."""


class KeptReports:
    """Reports in PostgreSQL, and their files in the files port."""

    def __init__(self, outbox: Outbox, context: RunContext, files: Files, renderer: Renderer) -> None:
        self._outbox = outbox
        self._context = context
        self._files = files
        self._renderer = renderer

    async def make(
        self, content: Callable[[], Awaitable[Content]], formats: Sequence[ReportFormat]
    ) -> Report:
        if (chosen := await self._chosen()) is not None:
            return chosen
        said = await content()
        report_id = await asyncio.to_thread(id_of, self._context.job, said, formats)
        files: Mapping[ReportFormat, bytes] = {}
        if not await self._is_there(report_id):
            files = await self._renderer.render(said, formats)
            await self._store(report_id, files)
        return await self._choose(report_id, said, files)

    async def _chosen(self) -> Report | None:
        async with self._outbox.transaction() as tx:
            report_id = await tx.connection.fetchval(
                "select report_id from report_runs where run_id = $1", self._context.run_id
            )
            return None if report_id is None else await read_kept(tx, report_id)

    async def _is_there(self, report_id: UUID) -> bool:
        async with self._outbox.transaction() as tx:
            return bool(await tx.connection.fetchval("select 1 from reports where report_id = $1", report_id))

    async def _store(self, report_id: UUID, files: Mapping[ReportFormat, bytes]) -> None:
        for format, content in files.items():
            key = file_key(report_id, format)
            try:
                await self._files.put(key, content)
            except (OSError, BaseError) as error:
                raise TagwerkError(
                    "report_not_stored",
                    f"the storage does not take the file: {error}",
                    concern=key,
                    next_step="Check the storage behind TAGWERK_FILES_URL. Nothing was delivered; the next "
                    "attempt or run makes the report.",
                    retryable=True,
                ) from error

    async def _choose(self, report_id: UUID, content: Content, files: Mapping[ReportFormat, bytes]) -> Report:
        """From here on this is the run's report. Its files lie where they belong."""
        context, summary = self._context, summary_of(content)
        async with self._outbox.transaction() as tx:
            made = await tx.connection.fetchval(
                "insert into reports (report_id, kind, client, job, run_id, principal, language, since,"
                " until, items, summary) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                " on conflict do nothing returning 1",
                report_id, content.kind, context.client, context.job, context.run_id, context.principal,
                content.language, summary.since, summary.until, summary.items, summary.model_dump_json(),
            )  # fmt: skip
            if made is not None:
                await tx.connection.executemany(
                    "insert into report_files (report_id, format, client, file_name, size, sha256)"
                    " values ($1, $2, $3, $4, $5, $6)",
                    [
                        (report_id, format.value, context.client, f"{summary.file_name}.{format}",
                         len(written), hashlib.sha256(written).hexdigest())
                        for format, written in files.items()
                    ],
                )  # fmt: skip
            await tx.connection.execute(
                "insert into report_runs (run_id, client, report_id) values ($1, $2, $3)",
                context.run_id,
                context.client,
                report_id,
            )
            return await read_kept(tx, report_id)

    async def contents(self, report: Report) -> Sequence[tuple[ReportFormat, str, bytes]]:
        return [
            (file.format, file.name, await self._files.get(file_key(report.report_id, file.format)))
            for file in report.files
        ]

    def records(self, report: Report) -> Sequence[Record]:
        # Relative to the run: its second attempt says the same as its first.
        own = report.run_id == self._context.run_id
        return [
            Record(
                key=f"report:{report.report_id}/{file.format}",
                outcome=Outcome.CREATED if own else Outcome.UNCHANGED,
                label=file.name,
                message=f"{report.summary.named}, {file.size:,} bytes"
                + ("" if own else "; an earlier run made the same report"),
            )
            for file in report.files
        ]


async def read_kept(tx: Transaction, report_id: UUID) -> Report:
    """A report that is kept."""
    row = await tx.connection.fetchrow("select * from reports where report_id = $1", report_id)
    files = await tx.connection.fetch(
        "select format, file_name, size from report_files where report_id = $1", report_id
    )
    assert row is not None
    kept = {one["format"]: one for one in files}
    return Report(
        report_id=report_id,
        run_id=row["run_id"],
        created_at=row["created_at"],
        summary=read_summary(row["kind"], row["summary"]),
        files=[
            KeptFile(format, kept[format]["file_name"], kept[format]["size"])
            for format in ReportFormat
            if format in kept
        ],
    )


def id_of(job: str, content: Content, formats: Collection[ReportFormat]) -> UUID:
    """The id of the report that says this: the same content in the same formats is the same report."""
    said = json.dumps([content.plain(), sorted(formats)], sort_keys=True, ensure_ascii=False)
    return derived_id("report", content.client, job, hashlib.sha256(said.encode()).hexdigest())
