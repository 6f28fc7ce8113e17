"""Approved invoices become exports in a folder, on the real bus and the real database: each once."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from lxml import etree

from shared import subjects
from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    BusinessEventBase,
    InvoiceRejected,
    Requested,
    decode_run_event,
    now,
)
from shared.files import Files, open_store
from shared.ids import new_id
from shared.intake import original_key
from shared.requests import request_run
from shared.subjects import RunSubjects
from shared.words import Lane, Outcome, RunState, Trigger
from tests.integration.integrations.conftest import Installation
from tests.support.bookings import approved_booking, read_stack, write_rules
from tests.support.engine import Told

JOB = "integrations.erp-export"
PDF = b"%PDF-1.7\n% an invoice\n"


class Books:
    """A client whose approved invoices are exported, and the folder that its tax adviser looks into."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.client = f"c{uuid4().hex[:8]}"
        self.folder = folder / "datev" / self.client
        self._rules = write_rules(folder / "erp.toml", folder / "datev", self.client)

    async def start(self) -> None:
        await self.installation.start(erp_file=self._rules)

    async def approve(self, number: str, content: bytes | None = PDF, **values: Any) -> UUID:
        """An approved invoice whose document lies in the files port; its id."""
        event = approved_booking(client=self.client, invoice_number=number, **values)
        if content is not None:
            files = Files(open_store(self.installation.settings().files_url), self.client)
            await files.put(original_key(event.document_id), content)
        await self.tell(event)
        return event.document_id

    async def tell(self, event: BusinessEventBase) -> None:
        """Publish, and wait until the service knows it."""
        kind: str = event.type  # type: ignore[attr-defined]
        sequence = await self.installation.bus.publish(kind, event.encode(), msg_id=str(event.id))
        durable = subjects.events_durable("integrations")
        async with asyncio.timeout(30):
            while True:
                info = await self.installation.bus.nc.jetstream().consumer_info(subjects.EVENTS, durable)
                if (info.ack_floor.stream_seq if info.ack_floor else 0) >= sequence:
                    return
                await asyncio.sleep(0.02)

    async def run(self, *, dry_run: bool = False, **parameters: Any) -> Told:
        request = Requested(
            run_id=new_id(), job=JOB, client=self.client, principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, parameters=parameters, dry_run=dry_run,
        )  # fmt: skip
        await request_run(self.installation.bus, request, Lane.INTERACTIVE)
        return await self.installation.ended(request.run_id, job=JOB)

    async def failure(self, run_id: UUID) -> Failure:
        """Why the first attempt failed."""
        async with asyncio.timeout(30):
            while True:
                messages = await self.installation.bus.read(subjects.RUNS, RunSubjects(JOB, run_id).all)
                for event in (decode_run_event(message.data) for message in messages):
                    if isinstance(event, AttemptFailed):
                        return event.failure
                await asyncio.sleep(0.05)

    def exports(self) -> list[Path]:
        """What the tax adviser sees."""
        return sorted(self.folder.glob("[!.]*"))


@pytest.fixture
async def books(installation: Installation, tmp_path: Path) -> Books:
    books = Books(installation, tmp_path)
    await books.start()
    return books


def outcomes(told: Told) -> dict[str, str]:
    """Code or outcome by invoice number."""
    return {
        (record.label or record.key).rpartition(" ")[2]: record.failure.code
        if record.failure
        else record.outcome
        for record in told.records
        if record.key.startswith("invoice:")
    }


async def test_approved_invoices_stand_in_one_export_with_their_documents_and_in_no_other(
    books: Books,
) -> None:
    first = await books.approve("R-1", cost_center="K12")
    second = await books.approve("R-2", b"\xff\xd8\xff a photo", invoice_date="2026-02-27")
    await books.approve("R-3", currency="CHF")
    await books.approve("R-4", None)
    foreseen = await books.run(dry_run=True)
    assert (set(outcomes(foreseen)), books.exports()) == ({"R-1", "R-2", "R-3", "R-4"}, [])

    told = await books.run()
    assert told.end.state is RunState.PARTIALLY_FAILED
    assert outcomes(told) == {
        "R-1": Outcome.CREATED, "R-2": Outcome.CREATED, "R-3": "currency_not_booked", "R-4": "file_missing",
    }  # fmt: skip
    (export,) = books.exports()
    stack, documents = sorted(export.iterdir(), key=lambda path: path.suffix)
    assert (stack.name, documents.name) == (
        f"EXTF_Buchungsstapel_{export.name}.csv", f"Belege_{export.name}.zip",
    )  # fmt: skip
    _, bookings = read_stack(stack.read_bytes())
    assert [(one["Belegfeld 1"], one["KOST1 - Kostenstelle"], one["Beleglink"]) for one in bookings] == [
        ("R-2", "", f'BEDI "{second}"'),
        ("R-1", "K12", f'BEDI "{first}"'),
    ]
    with zipfile.ZipFile(io.BytesIO(documents.read_bytes())) as archive:
        index = etree.fromstring(archive.read("document.xml"))
        named = {
            document.get("guid"): archive.read(document[0].get("name"))
            for document in index.iterfind(".//{*}document")
        }
        assert sorted(name.rpartition(".")[2] for name in archive.namelist()) == ["jpg", "pdf", "xml"]
    assert named == {str(first): PDF, str(second): b"\xff\xd8\xff a photo"}

    # Taken by whoever books it; the next run has nothing to do but what failed.
    export.rename(books.folder.parent / "taken")
    assert outcomes(await books.run()) == {"R-3": "currency_not_booked", "R-4": "file_missing"}
    named_again = await books.run(documents=[str(first)])
    assert outcomes(named_again) == {"R-1": Outcome.UNCHANGED}
    assert books.exports() == []


async def test_each_fiscal_year_has_a_stack_of_its_own_and_a_day_ends_what_is_exported(books: Books) -> None:
    for number, day in (("R-1", "2025-12-31"), ("R-2", "2026-01-01"), ("R-3", "2026-02-01")):
        await books.approve(number, invoice_date=day)
    assert set(outcomes(await books.run(until="2026-01-31"))) == {"R-1", "R-2"}
    stacks = [read_stack(next(export.glob("*.csv")).read_bytes()) for export in books.exports()]
    assert sorted((head[12], [line["Belegfeld 1"] for line in lines]) for head, lines in stacks) == [
        ("20250101", ["R-1"]),
        ("20260101", ["R-2"]),
    ]


async def test_what_changes_after_it_was_booked_is_told_once_and_exported_never_again(books: Books) -> None:
    first, second = await books.approve("R-1"), await books.approve("R-2")
    third = await books.approve("R-3")
    await books.tell(
        InvoiceRejected(client=books.client, principal="ada", document_id=third, reason="ordered by nobody")
    )
    told = await books.run()
    assert outcomes(told) == {"R-1": Outcome.CREATED, "R-2": Outcome.CREATED, "R-3": Outcome.SKIPPED}

    same = approved_booking(client=books.client, document_id=second, invoice_number="R-2")
    other = approved_booking(
        client=books.client, document_id=first, invoice_number="R-1", gross_amount="238.00",
        net_amount="200.00", vat_amount="38.00",
    )  # fmt: skip
    for event in (same, other):
        await books.tell(event.model_copy(update={"time": now()}))
    (changed,) = [one for one in (await books.run()).records if one.failure]
    assert changed.failure is not None
    assert (changed.key, changed.failure.code) == (f"invoice:{first}", "booked_otherwise")
    assert "gross amount 119.00 became 238.00" in changed.failure.cause
    await books.tell(
        InvoiceRejected(client=books.client, principal="ada", document_id=second, reason="a mistake")
    )
    (rejected,) = [one for one in (await books.run()).records if one.failure]
    assert rejected.key == f"invoice:{second}"
    assert [one for one in (await books.run()).records if one.failure] == []
    assert len(books.exports()) == 1


async def test_a_folder_that_is_away_leaves_an_export_that_the_next_run_completes(books: Books) -> None:
    await books.approve("R-1")
    books.folder.parent.mkdir(exist_ok=True)
    books.folder.write_text("no folder")
    run_id = await books.installation.request(job=JOB, client=books.client)
    failure = await books.failure(run_id)
    assert (failure.code, failure.retryable) == ("erp_folder_unavailable", True)
    books.folder.unlink()
    await books.approve("R-2")
    told = await books.run()
    assert outcomes(told) == {"R-1": Outcome.CREATED, "R-2": Outcome.CREATED}
    stacks = [read_stack(next(export.glob("*.csv")).read_bytes())[1] for export in books.exports()]
    assert sorted(line["Belegfeld 1"] for stack in stacks for line in stack) == ["R-1", "R-2"]


async def test_a_client_of_which_nobody_said_how_it_is_booked_is_told_so(installation: Installation) -> None:
    await installation.start()
    told = await installation.run(job=JOB)
    assert told.end.failure is not None
    assert told.end.failure.code == "erp_not_set_up"
