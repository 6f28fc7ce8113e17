"""The ERP of one client as a process, on the real database, without a bus: jobs are called."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from services.integrations import handlers
from services.integrations.erp.datev import DatevExporter
from services.integrations.erp.handover import FolderHandover
from services.integrations.erp.rest.booking_store import PostgresErpBookings
from services.integrations.erp.rest.connection import HttpErp
from services.integrations.erp.rest.documents import StoredDocuments
from services.integrations.erp.rest.entry_store import PostgresEntries
from services.integrations.erp.rest.exporter import RestExporter
from services.integrations.erp.rest.payment_store import PostgresPaymentComparison
from services.integrations.erp.rules import read_erp_rules
from services.integrations.erp.store import PostgresErpExports
from services.integrations.jobs.erp_export import erp_export
from services.integrations.jobs.erp_import import erp_import
from services.integrations.jobs.nightly_synchronization import nightly_synchronization
from shared.bus import Bus
from shared.database import Pool, open_pool
from shared.effects import Effects
from shared.events import Call, InvoiceApproved, LogLine, Record
from shared.files import Files, open_store
from shared.ids import new_id
from shared.intake import original_key
from shared.outbox import Outbox, Relay
from shared.runner.context import Calls, Progress, RunContext, RunLog
from tests.support.bookings import approved_booking, write_rules
from tests.support.erp_server import ErpServer, serving_erp
from tests.support.servers import PostgresServer


class Company:
    """One client, whose ERP can be asked."""

    def __init__(self, pool: Pool, server: ErpServer, folder: Path) -> None:
        self.pool = pool
        self.server = server
        self.folder = folder
        self.client = f"client-{new_id().hex}"
        self.files = Files(open_store(f"file://{folder}/files"), self.client)
        self.rules = read_erp_rules(server.rules(folder / "erp.toml", self.client))
        self.lines: list[LogLine] = []
        self.calls: list[Call] = []

    async def approve(self, number: str = "R-1", content: bytes | None = b"%PDF-1.7", **values: Any) -> UUID:
        event = approved_booking(client=self.client, invoice_number=number, **values)
        if content is not None:
            await self.files.put(original_key(event.document_id), content)
        await self.tell(event)
        return event.document_id

    async def tell(self, event: InvoiceApproved) -> None:
        await handlers.record_invoice_approved(self.pool, event)

    async def pay(self, document: UUID) -> None:
        """As where an account statement has shown the payment."""
        await self._set_payment(document, "paid")

    async def order(self, document: UUID) -> None:
        await self._set_payment(document, "ordered")

    async def _set_payment(self, document: UUID, state: str) -> None:
        await self.pool.execute("update payables set state = $2 where document_id = $1", document, state)

    def fill(self, **lists: list[dict[str, Any]]) -> None:
        self.server.fill(self.client, **lists)

    def fault(self, method: str, path: str, **fault: Any) -> None:
        self.server.fault(self.client, method, path, **fault)

    @property
    def books(self) -> dict[str, Any]:
        return self.server.books(self.client)

    async def export(self, *, dry_run: bool = False, run_id: UUID | None = None, **parameters: Any) -> Any:
        context, log, progress, outbox, erp = self._tools("erp-export", run_id, dry_run)
        effects = Effects(self.pool, context, asyncio.Semaphore(2))
        store = PostgresErpBookings(outbox, context)
        exporter = RestExporter(erp, store, StoredDocuments(self.files), effects, log, progress)
        return await collected(erp_export.function(**parameters, exporter=exporter, context=context))

    async def export_to_datev(self) -> dict[str, Record]:
        """As where the client is set up otherwise since."""
        context, log, progress, outbox, _ = self._tools("erp-export", None, False)
        datev = read_erp_rules(write_rules(self.folder / "datev.toml", self.folder / "datev", self.client))
        rules = datev.of_client(self.client)
        assert rules.folder is not None, "written above"
        exporter = DatevExporter(
            PostgresErpExports(outbox, context, rules),
            FolderHandover(self.files, rules.folder),
            log,
            progress,
        )
        return await collected(erp_export.function(exporter=exporter, context=context))

    async def read(self, *, dry_run: bool = False, run_id: UUID | None = None, **parameters: Any) -> Any:
        context, log, progress, outbox, erp = self._tools("erp-import", run_id, dry_run)
        return await collected(
            erp_import.function(
                **parameters, erp=erp, store=PostgresEntries(outbox, context), context=context, log=log,
                progress=progress,
            )
        )  # fmt: skip

    def entries(self) -> PostgresEntries:
        """As a run has them."""
        context, _, _, outbox, _ = self._tools("erp-import", None, False)
        return PostgresEntries(outbox, context)

    async def synchronize(
        self, *, dry_run: bool = False, run_id: UUID | None = None, **parameters: Any
    ) -> dict[str, Record]:
        context, log, progress, outbox, erp = self._tools("nightly-synchronization", run_id, dry_run)
        return await collected(
            nightly_synchronization.function(
                **parameters, erp=erp, store=PostgresEntries(outbox, context),
                payments=PostgresPaymentComparison(outbox, context), context=context, log=log,
                progress=progress,
            )
        )  # fmt: skip

    def _tools(
        self, job: str, run_id: UUID | None, dry_run: bool
    ) -> tuple[RunContext, RunLog, Progress, Outbox, HttpErp]:
        context = RunContext(
            run_id or new_id(), 1, f"integrations.{job}", self.client, "ada", dry_run=dry_run
        )
        outbox = Outbox(self.pool, Relay(self.pool, cast(Bus, None)), context)
        erp = HttpErp(self.rules.rest[self.client], self.client, Calls(self.calls.append))
        log = RunLog(context, self.lines.append)
        return context, log, Progress(lambda done, total, message: None), outbox, erp

    async def payment_state(self, document: UUID) -> str:
        state: str = await self.pool.fetchval("select state from payables where document_id = $1", document)
        return state


async def collected(job: Any) -> dict[str, Record]:
    """The records of a job, by key."""
    records: dict[str, Record] = {}
    async for item in job:
        for record in [item] if isinstance(item, Record) else item:
            records[record.key] = record
    return records


def told(records: dict[str, Record]) -> dict[str, str]:
    """Code of a failure, or outcome, by key."""
    return {key: one.failure.code if one.failure else str(one.outcome) for key, one in records.items()}


def keys(records: dict[str, Record], outcome: str) -> Sequence[str]:
    return [key for key, one in records.items() if one.outcome == outcome]


@pytest.fixture(scope="module")
def server() -> Iterator[ErpServer]:
    with serving_erp() as server:
        yield server


@pytest.fixture(scope="session")
def erp_database(postgres: PostgresServer) -> Iterator[str]:
    """One database for all tests here: each has a client of its own."""
    name = postgres.create_database()
    yield postgres.url("integrations", name)
    postgres.drop_database(name)


@pytest.fixture
async def pool(erp_database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(erp_database, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def company(pool: Pool, server: ErpServer, tmp_path: Path) -> Company:
    return Company(pool, server, tmp_path)
