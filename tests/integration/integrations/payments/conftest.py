"""The payments of one client on the real database and in a real folder, without a bus: jobs are called."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from services.integrations import payables
from services.integrations.jobs.create_payment_file import create_payment_file
from services.integrations.jobs.update_payment_status import update_payment_status
from services.integrations.payments.accounts import Account, Accounts
from services.integrations.payments.handover import FileHandover
from services.integrations.payments.reading import StatusFiles
from services.integrations.payments.status_store import PostgresPaymentStatuses
from services.integrations.payments.store import PostgresPaymentFiles
from shared.bus import Bus
from shared.database import Pool, open_pool
from shared.events import InvoiceApproved, LogLine, PaymentStatusChanged, Record, decode_business_event
from shared.files import Files, open_store
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.runner.context import Progress, RunContext, RunLog
from tests.support.payments import EUROS, FRANCS, approved
from tests.support.servers import PostgresServer


class Treasury:
    """One client."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self.pool = pool
        self.client = client = f"client-{new_id().hex}"
        self.files = Files(open_store(f"file://{folder}/files"), client)
        self.pickup = folder / "pickup"
        self.accounts: tuple[Account, ...] = (FRANCS, EUROS)
        self.lines: list[LogLine] = []

    async def approve(self, kind: str = "qrr", **values: Any) -> InvoiceApproved:
        event = approved(kind, client=self.client, **values)
        await payables.remember_approved_invoice(self.pool, event)
        return event

    def context(
        self, job: str, run_id: UUID | None = None, attempt: int = 1, only: Sequence[str] | None = None
    ) -> RunContext:
        wanted = None if only is None else frozenset(only)
        return RunContext(run_id or new_id(), attempt, job, self.client, "ada", only_records=wanted)

    async def create(
        self,
        *,
        run_id: UUID | None = None,
        attempt: int = 1,
        only: Sequence[str] | None = None,
        pickup: bool = True,
        **parameters: Any,
    ) -> list[Record]:
        """One attempt of create-payment-file; its records."""
        context = self.context("integrations.create-payment-file", run_id, attempt, only)
        outbox = Outbox(self.pool, Relay(self.pool, cast(Bus, None)), context)
        return await self._collect(
            create_payment_file.function(
                **parameters,
                accounts=Accounts({self.client: self.accounts}),
                store=PostgresPaymentFiles(outbox, context, self.accounts),
                handover=FileHandover(self.files, self.pickup if pickup else None),
                context=context,
                log=RunLog(context, self.lines.append),
                progress=Progress(lambda done, total, message: None),
            )
        )

    async def update(
        self,
        *contents: bytes,
        run_id: UUID | None = None,
        attempt: int = 1,
        only: Sequence[str] | None = None,
    ) -> list[Record]:
        """One attempt of update-payment-status over files of the inbox, the given ones put there first."""
        for content in contents:
            await self.files.put(f"inbox/payments/{new_id()}.xml", content)
        context = self.context("integrations.update-payment-status", run_id, attempt, only)
        outbox = Outbox(self.pool, Relay(self.pool, cast(Bus, None)), context)
        return await self._collect(
            update_payment_status.function(
                files=StatusFiles(self.files),
                store=PostgresPaymentStatuses(outbox, context),
                context=context,
                log=RunLog(context, self.lines.append),
                progress=Progress(lambda done, total, message: None),
            )
        )

    async def _collect(self, job: Any) -> list[Record]:
        records: dict[str, Record] = {}
        async for item in job:
            for record in [item] if isinstance(item, Record) else item:
                records[record.key] = record
        return list(records.values())

    async def made(self) -> dict[UUID, bytes]:
        """The files in the files port."""
        stored = await self.files.list("payments")
        return {UUID(one.name[:-4]): await self.files.get(f"payments/{one.name}") for one in stored}

    def picked_up(self) -> dict[str, bytes]:
        """What lies in the pick-up folder."""
        return {path.name: path.read_bytes() for path in sorted(self.pickup.glob("*.xml"))}

    async def events(self) -> list[PaymentStatusChanged]:
        """Every change of a payment that was told, once each by its message id."""
        rows = await self.pool.fetch("select payload from outbox where subject like 'event.%' order by id")
        decoded = [decode_business_event(row["payload"]) for row in rows]
        return [
            event
            for event in decoded
            if isinstance(event, PaymentStatusChanged) and event.client == self.client
        ]

    async def state(self, event: InvoiceApproved) -> str:
        state: str = await self.pool.fetchval(
            "select state from payables where document_id = $1", event.document_id
        )
        return state

    async def together(self, *jobs: Callable[[], Any]) -> list[Any]:
        return await asyncio.gather(*(job() for job in jobs), return_exceptions=True)


@pytest.fixture(scope="session")
def payments_database(postgres: PostgresServer) -> Iterator[str]:
    """One database for all tests here: each has clients of its own, as an installation has."""
    name = postgres.create_database()
    yield postgres.url("integrations", name)
    postgres.drop_database(name)


@pytest.fixture
async def pool(payments_database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(payments_database, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def treasury(pool: Pool, tmp_path: Path) -> Treasury:
    return Treasury(pool, tmp_path)


def outcomes(records: Sequence[Record]) -> dict[str, str]:
    """Outcome by record key, with the code of a failure: `failed iban_missing`."""
    return {
        record.key: f"{record.outcome} {record.failure.code}" if record.failure else str(record.outcome)
        for record in records
    }


def of_invoices(records: Sequence[Record]) -> dict[str, str]:
    return {key: outcome for key, outcome in outcomes(records).items() if key.startswith("invoice:")}
