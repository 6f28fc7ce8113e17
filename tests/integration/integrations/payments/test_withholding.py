"""An approval that is taken back against the run that makes the payment file: one of them, never both."""

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from services.integrations import payables
from services.integrations.payments.store import PostgresPaymentFiles
from services.integrations.payments.withholding import withhold
from shared.bus import Bus
from shared.commands import Withheld, WithholdPayment
from shared.errors import TagwerkError
from shared.events import InvoiceApproved, PaymentWithheld, decode_business_event, now
from shared.outbox import Outbox, Relay
from tests.integration.integrations.payments.conftest import Treasury, of_invoices
from tests.support.payments import approved


def asked(treasury: Treasury, document: UUID) -> WithholdPayment:
    return WithholdPayment(
        client=treasury.client, principal="ada", document_id=document, since=now(), round=1, reason="oops"
    )


async def take_back(treasury: Treasury, document: UUID) -> Withheld:
    outbox = Outbox(treasury.pool, Relay(treasury.pool, cast(Bus, None)))
    return await withhold(outbox, asked(treasury, document))


async def withheld(treasury: Treasury) -> list[PaymentWithheld]:
    rows = await treasury.pool.fetch(
        "select payload from outbox where subject = 'event.payment.withheld' order by id"
    )
    events = [decode_business_event(row["payload"]) for row in rows]
    return [one for one in events if isinstance(one, PaymentWithheld) and one.client == treasury.client]


async def test_a_withheld_invoice_is_not_ordered_before_it_is_approved_again(treasury: Treasury) -> None:
    event = await treasury.approve()
    for _ in range(2):
        await take_back(treasury, event.document_id)
    key = f"invoice:{event.document_id}"
    [record] = await treasury.create()
    assert record.message is not None
    assert record.message.startswith("ada withdrew the approval: oops; it can be paid when")
    assert of_invoices(await treasury.create(documents=[event.document_id])) == {key: "skipped"}
    [told] = await withheld(treasury)
    assert (told.document_id, told.round, told.principal) == (event.document_id, 1, "ada")
    await treasury.approve(document_id=event.document_id, time=now())
    assert of_invoices(await treasury.create()) == {key: "created"}


async def test_what_is_in_a_file_is_refused_with_the_file(treasury: Treasury) -> None:
    event = await treasury.approve()
    await treasury.create()
    [file] = await treasury.made()
    with pytest.raises(TagwerkError) as caught:
        await take_back(treasury, event.document_id)
    assert caught.value.failure.code == "payment_ordered"
    assert str(file) in caught.value.failure.cause
    assert await withheld(treasury) == []


async def test_an_approval_that_arrives_after_it_was_taken_back_is_held(treasury: Treasury) -> None:
    event = approved("qrr", client=treasury.client, time=now() - timedelta(seconds=1))
    await take_back(treasury, event.document_id)
    await payables.remember_approved_invoice(treasury.pool, event)
    assert of_invoices(await treasury.create()) == {f"invoice:{event.document_id}": "skipped"}


@pytest.mark.parametrize("first", ["file", "withdrawal"])
async def test_of_two_at_once_the_one_that_has_its_turn_first_decides(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """The second begins while the first is within its transaction, and has to wait for its end."""
    event: InvoiceApproved = await treasury.approve()
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        inside.set()
        await go_on.wait()

    real_choose, real_hold = PostgresPaymentFiles._choose, payables.hold

    async def choose(self: PostgresPaymentFiles, *arguments: Any, **words: Any) -> Any:
        chosen = await real_choose(self, *arguments, **words)
        if first == "file":
            await pause()
        return chosen

    async def hold(*arguments: Any) -> None:
        await real_hold(*arguments)
        if first == "withdrawal":
            await pause()

    monkeypatch.setattr(PostgresPaymentFiles, "_choose", choose)
    monkeypatch.setattr("services.integrations.payments.withholding.hold", hold)

    def start(which: str) -> "asyncio.Task[Any]":
        job = treasury.create() if which == "file" else take_back(treasury, event.document_id)
        return asyncio.create_task(job)

    one = start(first)
    await inside.wait()
    other = start("withdrawal" if first == "file" else "file")
    await asyncio.wait({other}, timeout=0.5)
    assert not other.done(), "it waits for its turn"
    go_on.set()
    made, taken = (one, other) if first == "file" else (other, one)
    records = await made
    if first == "file":
        assert of_invoices(records) == {f"invoice:{event.document_id}": "created"}
        with pytest.raises(TagwerkError, match="ordered already"):
            await taken
    else:
        await taken
        assert of_invoices(records) == {f"invoice:{event.document_id}": "skipped"}
    assert await treasury.state(event) == ("ordered" if first == "file" else "open")


async def test_of_many_at_once_each_is_either_ordered_or_withheld(treasury: Treasury) -> None:
    events = [await treasury.approve("plain", invoice_number=f"R-{number}") for number in range(12)]
    results = await treasury.together(
        *(lambda event=event: take_back(treasury, event.document_id) for event in events[:6]),
        treasury.create,
        *(lambda event=event: take_back(treasury, event.document_id) for event in events[6:]),
    )
    taken = [*results[:6], *results[7:]]
    assert not isinstance(results[6], BaseException), results[6]
    held = {one.document_id for one in await withheld(treasury)}
    for event, result in zip(events, taken, strict=True):
        is_held = isinstance(result, Withheld)
        assert is_held == (event.document_id in held)
        assert await treasury.state(event) == ("open" if is_held else "ordered"), result
