"""The import on a real bus: child, inbox, kills; nothing twice, nothing lost, each invoice paid once."""

import dataclasses
import signal
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest

from services.integrations.payables import remember_approved_invoice
from shared import subjects
from shared.database import Pool
from shared.events import InvoiceApproved, InvoicePaid, decode_business_event
from shared.ids import new_id
from shared.words import Outcome, RunState
from tests.integration.integrations.conftest import Installation
from tests.support.bank_files import Booking, camt053, large_ledger, mt940, part_of
from tests.support.servers import PostgresServer

JOB = "integrations.import-bank-statements"
SIZE = 1_200
INVOICES = 40


def ledger_with_invoices() -> list[Booking]:
    """Some of its payments are of approved invoices, spread over all batches."""
    ledger = large_ledger(SIZE)
    for number in range(INVOICES):
        place = number * (SIZE // INVOICES)
        paid = dataclasses.replace(
            ledger[place], amount=Decimal(-(number * 50 + 10)), text=f"Invoice PAYME-{number:05d}"
        )
        ledger[place] = paid
    return ledger


async def approve_invoices(pool: Pool) -> None:
    for number in range(INVOICES):
        values = {
            "invoice_number": f"PAYME-{number:05d}", "payable_amount": f"{number * 50 + 10}.00",
            "currency": "CHF", "issuer_name": "Somebody",
        }  # fmt: skip
        event = InvoiceApproved(
            client="acme", principal="ada", document_id=new_id(), kind="invoice", values=values,
            approved_by=["ada"], time=datetime(2026, 2, 1, tzinfo=UTC),
        )  # fmt: skip
        await remember_approved_invoice(pool, event)


async def paid_invoices(installation: Installation) -> Counter[object]:
    messages = await installation.bus.read(subjects.EVENTS, "event.invoice.paid")
    events = [decode_business_event(message.data) for message in messages]
    return Counter(event.document_id for event in events if isinstance(event, InvoicePaid))


@pytest.mark.parametrize(("where", "batch"), [("inside", 2), ("after", 2), ("end", 0)])
async def test_an_import_that_is_killed_is_finished_by_another(
    installation: Installation,
    pool: Pool,
    postgres: PostgresServer,
    database_name: str,
    where: str,
    batch: int,
) -> None:
    await approve_invoices(pool)
    ledger = ledger_with_invoices()
    await installation.put_file("march.xml", camt053(part_of(ledger)), area="bank")
    dying = await installation.spawn("-m", "tests.integration.integrations.dying_bank", where, str(batch))
    run_id = await installation.request(job=JOB)
    assert await dying.wait() == -signal.SIGKILL

    await installation.start()
    told = await installation.ended(run_id, job=JOB, timeout=40)
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    connection = await asyncpg.connect(postgres.url("integrations", database_name))
    assert await connection.fetchval("select count(*) from bank_transactions") == SIZE
    assert await connection.fetchval("select sum(amount) from bank_transactions") == sum(
        one.amount for one in ledger
    )
    assert await connection.fetchval("select count(*) from payables where state = 'paid'") == INVOICES
    assert await connection.fetchval("select count(*) from outbox") == 0
    await connection.close()
    assert {record.outcome for record in told.records} == {Outcome.CREATED}
    assert len({record.key for record in told.records}) == SIZE + 1
    paid = await paid_invoices(installation)
    assert (len(paid), set(paid.values())) == (INVOICES, {1})

    await installation.put_file("march.sta", mt940(part_of(ledger)), area="bank")
    again = await installation.run(job=JOB)
    outcomes = {record.outcome for record in again.records if record.key.startswith("bank:")}
    assert outcomes == {Outcome.UNCHANGED}, "the other format's file adds nothing"
    assert await paid_invoices(installation) == paid
    assert (await installation.run(job=JOB)).records == [], "nothing new lies in the inbox"


async def test_a_file_that_cannot_be_read_fails_the_run_with_its_reason(installation: Installation) -> None:
    await installation.start()
    await installation.put_file("bad.xml", b"<Document><BkToCstmrStmt/></Document>", area="bank")
    for name, code in (("bad.xml", "statement_malformed"), ("none.xml", "file_missing")):
        told = await installation.run(job=JOB, file=name)
        assert told.end.failure is not None
        assert (told.end.state, told.end.failure.code) == (RunState.FAILED, code)
