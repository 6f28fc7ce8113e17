"""From approved invoices to files, rows and events; no invoice in two of them."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from services.integrations import payables
from shared.errors import TagwerkError
from shared.events import InvoiceApproved, InvoiceCorrected, InvoiceRejected, now
from shared.ids import new_id
from tests.integration.integrations.payments.conftest import Treasury, of_invoices, outcomes
from tests.support.payments import FRANCS, changed

SPACES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
SOON = (now().date() + timedelta(days=3)).isoformat()
LATER = (now().date() + timedelta(days=60)).isoformat()


def key(event: InvoiceApproved) -> str:
    return f"invoice:{event.document_id}"


async def test_each_invoice_that_is_due_stands_in_one_file_and_is_told(treasury: Treasury) -> None:
    due = [await treasury.approve(kind, due_date=SOON) for kind in ("qrr", "scor", "plain", "sepa")]
    await treasury.approve("plain", due_date=LATER)
    records = await treasury.create()
    assert of_invoices(records) == {key(event): "created" for event in due}
    files = await treasury.made()
    assert len(files) == 2, "one for each bank"
    assert {f"{id}.xml": content for id, content in files.items()} == treasury.picked_up()
    ids = [one.text for content in files.values() for one in _all(content, ".//p:EndToEndId")]
    assert sorted(ids) == sorted(f"{event.document_id.hex}-01" for event in due)
    events = await treasury.events()
    assert {(event.payment_id, event.before, event.after) for event in events} == {
        (id, "open", "ordered") for id in ids
    }
    assert len(events) == len(due)
    assert {await treasury.state(event) for event in due} == {"ordered"}
    assert not list((treasury.pickup / ".staged").iterdir())


def _all(content: bytes, path: str) -> list[etree._Element]:
    return list(etree.fromstring(content).iterfind(path, SPACES))


async def test_the_stated_risk_a_second_run_orders_what_is_new_and_nothing_twice(treasury: Treasury) -> None:
    first = await treasury.approve()
    await treasury.create()
    second = await treasury.approve("scor")
    records = await treasury.create()
    assert of_invoices(records) == {key(second): "created"}
    assert len(await treasury.made()) == 2, "the bank gets another file"
    third = await treasury.create()
    assert third == []
    assert {await treasury.state(one) for one in (first, second)} == {"ordered"}
    assert len(await treasury.events()) == 2


async def test_what_is_not_ordered_has_its_reason_and_the_others_go_on(treasury: Treasury) -> None:
    wrong = {
        "iban_missing": await treasury.approve(iban=None),
        "qr_reference_missing": await treasury.approve(reference=None),
        "payment_abroad_unsupported": await treasury.approve("sepa", currency="USD"),
        "amount_invalid": await treasury.approve(payable_amount="0.00"),
    }
    credit = await treasury.approve("plain", of="credit_note")
    good = await treasury.approve("scor")
    records = await treasury.create()
    assert of_invoices(records) == {
        **{key(event): f"failed {code}" for code, event in wrong.items()},
        key(credit): "skipped",
        key(good): "created",
    }
    assert all(record.failure.next_step for record in records if record.failure)
    again = await treasury.create(only=[key(event) for event in wrong.values()])
    assert of_invoices(again) == {key(event): f"failed {code}" for code, event in wrong.items()}


async def test_the_same_invoice_in_another_document_is_not_ordered_again(treasury: Treasury) -> None:
    one = await treasury.approve("plain")
    copy = await treasury.approve("plain")
    records = await treasury.create()
    assert sorted(of_invoices(records).values()) == ["created", "failed duplicate_payment"]
    left = one if of_invoices(records)[key(one)] != "created" else copy
    assert of_invoices(await treasury.create()) == {key(left): "failed duplicate_payment"}
    named = await treasury.create(documents=[left.document_id])
    assert of_invoices(named) == {key(left): "created"}


async def test_documents_account_currency_and_day_can_be_chosen(treasury: Treasury) -> None:
    wanted = await treasury.approve("plain", due_date=LATER)
    other = await treasury.approve("scor", due_date=SOON)
    euros = await treasury.approve("sepa", due_date=SOON)
    unknown = new_id()
    records = await treasury.create(
        documents=[wanted.document_id, unknown], execution_date=date.fromisoformat(LATER)
    )
    assert of_invoices(records) == {
        key(wanted): "created", f"invoice:{unknown}": "failed invoice_not_approved",
    }  # fmt: skip
    ((_, content),) = (await treasury.made()).items()
    assert _all(content, ".//p:ReqdExctnDt/p:Dt")[0].text >= LATER
    records = await treasury.create(account="CH93 0076 2011 6238 5295 7")
    assert of_invoices(records) == {key(other): "created", key(euros): "skipped"}
    again = await treasury.create(documents=[wanted.document_id])
    assert of_invoices(again) == {key(wanted): "skipped"}
    assert await treasury.create(currency="CHF") == []
    assert of_invoices(await treasury.create(currency="CHF", documents=[euros.document_id])) == {
        key(euros): "skipped"
    }


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"account": "CH5604835012345678009 "}, None),
        ({"account": "DE89370400440532013000"}, "account_unknown"),
        ({"execution_date": date(2020, 1, 1)}, "execution_date_past"),
    ],
)
async def test_what_cannot_be_meant_ends_the_run(
    treasury: Treasury, parameters: dict[str, Any], code: str | None
) -> None:
    event = await treasury.approve()
    if code is None:
        assert of_invoices(await treasury.create(**parameters)) == {key(event): "skipped"}
        return
    with pytest.raises(TagwerkError) as caught:
        await treasury.create(**parameters)
    assert caught.value.failure.code == code


async def test_a_client_without_accounts_is_told_where_they_belong(treasury: Treasury) -> None:
    treasury.accounts = ()
    with pytest.raises(TagwerkError, match="no account") as caught:
        await treasury.create()
    assert "TAGWERK_ACCOUNTS_FILE" in caught.value.failure.next_step


async def test_currency_without_an_account_fails_and_names_the_file(treasury: Treasury) -> None:
    treasury.accounts = (FRANCS,)
    event = await treasury.approve("sepa")
    assert of_invoices(await treasury.create()) == {key(event): "failed account_missing"}


async def test_an_invoice_that_was_corrected_or_rejected_after_its_approval_is_not_paid(
    treasury: Treasury,
) -> None:
    waits, rejected = await treasury.approve(), await treasury.approve("scor")
    correction = InvoiceCorrected(
        client="acme",
        principal="ada",
        document_id=waits.document_id,
        before={"iban": "A"},
        after={"iban": "B"},
    )
    await payables.hold_corrected_invoice(treasury.pool, correction)
    refusal = InvoiceRejected(
        client="acme", principal="ada", document_id=rejected.document_id, reason="not ours"
    )
    await payables.hold_rejected_invoice(treasury.pool, refusal)
    records = await treasury.create(documents=[waits.document_id, rejected.document_id])
    assert of_invoices(records) == {key(waits): "skipped", key(rejected): "skipped"}
    again = changed(waits, payable_amount="99.00")
    await payables.remember_approved_invoice(treasury.pool, again)
    await treasury.create()
    ((_, content),) = (await treasury.made()).items()
    assert [one.text for one in _all(content, ".//p:InstdAmt")] == ["99.00"]


async def test_an_approval_held_before_its_event_comes_is_held_all_the_same(treasury: Treasury) -> None:
    event = await treasury.approve(time=now() - timedelta(seconds=5))
    refusal = InvoiceRejected(
        client="acme", principal="ada", document_id=event.document_id, reason="no",
        time=now() - timedelta(seconds=9),
    )  # fmt: skip
    await payables.hold_rejected_invoice(treasury.pool, refusal)
    assert of_invoices(await treasury.create()) == {key(event): "created"}, "it was approved after that"


async def test_an_approval_while_the_payment_is_under_way_changes_nothing_that_is_ordered(
    treasury: Treasury,
) -> None:
    event = await treasury.approve()
    await treasury.create()
    await payables.remember_approved_invoice(treasury.pool, changed(event, payable_amount="99.00"))
    assert await treasury.create() == []
    assert await treasury.state(event) == "ordered"
    amount = await treasury.pool.fetchval(
        "select amount from payables where document_id = $1", event.document_id
    )
    assert str(amount) == "120.50"


async def test_runs_at_once_order_each_invoice_once(treasury: Treasury) -> None:
    events = [await treasury.approve(invoice_number=f"R-{n}", payable_amount=f"{n}.00") for n in range(1, 31)]
    results = await treasury.together(*[lambda: treasury.create()] * 4)
    assert all(isinstance(result, list) for result in results), results
    created = [
        key for result in results for key, outcome in of_invoices(result).items() if outcome == "created"
    ]
    assert len(set(created)) == len(events)
    ids = [
        one.text for content in (await treasury.made()).values() for one in _all(content, ".//p:EndToEndId")
    ]
    assert sorted(ids) == sorted(f"{event.document_id.hex}-01" for event in events)
    assert len(await treasury.events()) == len(events)


async def test_a_folder_that_cannot_be_written_is_a_failure_that_passes(
    treasury: Treasury, tmp_path: Path
) -> None:
    event = await treasury.approve()
    treasury.pickup.write_text("a file, no folder")
    with pytest.raises(TagwerkError) as caught:
        await treasury.create()
    assert (caught.value.failure.code, caught.value.failure.retryable) == ("pickup_folder_unavailable", True)
    assert await treasury.events() == []
    treasury.pickup.unlink()
    records = await treasury.create()
    assert of_invoices(records) == {key(event): "created"}
    assert len(treasury.picked_up()) == 1
    assert [line.message for line in treasury.lines] == ["completes a file that was begun before"]


async def test_without_a_pick_up_folder_the_files_port_has_them(treasury: Treasury) -> None:
    await treasury.approve()
    records = await treasury.create(pickup=False)
    (file,) = [key for key in outcomes(records) if key.startswith("payment-file:")]
    assert file == f"payment-file:{next(iter(await treasury.made()))}"
    assert not treasury.pickup.exists()
