"""Batches booked in one sum and told one by one; money that came back before it was known to have left."""

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.database import Pool
from shared.ids import new_id
from shared.outbox import Superseded
from shared.words import Outcome
from tests.integration.integrations.test_bank_store import QRR, approve, debit, paid, state
from tests.support.bank_files import Booking, Payment, camt053, camt054, mt940, part_of
from tests.support.bank_import import import_files

DAY = date(2026, 3, 9)
#: The bank's reference, longer than MT940 has room for.
BANK = {"bank_ref": "BANK-REF-4711-0815"}


def singles(**told: Any) -> list[Booking]:
    """The payments of a batch of 60.00 as a notification tells them: an entry for each."""
    return [
        Booking(Decimal(f"-{n}0.00"), day=DAY, payment_id=f"E2E-000000{n}", reference=f"RF18{n}", **told)
        for n in (1, 2, 3)
    ]


def summed(**told: Any) -> Booking:
    """The same batch as the statement books it."""
    payments = tuple(Payment(-one.amount, one.payment_id) for one in singles())
    return Booking(Decimal("-60.00"), day=DAY, payments=payments, **told)


async def invoices(pool: Pool) -> list[Any]:
    return [await approve(pool, reference=f"RF18{n}", payable_amount=f"{n}0.00") for n in (1, 2, 3)]


async def amounts(pool: Pool) -> list[str]:
    rows = await pool.fetch("select amount from bank_transactions order by amount")
    return [f"{row['amount']:.2f}" for row in rows]


@pytest.mark.parametrize(
    ("name", "write"),
    [({"batch_id": "BLOCK-4711"}, camt053), (BANK, camt053), (BANK, mt940)],
    ids=["block", "bank", "mt940"],
)
async def test_payments_that_come_after_their_sum_become_its_details(
    pool: Pool, tmp_path: Path, name: dict[str, str], write: Any
) -> None:
    documents = await invoices(pool)
    other = Booking(Decimal("-60.00"), day=DAY, bank_ref="OTHER")
    part = part_of([summed(**name), other])
    statement = camt053(part, details=False) if write is camt053 else mt940(part)
    await import_files(pool, tmp_path, statement)
    assert (await amounts(pool), await paid(pool)) == (["-60.00", "-60.00"], [])
    told = await import_files(pool, tmp_path, camt054(part_of(singles(**name))))
    assert told.outcomes == ["updated"]
    assert "3 payments" in (told.transactions[0].message or "")
    assert await amounts(pool) == ["-60.00", "-60.00"]
    assert {event.document_id for event in await paid(pool)} == set(documents)
    again = await import_files(pool, tmp_path, camt054(part_of(singles(**name))))
    assert again.outcomes == ["unchanged"]
    await import_files(pool, tmp_path, statement)
    assert (await amounts(pool), len(await paid(pool))) == (["-60.00", "-60.00"], 3)


@pytest.mark.parametrize("name", [{"batch_id": "BLOCK-4711"}, BANK], ids=["block", "bank"])
async def test_a_sum_that_comes_after_its_payments_is_not_stored_beside_them(
    pool: Pool, tmp_path: Path, name: dict[str, str]
) -> None:
    documents = await invoices(pool)
    await import_files(pool, tmp_path, camt054(part_of(singles(**name))))
    assert {event.document_id for event in await paid(pool)} == set(documents)
    other = Booking(Decimal("-60.00"), day=DAY, bank_ref="OTHER")
    for details in (False, True):
        part = part_of([summed(**name), other])
        told = await import_files(pool, tmp_path, camt053(part, details=details))
        left = [one for one in told.records if one.outcome is Outcome.SKIPPED]
        assert [one.message for one in left] == [
            "-60.00 CHF; stored already as the 3 payments of which it consists"
        ]
        assert await amounts(pool) == ["-60.00", "-30.00", "-20.00", "-10.00"]
    assert len(await paid(pool)) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"batch_id": "BLOCK-2"},
        {"batch_id": "BLOCK-1", "day": DAY + timedelta(days=1)},
        {"batch_id": "BLOCK-1", "amount": Decimal("-61.00")},
    ],
    ids=["reference", "day", "amount"],
)
async def test_what_differs_in_reference_day_or_amount_is_another_transaction(
    pool: Pool, tmp_path: Path, other: dict[str, Any]
) -> None:
    batch = dataclasses.replace(summed(), **other)
    await import_files(pool, tmp_path, camt053(part_of([batch]), details=False))
    told = await import_files(pool, tmp_path, camt054(part_of(singles(batch_id="BLOCK-1"))))
    assert told.outcomes == ["created"] * 3
    assert len(await amounts(pool)) == 4


async def test_a_second_attempt_tells_the_same(pool: Pool, tmp_path: Path) -> None:
    documents, run = await invoices(pool), new_id()
    await import_files(pool, tmp_path, camt053(part_of([summed(batch_id="B")]), details=False))
    for attempt in (1, 2):
        content = camt054(part_of(singles(batch_id="B")))
        told = await import_files(pool, tmp_path, content, run_id=run, attempt=attempt)
        assert told.outcomes == ["updated"]
    assert len(await paid(pool)) == len(documents)
    with pytest.raises(Superseded):
        await import_files(pool, tmp_path, content, run_id=run, attempt=1)


@pytest.mark.parametrize("write", [camt053, mt940])
@pytest.mark.parametrize("by", ["payment_id", "bank_ref"])
async def test_money_that_came_back_before_it_was_known_to_have_left_pays_nothing(
    pool: Pool, tmp_path: Path, write: Any, by: str
) -> None:
    document = await approve(pool, reference=QRR)
    same = {"payment_id": "E2E-00000001"} if by == "payment_id" else {"payment_id": ""}
    payment = debit(reference=QRR, **same)
    back = debit(
        amount=Decimal("100.00"), day=DAY + timedelta(days=2), reversal=True,
        bank_ref="D1" if by == "bank_ref" else "D2", **same,
    )  # fmt: skip
    ledger = [payment, back]
    first = await import_files(pool, tmp_path, write(part_of(ledger, 1, 2, number=2)))
    assert "matched to no invoice" in (first.transactions[0].message or "")
    run = new_id()
    told, again = [
        await import_files(pool, tmp_path, write(part_of(ledger, 0, 1)), run_id=run, attempt=attempt)
        for attempt in (1, 2)
    ]
    assert "the money came back with bank:" in (told.transactions[0].message or "")
    assert again.transactions == told.transactions
    assert (await state(pool, document), await paid(pool)) == ("open", [])
    matches = await pool.fetch("select match from bank_transactions")
    assert {row["match"] for row in matches} == {"reversed"}
    for part in (part_of(ledger, 1, 2, number=2), part_of(ledger, 0, 1)):
        again = await import_files(pool, tmp_path, write(part))
        assert again.outcomes == ["unchanged"]
    assert (await state(pool, document), await paid(pool)) == ("open", [])
    await import_files(pool, tmp_path, camt053(part_of([debit(day=DAY + timedelta(days=5), reference=QRR)])))
    assert (await state(pool, document), len(await paid(pool))) == ("paid", 1)


async def test_a_return_of_another_payment_of_the_same_amount_takes_nothing_back(
    pool: Pool, tmp_path: Path
) -> None:
    document = await approve(pool, reference=QRR)
    back = debit(amount=Decimal("100.00"), bank_ref="D9", payment_id="E2E-00000009", reversal=True)
    await import_files(pool, tmp_path, camt053(part_of([back])))
    await import_files(pool, tmp_path, mt940(part_of([debit(reference=QRR, payment_id="E2E-00000001")])))
    assert (await state(pool, document), len(await paid(pool))) == ("paid", 1)
