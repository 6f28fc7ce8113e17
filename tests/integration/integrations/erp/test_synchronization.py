"""Payments here and in the ERP agree afterwards, and each difference was told, with its side."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.errors import TagwerkError
from shared.events import InvoicePaid, decode_business_event
from shared.ids import new_id
from shared.words import Outcome
from tests.integration.integrations.erp.conftest import Company, told


def item(document: UUID | None, id: str = "OP-1", **values: Any) -> dict[str, Any]:
    external = {} if document is None else {"external_id": str(document)}
    return {
        "id": id, "supplier_id": "70001", "invoice_number": "R-1", "currency": "EUR", "amount": "119.00",
        "open_amount": "119.00", **external, **values,
    }  # fmt: skip


PAID = {"open_amount": "0.00", "paid_on": "2026-03-20"}


async def events(company: Company) -> list[InvoicePaid]:
    rows = await company.pool.fetch("select payload from outbox where subject = 'event.invoice.paid'")
    decoded = [decode_business_event(row["payload"]) for row in rows]
    return [one for one in decoded if isinstance(one, InvoicePaid) and one.client == company.client]


async def test_what_the_erp_knows_as_paid_becomes_paid_here_once(company: Company) -> None:
    document = await company.approve()
    company.fill(open_items=[item(document, **PAID)], suppliers=[{"id": "70001", "name": "Präzision"}])
    foreseen = await company.synchronize(dry_run=True)
    assert (await company.payment_state(document), await events(company)) == ("open", [])
    records = await company.synchronize()
    assert told(records) == told(foreseen) == {
        "erp-supplier:70001": Outcome.CREATED,
        "erp-open-item:OP-1": Outcome.CREATED,
        f"invoice:{document}": Outcome.UPDATED,
    }  # fmt: skip
    record = records[f"invoice:{document}"]
    assert record.changes == {"payment": ("open", "paid")}
    assert record.message == "changed here: paid, as the ERP says"
    (paid,) = await events(company)
    assert (str(paid.amount), str(paid.booked_on), paid.transaction) == (
        "119.00", "2026-03-20", "erp-open-item:OP-1",
    )  # fmt: skip
    assert set(told(await company.synchronize()).values()) == {Outcome.UNCHANGED}
    assert (await company.payment_state(document), len(await events(company))) == ("paid", 1)


async def test_what_is_paid_here_becomes_paid_in_the_erp_and_the_second_run_changes_nothing(
    company: Company,
) -> None:
    document = await company.approve()
    await company.pay(document)
    # Not booked by us: known by its number, amount and currency.
    company.fill(open_items=[item(None)])
    foreseen = await company.synchronize(dry_run=True)
    assert company.books["open-items"][0]["open_amount"] == "119.00"
    run_id = new_id()
    records = await company.synchronize(run_id=run_id)
    assert told(records) == told(foreseen)
    assert records[f"invoice:{document}"].changes == {"payment_in_erp": ("open", "paid")}
    assert company.books["open-items"][0]["open_amount"] == "0.00"
    for again in (await company.synchronize(), await company.synchronize()):
        assert set(told(again).values()) == {Outcome.UNCHANGED}
    patches = [line for line in company.books["asked"] if line.startswith("PATCH")]
    assert patches == ["PATCH open-items/OP-1"]


async def test_an_answer_that_is_lost_is_found_out_by_the_next_attempt(company: Company) -> None:
    document = await company.approve()
    await company.pay(document)
    company.fill(open_items=[item(document)])
    company.fault("PATCH", "open-items", break_off="after")
    run_id = new_id()
    with pytest.raises(TagwerkError):
        await company.synchronize(run_id=run_id)
    assert company.books["open-items"][0]["open_amount"] == "0.00"
    records = await company.synchronize(run_id=run_id)
    assert records[f"invoice:{document}"].message == "changed in the ERP: paid, as it is here"
    # What the first attempt told of the item stands.
    assert "erp-open-item:OP-1" not in records
    assert set(told(await company.synchronize()).values()) == {Outcome.UNCHANGED}


async def test_an_item_that_changes_meanwhile_or_cannot_be_changed_is_told_and_tried_again(
    company: Company,
) -> None:
    document = await company.approve()
    await company.pay(document)
    company.fill(open_items=[item(document)])
    company.fault("PATCH", "open-items", status=412)
    company.fault("PATCH", "open-items", status=409, detail="the period is closed")
    for code in ("erp_changed_meanwhile", "erp_settlement_refused"):
        assert told(await company.synchronize())[f"invoice:{document}"] == code
    assert told(await company.synchronize())[f"invoice:{document}"] == Outcome.UPDATED


async def test_what_the_bank_has_still_to_say_is_left_alone(company: Company) -> None:
    ordered, returned, part, unknown = [await company.approve(f"R-{number}") for number in range(1, 5)]
    await company.order(ordered)
    company.fill(open_items=[item(returned, "OP-2")])
    await company.pay(returned)
    await company.synchronize()
    # The money comes back: it is open here again, and the ERP, which was told, still says that it is paid.
    await company.pool.execute("update payables set state = 'open' where document_id = $1", returned)
    company.fill(
        open_items=[
            item(ordered, "OP-1", **PAID), item(returned, "OP-2", **PAID),
            item(part, "OP-3", open_amount="1"),
            item(uuid4(), "OP-4", **PAID), item(unknown, "OP-5"),
        ]
    )  # fmt: skip
    records = {key: one for key, one in (await company.synchronize()).items() if key.startswith("invoice:")}
    assert told(records) == {
        f"invoice:{ordered}": Outcome.SKIPPED, f"invoice:{returned}": "erp_payment_came_back",
    }  # fmt: skip
    assert [await company.payment_state(one) for one in (ordered, returned, part)] == [
        "ordered", "open", "open",
    ]  # fmt: skip


async def test_a_list_that_fails_keeps_the_other_back_from_nothing(company: Company) -> None:
    document = await company.approve()
    company.fill(open_items=[item(document, **PAID)])
    company.fault("GET", "suppliers", status=500)
    with pytest.raises(TagwerkError):
        await company.synchronize()
    assert await company.payment_state(document) == "paid"
