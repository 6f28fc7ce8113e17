"""What the bank says, applied: states, reasons, events, and what changes nothing."""

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from cli.demo.bank import statement, status_report
from services.integrations import payables
from services.integrations.payments.status_store import PostgresPaymentStatuses
from shared.database import Pool
from shared.events import InvoiceApproved, now
from shared.ids import new_id
from shared.outbox import Transaction
from tests.integration.integrations.payments.conftest import Treasury, of_invoices, outcomes
from tests.support.payments import FRANCS, changed

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


def payment(event: InvoiceApproved, number: int = 1) -> str:
    return f"{event.document_id.hex}-{number:02}"


async def ordered(treasury: Treasury, *kinds: str) -> tuple[bytes, list[InvoiceApproved]]:
    """One payment file with an invoice of each kind."""
    treasury.accounts = (FRANCS,)
    events = [
        await treasury.approve(kind, invoice_number=f"R-{n}")
        for n, kind in enumerate(kinds or ("qrr", "scor"))
    ]
    await treasury.create()
    (content,) = (await treasury.made()).values()
    return content, events


async def test_every_transaction_gets_its_state_and_the_rejected_invoice_is_open_again(
    treasury: Treasury,
) -> None:
    file, (good, bad) = await ordered(treasury)
    records = await treasury.update(status_report(file, {payment(bad): "AC04"}, at=NOON))
    assert [(record.label, record.message) for record in records if "AC04" in str(record.message)] == [
        ("Käserei Oberland, invoice R-1", "rejected: AC04: the account is closed")
    ]
    changes = {record.key.split("/")[0]: record.changes for record in records}
    assert changes == {
        f"payment:{payment(good)}": {"payment": ("ordered", "accepted")},
        f"payment:{payment(bad)}": {"payment": ("ordered", "rejected")},
    }
    assert (await treasury.state(good), await treasury.state(bad)) == ("accepted", "open")
    told = {event.document_id: event for event in (await treasury.events())[2:]}
    assert (told[good.document_id].after, told[good.document_id].reason_code) == ("accepted", None)
    rejected = told[bad.document_id]
    assert (rejected.before, rejected.after, rejected.reason_code) == ("ordered", "rejected", "AC04")
    assert rejected.reason == "AC04: the account is closed"


async def test_a_rejected_invoice_is_ordered_again_when_it_is_named_or_approved_again(
    treasury: Treasury,
) -> None:
    file, (one, other) = await ordered(treasury)
    await treasury.update(status_report(file, {payment(one): "AC04", payment(other): "RR03"}, at=NOON))
    (first, second) = sorted(of_invoices(await treasury.create()).values()), await treasury.create()
    assert first == ["skipped", "skipped"]
    assert all("the bank rejected its last payment" in str(record.message) for record in second)
    named = await treasury.create(documents=[one.document_id])
    assert of_invoices(named) == {f"invoice:{one.document_id}": "created"}
    await payables.remember_approved_invoice(treasury.pool, changed(other, payee_town="Thun"))
    again = await treasury.create()
    assert of_invoices(again) == {f"invoice:{other.document_id}": "created"}
    ids = {event.payment_id for event in await treasury.events() if event.after == "ordered"}
    assert {payment(one, 2), payment(other, 2)} <= ids


async def test_an_approval_that_waited_counts_after_the_rejection(treasury: Treasury) -> None:
    file, (event,) = await ordered(treasury, "qrr")
    await payables.remember_approved_invoice(treasury.pool, changed(event, payable_amount="99.00"))
    await treasury.update(status_report(file, {payment(event): "AM09"}, at=NOON))
    await treasury.create(documents=[event.document_id])
    contents = (await treasury.made()).values()
    assert any(b">99.00</InstdAmt>" in content for content in contents)


async def test_the_same_file_again_changes_nothing(treasury: Treasury) -> None:
    file, (good, bad) = await ordered(treasury)
    report = status_report(file, {payment(bad): "AC04"}, at=NOON)
    await treasury.update(report)
    before = await treasury.events()
    assert await treasury.update() == [], "the inbox holds nothing new"
    # The same content in another message.
    records = await treasury.update(report + b"\n")
    assert {record.outcome for record in records} == {"unchanged"}
    assert await treasury.events() == before
    assert (await treasury.state(good), await treasury.state(bad)) == ("accepted", "open")


async def test_a_statement_pays_and_returns(treasury: Treasury) -> None:
    file, (kept, returned) = await ordered(treasury)
    records = await treasury.update(statement(file, returned={payment(returned): "AC06"}))
    changes = {record.key.split("/")[0]: record.changes for record in records}
    assert changes == {
        f"payment:{payment(kept)}": {"payment": ("ordered", "paid")},
        f"payment:{payment(returned)}": {"payment": ("ordered", "rejected")},
    }
    assert (await treasury.state(kept), await treasury.state(returned)) == ("paid", "open")
    again = await treasury.update(statement(file, at=now() + timedelta(days=1)))
    assert {record.outcome for record in again} == {"unchanged"}
    assert await treasury.state(returned) == "open", "the debit is older than its return"


async def test_a_return_after_the_payment_opens_the_invoice_and_a_rejection_needs_a_person(
    treasury: Treasury,
) -> None:
    file, (one, other) = await ordered(treasury)
    await treasury.update(statement(file))
    report = status_report(file, {payment(one): "AC04"}, at=datetime(2050, 1, 1, tzinfo=UTC))
    records = outcomes(await treasury.update(report))
    assert sorted(records.values()) == ["failed status_contradictory", "unchanged"]
    assert await treasury.state(one) == "paid"
    await treasury.update(statement(file, booked=[], returned={payment(other): "AC06"}))
    assert await treasury.state(other) == "open"
    last = (await treasury.events())[-1]
    assert (last.before, last.after, last.reason_code) == ("paid", "rejected", "AC06")


async def test_an_older_report_after_a_newer_one_changes_nothing_and_says_so(treasury: Treasury) -> None:
    file, (event,) = await ordered(treasury, "qrr")
    await treasury.update(status_report(file, {payment(event): "AC04"}, at=NOON))
    (record,) = await treasury.update(status_report(file, at=NOON - timedelta(hours=1)))
    assert record.outcome == "unchanged"
    assert record.message == "this is older (2026-03-12 11:00) than what is known (2026-03-12 12:00)"
    (record,) = await treasury.update(status_report(file, at=NOON + timedelta(hours=1)))
    assert record.failure is not None
    assert record.failure.code == "status_contradictory"


async def test_what_was_not_ordered_here_is_skipped(treasury: Treasury) -> None:
    file, (event,) = await ordered(treasury, "qrr")
    stranger = "0" * 32 + "-01"
    (file_id,) = await treasury.made()
    theirs = file.replace(file_id.hex.encode(), b"1" * 32).replace(payment(event).encode(), stranger.encode())
    report = status_report(theirs, {stranger: "AC04"}, at=NOON)
    records = await treasury.update(report)
    told = {record.key.split("/")[0]: record.outcome for record in records}
    assert told == {
        f"payment:{stranger}": "skipped",
        f"payment:{'1' * 32}": "skipped",
        f"payment:{'1' * 32}001": "skipped",
    }
    other = Treasury(treasury.pool, treasury.pickup.parent)
    foreign = await other.update(status_report(file, {payment(event): "AC04"}, at=NOON))
    assert {record.outcome for record in foreign} == {"skipped"}
    assert await other.events() == []
    assert await treasury.state(event) == "ordered"


async def test_a_file_that_cannot_be_read_does_not_keep_the_others_back(treasury: Treasury) -> None:
    file, (event,) = await ordered(treasury, "qrr")
    laughs = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><lolz>&lol;</lolz>'
    records = await treasury.update(b"<broken", laughs, file, status_report(file, at=NOON))
    unreadable = "failed status_file_unreadable"
    told = sorted(outcomes(records).values())
    assert told == [unreadable, unreadable, "failed status_file_unsafe", "updated"]
    assert await treasury.state(event) == "accepted"


class Dead(BaseException):
    """Nothing catches it: open transactions are rolled back, committed rows stay."""


@pytest.mark.parametrize("step", ["apply", "read_to_its_end"])
async def test_a_run_that_dies_is_ended_by_the_next(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before the step, after it, in its open transaction; ended by another attempt, or by another run."""
    for place, (when, next_is) in enumerate(product(("before", "inside", "after"), ("attempt", "run"))):
        treasury = Treasury(pool, tmp_path / str(place))
        file, (good, bad) = await ordered(treasury)
        report = status_report(file, {payment(bad): "AC04"}, at=NOON)
        run_id = new_id()
        with monkeypatch.context() as patched:
            die(patched, step, when)
            with pytest.raises(Dead):
                await treasury.update(report, run_id=run_id)
        if next_is == "attempt":
            records = await treasury.update(run_id=run_id, attempt=2)
            changes = {record.key.split("/")[0]: (record.outcome, record.changes) for record in records}
            assert changes == {
                f"payment:{payment(good)}": ("updated", {"payment": ("ordered", "accepted")}),
                f"payment:{payment(bad)}": ("updated", {"payment": ("ordered", "rejected")}),
            }, "what the run changed counts as changed, in whichever attempt"
        else:
            await treasury.update()
        assert (await treasury.state(good), await treasury.state(bad)) == ("accepted", "open")
        told = [(event.document_id, event.after) for event in await treasury.events()]
        assert sorted(told) == sorted(
            [(good.document_id, "ordered"), (bad.document_id, "ordered"),
             (good.document_id, "accepted"), (bad.document_id, "rejected")]
        )  # fmt: skip
        assert await treasury.update() == []


def die(monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    real = getattr(PostgresPaymentStatuses, step)

    async def in_transaction(self: Transaction, context: object) -> bool:
        raise Dead

    async def dying(self: PostgresPaymentStatuses, *arguments: object) -> None:
        if when == "before":
            raise Dead
        if when == "inside":
            monkeypatch.setattr(Transaction, "write", in_transaction)
        await real(self, *arguments)
        raise Dead

    monkeypatch.setattr(PostgresPaymentStatuses, step, dying)


async def test_two_runs_at_once_change_each_payment_once(treasury: Treasury) -> None:
    file, events = await ordered(treasury)
    report = status_report(file, {payment(events[1]): "AC04"}, at=NOON)
    await treasury.files.put("inbox/payments/report.xml", report)
    results = await treasury.together(*[treasury.update] * 4)
    assert all(isinstance(result, list) for result in results), results
    told = [event.after for event in await treasury.events()]
    assert sorted(told) == ["accepted", "ordered", "ordered", "rejected"]


async def test_a_rerun_of_some_records_reads_the_inbox_again(treasury: Treasury) -> None:
    file, (one, _) = await ordered(treasury)
    first = await treasury.update(status_report(file, at=NOON))
    (key,) = [record.key for record in first if payment(one) in record.key]
    again = await treasury.update(only=[key])
    assert [record.key for record in again] == [key]
