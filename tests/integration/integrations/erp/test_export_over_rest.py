"""Approved invoices become bookings in the ERP, each once, over real HTTP and in the real database."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from shared.errors import TagwerkError
from shared.events import now
from shared.ids import new_id
from shared.words import BookedIn, Outcome
from tests.integration.integrations.erp.conftest import Company, told
from tests.support.bookings import approved_booking
from tests.support.erp_server import TOKEN


def numbers_booked(company: Company) -> list[str]:
    return [booking["invoice_number"] for booking in company.books["bookings"]]


async def test_each_invoice_is_booked_once_with_its_document_and_its_supplier(company: Company) -> None:
    company.fill(suppliers=[{"id": "70001", "name": "Präzision", "vat_id": "DE123456789"}])
    await company.read(lists=["suppliers"])
    first = await company.approve("R-1", cost_center="K12")
    credit = await company.approve("R-2", b"a text", kind="credit_note", currency="CHF")
    incomplete = await company.approve("R-3", invoice_date=None)
    lost = await company.approve("R-4", None)
    foreseen = await company.export(dry_run=True)
    assert company.books["bookings"] == []
    records = await company.export()
    assert told(records) == told(foreseen) == {
        f"invoice:{first}": Outcome.CREATED,
        f"invoice:{credit}": Outcome.CREATED,
        f"invoice:{incomplete}": "booking_incomplete",
        f"invoice:{lost}": "file_missing",
    }  # fmt: skip
    books = company.books
    bookings = {booking["external_id"]: booking for booking in books["bookings"]}
    booking = bookings[str(first)]
    assert records[f"invoice:{first}"].message == f"EUR 119.00 booked in the ERP as {booking['number']}"
    assert booking["supplier"] == {
        "id": "70001", "name": "Präzision GmbH", "vat_id": "DE 123 456 789",
    }  # fmt: skip
    assert (booking["kind"], booking["cost_center"], booking["gross_amount"], booking["vat_amount"]) == (
        "invoice", "K12", "119.00", "19.00",
    )  # fmt: skip
    assert (bookings[str(credit)]["kind"], bookings[str(credit)]["currency"]) == ("credit_note", "CHF")
    assert books["documents"][str(first)] == {"media_type": "application/pdf", "content": "%PDF-1.7"}
    outbox = await company.pool.fetch("select payload from outbox")
    assert not [row for row in outbox if TOKEN.encode() in row["payload"]]
    assert not [call for call in company.calls if TOKEN in call.model_dump_json()]
    assert set(told(await company.export()).values()) == {"booking_incomplete", "file_missing"}
    assert told(await company.export(documents=[first])) == {f"invoice:{first}": Outcome.UNCHANGED}
    assert len(numbers_booked(company)) == 2


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("path", ["documents", "bookings"])
async def test_a_connection_that_breaks_leaves_nothing_in_doubt_and_nothing_twice(
    company: Company, path: str, side: str
) -> None:
    document = await company.approve()
    company.fault("PUT" if path == "documents" else "POST", path, break_off=side)
    run_id = new_id()
    if (path, side) == ("bookings", "after"):
        # The ERP is asked at once, and has it.
        records = await company.export(run_id=run_id)
    else:
        with pytest.raises(TagwerkError) as raised:
            await company.export(run_id=run_id)
        assert raised.value.failure.code == "external_system_unavailable"
        records = await company.export(run_id=run_id)
    assert records[f"invoice:{document}"].message == "EUR 119.00 booked in the ERP as B-1"
    assert numbers_booked(company) == ["R-1"]


async def test_an_erp_that_cannot_be_asked_either_is_asked_by_the_next_run(company: Company) -> None:
    document = await company.approve()
    company.fault("POST", "bookings", break_off="after")
    company.fault("GET", "bookings", status=500, times=2)
    for _ in range(2):
        with pytest.raises(TagwerkError):
            await company.export()
    records = await company.export()
    assert told(records) == {f"invoice:{document}": Outcome.CREATED}
    assert numbers_booked(company) == ["R-1"]


async def test_a_refusal_is_told_in_the_words_of_the_erp_and_the_invoice_can_be_exported_again(
    company: Company,
) -> None:
    refused, good = await company.approve("R-1"), await company.approve("R-2", invoice_date="2026-03-03")
    company.fault("POST", "bookings", status=422, detail="the period is closed")
    records = await company.export()
    failure = records[f"invoice:{refused}"].failure
    assert failure is not None
    assert (failure.code, failure.cause) == ("booking_refused", "the ERP refuses it: the period is closed")
    assert told(records)[f"invoice:{good}"] == Outcome.CREATED
    assert told(await company.export()) == {f"invoice:{refused}": Outcome.CREATED}
    assert numbers_booked(company) == ["R-2", "R-1"]


async def test_one_that_the_erp_cannot_serve_keeps_no_other_back_but_three_in_a_row_are_enough(
    company: Company,
) -> None:
    for number in range(1, 8):
        await company.approve(f"R-{number}", invoice_date=f"2026-03-0{number}")
    company.fault("POST", "bookings", status=500)
    with pytest.raises(TagwerkError):
        await company.export(until=date(2026, 3, 2))
    assert numbers_booked(company) == ["R-2"]
    company.fault("POST", "bookings", status=500, times=4)
    with pytest.raises(TagwerkError):
        await company.export()
    posts = [line for line in company.books["asked"] if line.startswith("POST")]
    # Two of the first run; then the one that was left, and three new ones.
    assert (len(posts), numbers_booked(company)) == (6, ["R-2"])
    assert len(await company.export()) == 6


async def test_an_erp_that_asks_to_wait_long_is_asked_again_only_then(company: Company) -> None:
    await company.approve("R-1")
    await company.approve("R-2")
    company.fault("POST", "bookings", status=429, retry_after=600)
    with pytest.raises(TagwerkError) as raised:
        await company.export()
    assert raised.value.failure.retry_after == 600
    assert [line for line in company.books["asked"] if line.startswith("POST")] == ["POST bookings"]


async def test_no_invoice_goes_two_ways(company: Company) -> None:
    booked, begun = await company.approve("R-1"), await company.approve("R-2", invoice_date="2026-03-03")
    company.fault("POST", "bookings", status=503, retry_after=600)
    with pytest.raises(TagwerkError):
        await company.export(documents=[booked])
    client = company.client
    assert company.rules.booked_in(client) is BookedIn.ERP
    with pytest.raises(TagwerkError) as raised:
        await company.export_to_datev()
    assert (raised.value.failure.code, client in raised.value.failure.cause) == ("erp_export_begun", True)
    await company.export(documents=[booked])
    records = await company.export_to_datev()
    assert told(records).get(f"invoice:{booked}") is None
    assert told(records)[f"invoice:{begun}"] == Outcome.CREATED
    assert told(await company.export()) == {}
    both = told(await company.export(documents=[booked, begun]))
    assert both == {f"invoice:{one}": Outcome.UNCHANGED for one in (booked, begun)}
    assert numbers_booked(company) == ["R-1"]


async def test_what_is_approved_otherwise_later_is_told_and_not_booked_again(company: Company) -> None:
    document = await company.approve()
    await company.export()
    changed: dict[str, Any] = {"gross_amount": "238.00", "net_amount": "200.00", "vat_amount": "38.00"}
    event = approved_booking(client=company.client, document_id=document, invoice_number="R-1", **changed)
    await company.tell(event.model_copy(update={"time": now()}))
    failure = (await company.export())[f"invoice:{document}"].failure
    assert failure is not None
    assert failure.code == "booked_otherwise"
    assert "booked in the ERP as B-1" in failure.cause
    assert told(await company.export()) == {}


async def test_documents_that_are_no_invoices_and_a_missing_token_say_so(company: Company) -> None:
    stranger = uuid4()
    assert told(await company.export(documents=[stranger])) == {f"invoice:{stranger}": "invoice_not_approved"}
    (company.rules.rest[company.client].token_file).write_text("\n")
    with pytest.raises(TagwerkError) as raised:
        await company.export()
    assert raised.value.failure.code == "erp_token_missing"
