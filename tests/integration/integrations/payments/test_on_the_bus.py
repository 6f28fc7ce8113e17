"""The payment jobs on the bus: from the approval to the state that the bank gives."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.demo.bank import statement, status_report
from shared import subjects
from shared.commands import (
    PayablesPage,
    PayablesQuery,
    PaymentFileDetail,
    PaymentFileQuery,
    PaymentFilesPage,
    PaymentFilesQuery,
)
from shared.errors import TagwerkError
from shared.events import (
    InvoiceApproved,
    PaymentStatusChanged,
    Requested,
    decode_business_event,
    decode_run_event,
)
from shared.files import Files, open_store
from shared.ids import new_id
from shared.requests import request_run
from shared.subjects import RunSubjects
from shared.words import Lane, Outcome, RunState, Trigger
from tests.integration.integrations.conftest import Installation
from tests.support.engine import Told
from tests.support.payments import approved

CREATE, UPDATE = "integrations.create-payment-file", "integrations.update-payment-status"
IMPORT = "integrations.import-bank-statements"
ACCOUNTS = """
[[clients.acme.accounts]]
name = "Muster AG"
iban = "CH9300762011623852957"
currency = "CHF"
town = "Zürich"
country = "CH"
"""


class Treasury:
    """The installation as its client `acme` uses it."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.pickup = folder / "pickup"
        (folder / "accounts.toml").write_text(ACCOUNTS)
        self.settings = {"accounts_file": folder / "accounts.toml", "payments_folder": self.pickup}
        self.files = Files(open_store(f"file://{folder}/files"), "acme")

    async def approve(self, *events: InvoiceApproved) -> None:
        """Publish approvals and wait until the service knows them."""
        bus = self.installation.bus
        for event in events:
            await bus.publish("event.invoice.approved", event.encode(), msg_id=str(event.id))
        await self.known(len(events))

    async def known(self, count: int, **query: Any) -> PayablesPage:
        deadline = time.monotonic() + 60
        while True:
            subject = subjects.query("integrations", "payables")
            try:
                page = await self.installation.bus.ask(subject, PayablesQuery(**query), PayablesPage)
                if len(page.items) >= count:
                    return page
            except TagwerkError:
                # It has not started yet.
                pass
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def request(self, job: str, **parameters: Any) -> UUID:
        request = Requested(
            run_id=new_id(), job=job, client="acme", principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, parameters=parameters,
        )  # fmt: skip
        await request_run(self.installation.bus, request, Lane.INTERACTIVE)
        return request.run_id

    async def ended(self, job: str, run_id: UUID) -> Told:
        deadline = time.monotonic() + 60
        while True:
            messages = await self.installation.bus.read(subjects.RUNS, RunSubjects(job, run_id).all)
            told = Told(run_id, [decode_run_event(message.data) for message in messages])
            if told.finished is not None:
                return told
            assert time.monotonic() < deadline, told.types
            await asyncio.sleep(0.05)

    async def run(self, job: str, **parameters: Any) -> Told:
        return await self.ended(job, await self.request(job, **parameters))

    async def told(self) -> list[tuple[str, str, str]]:
        """Payment, before, after of every change that was published."""
        messages = await self.installation.bus.read(subjects.EVENTS, "event.payment.status_changed")
        events = [decode_business_event(message.data) for message in messages]
        return [
            (event.payment_id, event.before, event.after)
            for event in events
            if isinstance(event, PaymentStatusChanged)
        ]


@pytest.fixture
def treasury(installation: Installation, tmp_path: Path) -> Treasury:
    return Treasury(installation, tmp_path)


async def test_from_the_approval_to_the_bank_and_back(treasury: Treasury) -> None:
    await treasury.installation.start(**treasury.settings)
    good, bad = approved("qrr"), approved("scor")
    await treasury.approve(good, bad)
    run = await treasury.run(CREATE)
    assert run.end.state is RunState.SUCCEEDED
    bus = treasury.installation.bus
    files = await bus.ask(
        subjects.query("integrations", "payment-files"), PaymentFilesQuery(), PaymentFilesPage
    )
    (file,) = files.items
    assert (file.states, [f"{one.currency} {one.amount}" for one in file.totals]) == (
        {"ordered": 2}, ["CHF 241.00"],
    )  # fmt: skip
    content = await treasury.files.get(f"payments/{file.file_id}.xml")
    assert (treasury.pickup / "acme" / f"{file.file_id}.xml").read_bytes() == content
    rejected = f"{bad.document_id.hex}-01"
    await treasury.files.put("inbox/payments/report.xml", status_report(content, {rejected: "AC04"}))
    assert (await treasury.run(UPDATE)).end.state is RunState.SUCCEEDED
    detail = await bus.ask(
        subjects.query("integrations", "payment-file"),
        PaymentFileQuery(file_id=file.file_id),
        PaymentFileDetail,
    )
    assert {order.payment_id: (order.state, order.reason) for order in detail.orders} == {
        f"{good.document_id.hex}-01": ("accepted", None),
        rejected: ("rejected", "AC04: the account is closed"),
    }
    (held,) = (await treasury.known(1, state="open")).items
    assert (held.document_id, held.held) == (
        bad.document_id, "the bank rejected its payment: AC04: the account is closed",
    )  # fmt: skip


async def test_a_statement_that_is_imported_reaches_the_orders(treasury: Treasury) -> None:
    """Both jobs read the same statement, in whichever order, and each payment changes once."""
    await treasury.installation.start(**treasury.settings)
    kept, returned = approved("qrr"), approved("scor")
    await treasury.approve(kept, returned)
    await treasury.run(CREATE)
    (path,) = (treasury.pickup / "acme").glob("*.xml")
    booked = statement(path.read_bytes())
    await treasury.files.put("inbox/bank/booked.xml", booked)
    await treasury.files.put("inbox/payments/booked.xml", booked)
    assert (await treasury.run(IMPORT)).end.state is RunState.SUCCEEDED
    assert len((await treasury.known(2, state="paid")).items) == 2
    update = await treasury.run(UPDATE)
    assert {record.outcome for record in update.records} == {Outcome.UNCHANGED}
    reason = {f"{returned.document_id.hex}-01": "AC06"}
    back = statement(path.read_bytes(), booked=[], returned=reason, opening=Decimal("49759.00"))
    await treasury.files.put("inbox/bank/returned.xml", back)
    assert (await treasury.run(IMPORT)).end.state is RunState.SUCCEEDED
    (held,) = (await treasury.known(1, state="open")).items
    assert held.document_id == returned.document_id
    assert held.held == "the bank rejected its payment: the money came back, as the statement shows"
    assert sorted(await treasury.told()) == sorted(
        [*((f"{one.document_id.hex}-01", "open", "ordered") for one in (kept, returned)),
         *((f"{one.document_id.hex}-01", "ordered", "paid") for one in (kept, returned)),
         (f"{returned.document_id.hex}-01", "paid", "rejected")]
    )  # fmt: skip
