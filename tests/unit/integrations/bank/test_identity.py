"""Whatever files a ledger comes in, each booking is stored once: none twice, none lost, equal ones apart."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bank_files import (
    FIRST_DAY,
    VERSIONS,
    Booking,
    Payment,
    camt053,
    camt054,
    mt940,
    part_of,
    without,
)
from tests.support.bank_import import Imported, context_of, run_job
from tests.unit.integrations.bank.fakes import FakeBank

#: Few, so that many bookings are equal.
AMOUNTS = [Decimal("-10.00"), Decimal("10.00"), Decimal("-0.05"), Decimal("250.00")]
FORMATS = (*VERSIONS, "mt940", "camt054")


def told_of(bank: FakeBank, *contents: bytes) -> Imported:
    """One run over the files."""
    bank.next_run()
    files = {f"{number:03d}": content for number, content in enumerate(contents)}
    with TemporaryDirectory() as folder:
        context = context_of(run_id=bank.run_id)
        return asyncio.run(run_job(bank, Path(folder), files, context))


@st.composite
def ledgers(draw: st.DrawFn, *, references: bool) -> list[Booking]:
    """Bookings in the order of their days, some of them equal in everything that has no reference."""
    count = draw(st.integers(1, 12))
    days = sorted(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    ledger = []
    for number, day in enumerate(days):
        booked = FIRST_DAY + timedelta(days=day)
        booking = Booking(
            amount=draw(st.sampled_from(AMOUNTS)),
            day=booked,
            valued=booked + timedelta(days=draw(st.integers(0, 1))),
            text=draw(st.sampled_from(["", "rent"])),
        )
        if references:
            booking = replace(booking, bank_ref=f"REF{number:013d}", payment_id=f"PAY-{number:08d}")
        ledger.append(booking)
    return ledger


def written(ledger: Sequence[Booking], first: int, last: int, form: str) -> bytes:
    part = part_of(ledger, first, last, number=first * 100 + last)
    if form == "mt940":
        return mt940(part)
    return camt054(part) if form == "camt054" else camt053(part, version=form)


def check(ledger: Sequence[Booking], bank: FakeBank) -> None:
    assert bank.ledger == sorted((one.day, one.amount) for one in ledger)
    wanted = Counter((one.day, one.amount) for one in ledger)
    numbers: dict[tuple[date, Decimal], set[int]] = {}
    for known, _ in bank.transactions.values():
        numbers.setdefault((known.booked, known.amount), set()).add(known.nth)
    assert numbers == {key: set(range(1, count + 1)) for key, count in wanted.items()}, "the keys are 1 to n"


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_with_references_any_split_overlap_order_and_format_gives_the_same(data: st.DataObject) -> None:
    ledger = data.draw(ledgers(references=True))
    size = len(ledger)
    windows = data.draw(
        st.lists(st.tuples(st.integers(0, size), st.integers(0, size), st.sampled_from(FORMATS)), max_size=6)
    )
    cut = data.draw(st.integers(0, size))
    forms = data.draw(st.tuples(st.sampled_from(FORMATS), st.sampled_from(FORMATS)))
    files = [(min(a, b), max(a, b), form) for a, b, form in windows if a != b]
    files += [(0, cut, forms[0])] * (cut > 0) + [(cut, size, forms[1])] * (cut < size)
    bank = FakeBank()
    for first, last, form in data.draw(st.permutations(files)):
        told_of(bank, written(ledger, first, last, form))
    check(ledger, bank)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_without_references_whole_days_in_any_overlap_order_and_format_give_the_same(
    data: st.DataObject,
) -> None:
    ledger = data.draw(ledgers(references=False))
    mode = data.draw(st.sampled_from(["none", "camt only", "each its own"]))
    in_camt, in_mt940 = list(ledger), list(ledger)
    if mode != "none":
        in_camt = [replace(one, bank_ref=f"CAMT{number:012d}") for number, one in enumerate(ledger)]
    if mode == "each its own":
        in_mt940 = [replace(one, bank_ref=f"SWIFT{number:011d}") for number, one in enumerate(ledger)]
    starts = [n for n, one in enumerate(ledger) if n == 0 or ledger[n - 1].day != one.day] + [len(ledger)]
    edges = st.sampled_from(starts)
    windows = data.draw(st.lists(st.tuples(edges, edges, st.sampled_from(FORMATS)), max_size=5))
    files = [(min(a, b), max(a, b), form) for a, b, form in windows if a != b]
    files += [(a, b, data.draw(st.sampled_from(FORMATS))) for a, b in pairwise(starts)]
    bank = FakeBank()
    for first, last, form in data.draw(st.permutations(files)):
        told_of(bank, written(in_mt940 if form == "mt940" else in_camt, first, last, form))
    check(ledger, bank)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_statements_that_join_within_a_day_are_told_apart_by_their_balances(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 8))
    ledger = [Booking(Decimal("-10.00"), text="parking")] * count
    cuts = sorted({0, count, *data.draw(st.lists(st.integers(1, count - 1), max_size=3))})
    forms = ("08", "mt940", "02")
    bank = FakeBank()
    for first, last in pairwise(cuts):
        told_of(bank, written(ledger, first, last, data.draw(st.sampled_from(forms))))
    check(ledger, bank)
    for first, last in pairwise(cuts):
        told_of(bank, written(ledger, first, last, data.draw(st.sampled_from(forms))))
    told_of(bank, written(ledger, 0, count, data.draw(st.sampled_from(FORMATS))))
    check(ledger, bank)


def test_two_equal_bookings_of_one_day_are_both_kept() -> None:
    ledger = [Booking(Decimal("-2.50"), text="coffee")] * 2
    bank = FakeBank()
    assert told_of(bank, camt053(part_of(ledger))).outcomes == ["created", "created"]
    assert told_of(bank, mt940(part_of(ledger)), camt053(part_of(ledger))).outcomes == ["unchanged"] * 4
    assert sorted(bank.transactions) == [
        f"bank:CH9300762011623852957:{FIRST_DAY}:-2.50CHF:{number}" for number in (1, 2)
    ]


def test_a_reference_tells_an_intraday_booking_from_its_equal() -> None:
    first, second = (Booking(Decimal("-2.50"), bank_ref=f"R{number}") for number in (1, 2))
    bank = FakeBank()
    assert told_of(bank, camt054(part_of([second]))).outcomes == ["created"]
    assert told_of(bank, camt053(part_of([first, second]))).outcomes == ["created", "unchanged"]
    assert len(bank.transactions) == 2


def test_a_notification_adds_the_details_of_a_batch() -> None:
    payments = tuple(Payment(Decimal(amount), f"E2E-{amount}", "Muster AG") for amount in ("10", "20", "30"))
    batch = Booking(Decimal("-60.00"), bank_ref="B1", payments=payments)
    bank = FakeBank()
    assert told_of(bank, camt053(part_of([batch]), details=False)).outcomes == ["created"]
    (record,) = told_of(bank, camt054(part_of([batch]))).transactions
    assert (str(record.outcome), record.changes) == (
        "updated",
        {"details": ("0 payments, 0 fields", "3 payments, 12 fields")},
    )
    assert told_of(bank, camt054(part_of([batch])), mt940(part_of([batch]))).outcomes == ["unchanged"] * 2
    assert told_of(bank, camt053(part_of([batch]), details=False)).outcomes == ["unchanged"]


def test_a_second_attempt_of_the_run_still_tells_created() -> None:
    ledger = [Booking(Decimal("-2.50"), text="coffee")] * 2
    bank = FakeBank()
    told_of(bank, camt053(part_of(ledger)))
    with TemporaryDirectory() as folder:
        context = context_of(run_id=bank.run_id, attempt=2)
        told = asyncio.run(run_job(bank, Path(folder), {"a": camt053(part_of(ledger))}, context))
    assert told.outcomes == ["created", "created"]


@pytest.mark.parametrize(
    "spelling", ["CH93 0076 2011 6238 5295 7", "0076201162 3852957", "623852957", "CH9300762011623852957CHF"]
)
def test_an_account_is_the_same_under_its_other_spellings(spelling: str) -> None:
    ledger = [Booking(Decimal("-2.50")), Booking(Decimal("7.00"))]
    bank = FakeBank()
    told_of(bank, camt053(part_of(ledger)))
    assert told_of(bank, mt940(part_of(ledger), account=spelling)).outcomes == ["unchanged"] * 2


def test_without_entry_dates_the_value_date_finds_the_booking() -> None:
    ledger = [
        Booking(
            Decimal("-2.50"), day=FIRST_DAY + timedelta(days=day), valued=FIRST_DAY + timedelta(days=day + 1)
        )
        for day in range(3)
    ]
    for contents in (
        (camt053(part_of(ledger)), mt940(part_of(ledger), entry_dates=False)),
        (mt940(part_of(ledger), entry_dates=False), camt053(part_of(ledger))),
    ):
        bank = FakeBank()
        for content in contents:
            told_of(bank, content)
        assert bank.ledger == [(one.day, one.amount) for one in ledger]


def test_the_same_payment_told_with_less_is_the_same() -> None:
    full = Booking(
        Decimal("-9.90"), bank_ref="R1", payment_id="E2E-00000001", party="Muster AG", text="subscription"
    )
    bank = FakeBank()
    told_of(bank, camt053(part_of([full])))
    for poorer in (without(full, "bank_ref"), without(full, "payment_id", "party"), without(full, "text")):
        assert told_of(bank, camt053(part_of([poorer]))).outcomes == ["unchanged"]
