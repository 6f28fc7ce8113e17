"""Statements into the tables: each transaction once, matched, told, in one transaction with its outcome."""

import asyncio
import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.integrations.bank.queries import list_statements, list_transactions
from services.integrations.payables import remember_approved_invoice
from shared.commands import BankStatementsQuery, BankTransactionsQuery, Scope
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import InvoiceApproved, InvoicePaid, decode_business_event
from shared.ids import new_id
from shared.outbox import Superseded
from tests.support.bank_files import ACCOUNT, FIRST_DAY, Booking, Payment, camt053, camt054, mt940, part_of
from tests.support.bank_import import import_files

LEDGER = [
    Booking(Decimal("-12.50"), bank_ref="R1", payment_id="E2E-0000001", party="Muster AG", text="Invoice 1"),
    Booking(Decimal("-12.50"), bank_ref="R2", payment_id="E2E-0000002", party="Muster AG", text="Invoice 2"),
    Booking(Decimal("100.00"), bank_ref="R3", party="Kunde", text="Danke"),
]
QRR = "210000000003139471430009017"


async def approve(pool: Pool, *, client: str = "acme", **values: str) -> UUID:
    """An approved invoice of 100.00 CHF by Muster AG."""
    document = new_id()
    values = {
        "payable_amount": "100.00", "currency": "CHF", "issuer_name": "Muster AG",
        "due_date": "2026-03-10", **values,
    }  # fmt: skip
    event = InvoiceApproved(
        client=client, principal="ada", document_id=document, kind="invoice", values=values,
        approved_by=["ada"], time=datetime(2026, 2, 1, tzinfo=UTC),
    )  # fmt: skip
    await remember_approved_invoice(pool, event)
    return document


async def paid(pool: Pool) -> list[InvoicePaid]:
    rows = await pool.fetch("select payload from outbox where subject = 'event.invoice.paid' order by id")
    decoded = [decode_business_event(row["payload"]) for row in rows]
    return [event for event in decoded if isinstance(event, InvoicePaid)]


async def state(pool: Pool, document: UUID) -> str:
    return str(await pool.fetchval("select state from payables where document_id = $1", document))


def debit(**told: Any) -> Booking:
    return dataclasses.replace(Booking(Decimal("-100.00"), day=date(2026, 3, 9), bank_ref="D1"), **told)


async def test_the_same_and_the_other_format_add_nothing(pool: Pool, tmp_path: Path) -> None:
    part = part_of(LEDGER)
    first = await import_files(pool, tmp_path, camt053(part))
    assert first.outcomes == ["created"] * 3
    assert [str(one.outcome) for one in first.statements] == ["created"]
    stored = await pool.fetch("select * from bank_transactions order by key")
    for content in (camt053(part), camt053(part, version="02"), mt940(part), camt054(part)):
        again = await import_files(pool, tmp_path, content)
        assert again.outcomes == ["unchanged"] * 3, again.transactions
    assert [(row["key"], row["details"]) for row in stored] == [
        (row["key"], row["details"])
        for row in await pool.fetch("select * from bank_transactions order by key")
    ]


async def test_a_second_import_of_the_same_file_writes_no_row(pool: Pool, tmp_path: Path) -> None:
    await import_files(pool, tmp_path, camt053(part_of(LEDGER)))
    tables = ("bank_transactions", "bank_statements", "bank_matches", "bank_accounts")
    before = [await pool.fetch(f"select *, xmin::text from {table} order by 1, 2") for table in tables]
    again = await import_files(pool, tmp_path, camt053(part_of(LEDGER)))
    assert {str(one.outcome) for one in again.records} == {"unchanged"}
    assert before == [
        await pool.fetch(f"select *, xmin::text from {table} order by 1, 2") for table in tables
    ]


async def test_a_second_attempt_of_the_run_still_tells_created_and_pays_once(
    pool: Pool, tmp_path: Path
) -> None:
    document, run = await approve(pool, reference=QRR), new_id()
    content = camt053(part_of([debit(reference=QRR)]))
    for attempt in (1, 2):
        told = await import_files(pool, tmp_path, content, run_id=run, attempt=attempt)
        assert told.outcomes == ["created"]
    assert [event.document_id for event in await paid(pool)] == [document]
    with pytest.raises(Superseded):
        await import_files(pool, tmp_path, content, run_id=run, attempt=1)


@pytest.mark.parametrize(
    ("values", "told", "by"),
    [
        ({"reference": QRR}, {"reference": QRR}, "reference"),
        ({"reference": "RF18 5390 0754 7034"}, {"reference": "RF18539007547034"}, "reference"),
        ({"reference": QRR}, {"text": f"Zahlung {QRR[:2]} {QRR[2:7]} {QRR[7:]}"}, "reference"),
        ({"invoice_number": "RE-2026-0815"}, {"text": "Ihre RE 2026 0815 vom Maerz"}, "reference"),
        ({"invoice_number": "4711"}, {"text": "Rechnung 4711"}, "reference"),
        ({"iban": "CH5604835012345678009"}, {"iban": "CH5604835012345678009"}, "amount_and_party"),
        ({"issuer_name": "Bäckerei Müller GmbH"}, {"party": "BAECKEREI MUELLER"}, "amount_and_party"),
    ],
)
@pytest.mark.parametrize("write", [camt053, mt940])
async def test_an_invoice_is_found_by_what_the_payment_says(
    pool: Pool, tmp_path: Path, values: dict[str, str], told: dict[str, Any], by: str, write: Any
) -> None:
    document = await approve(pool, **values)
    other = await approve(pool, invoice_number="OTHER-1", payable_amount="77.00", issuer_name="Anderer")
    imported = await import_files(pool, tmp_path, write(part_of([debit(**told)])))
    (event,) = await paid(pool)
    assert (event.document_id, event.matched_by, str(event.amount)) == (document, by, "100")
    assert (event.account, event.booked_on, event.transaction) == (
        ACCOUNT, date(2026, 3, 9), imported.transactions[0].key,
    )  # fmt: skip
    assert (await state(pool, document), await state(pool, other)) == ("paid", "open")
    page = await list_transactions(pool, BankTransactionsQuery(matched=True))
    assert [match.document_id for match in page.items[0].matches] == [document]


async def test_our_payment_id_goes_before_everything_else(pool: Pool, tmp_path: Path) -> None:
    document = await approve(pool, reference=QRR)
    ordered = await approve(pool, invoice_number="ORDERED")
    await order(pool, ordered, "E2E-4711-0001")
    content = camt053(part_of([debit(payment_id="E2E-4711-0001", reference=QRR)]))
    await import_files(pool, tmp_path, content)
    assert [(event.document_id, event.matched_by) for event in await paid(pool)] == [(ordered, "payment_id")]
    assert (await state(pool, document), await state(pool, ordered)) == ("open", "paid")


async def order(pool: Pool, document: UUID, payment_id: str) -> None:
    run, file = new_id(), new_id()
    await pool.execute(
        "insert into payment_reservations (run_id, client, left_out) values ($1, 'acme', '[]')", run
    )
    await pool.execute(
        "insert into payment_files (id, client, run_id, principal, created_at, sha256, size, completed_at)"
        " values ($1, 'acme', $2, 'ada', now(), '', 1, now())",
        file,
        run,
    )
    await pool.execute(
        "insert into payment_orders (payment_id, file_id, block_id, instruction_id, client, document_id,"
        " number, account, execution_date, amount, currency, payee_name, iban, label)"
        " values ($1, $2, 'b', 'i', 'acme', $3, 1, $4, '2026-03-09', 100, 'CHF', 'Muster AG', 'CH', 'x')",
        payment_id,
        file,
        document,
        ACCOUNT,
    )


async def test_what_fits_several_invoices_is_told_and_not_guessed(pool: Pool, tmp_path: Path) -> None:
    for number in ("A-1", "A-2"):
        await approve(pool, invoice_number=number)
    imported = await import_files(pool, tmp_path, camt053(part_of([debit(party="Muster AG")])))
    (record,) = imported.transactions
    assert record.message is not None
    assert "A-1 of Muster AG, A-2 of Muster AG" in record.message
    assert await paid(pool) == []
    page = await list_transactions(pool, BankTransactionsQuery(matched=False))
    assert [row.match for row in page.items] == ["ambiguous"]


async def test_the_due_date_decides_only_where_it_is_clear(pool: Pool, tmp_path: Path) -> None:
    march = await approve(pool, invoice_number="MARCH")
    await approve(pool, invoice_number="APRIL", due_date="2026-04-10")
    await import_files(pool, tmp_path, camt053(part_of([debit(party="Muster AG")])))
    assert [event.document_id for event in await paid(pool)] == [march]


async def test_a_payment_in_part_leaves_the_rest_open(pool: Pool, tmp_path: Path) -> None:
    document = await approve(pool, reference=QRR)
    parts = [
        debit(amount=Decimal("-60.00"), reference=QRR),
        debit(amount=Decimal("-45.00"), reference=QRR, bank_ref="D2"),
    ]
    first = await import_files(pool, tmp_path, camt053(part_of(parts, 0, 1)))
    assert first.transactions[0].message is not None
    assert "in part: 40.00 CHF are still open" in first.transactions[0].message
    assert (await paid(pool), await state(pool, document)) == ([], "open")
    second = await import_files(pool, tmp_path, camt053(part_of(parts, 1, 2)))
    assert second.transactions[0].message is not None
    assert "5.00 CHF too much" in second.transactions[0].message
    assert [str(event.amount) for event in await paid(pool)] == ["105"]
    assert await state(pool, document) == "paid"


async def test_each_payment_of_a_batch_finds_its_invoice_also_when_it_is_told_later(
    pool: Pool, tmp_path: Path
) -> None:
    documents = [await approve(pool, reference=f"RF18{n}", payable_amount=f"{n}0.00") for n in (1, 2, 3)]
    payments = tuple(Payment(Decimal(f"{n}0.00"), f"E{n}", reference=f"RF18{n}") for n in (1, 2, 3))
    batch = Booking(Decimal("-60.00"), bank_ref="B1", payments=payments)
    await import_files(pool, tmp_path, camt053(part_of([batch]), details=False))
    assert await paid(pool) == []
    told = await import_files(pool, tmp_path, camt054(part_of([batch])))
    assert told.outcomes == ["updated"]
    assert [event.document_id for event in await paid(pool)] == documents
    await import_files(pool, tmp_path, camt054(part_of([batch])), mt940(part_of([batch])))
    assert len(await paid(pool)) == 3


@pytest.mark.parametrize("write", [camt053, mt940])
async def test_a_reversal_opens_the_invoice_again(pool: Pool, tmp_path: Path, write: Any) -> None:
    document = await approve(pool, reference=QRR)
    payment = debit(reference=QRR, payment_id="E2E-00000001")
    back = debit(amount=Decimal("100.00"), bank_ref="D2", payment_id="E2E-00000001", reversal=True)
    again = debit(reference=QRR, payment_id="E2E-00000002", bank_ref="D3")
    ledger = [payment, back, again]
    told = await import_files(pool, tmp_path, write(part_of(ledger, 0, 2)))
    assert any("open again" in (one.message or "") for one in told.transactions)
    assert await state(pool, document) == "open"
    await import_files(pool, tmp_path, write(part_of(ledger, 0, 2)))
    assert (await state(pool, document), len(await paid(pool))) == ("open", 1)
    await import_files(pool, tmp_path, write(part_of(ledger, 2, 3)))
    assert (await state(pool, document), len(await paid(pool))) == ("paid", 2)


async def test_an_invoice_that_is_approved_later_is_found_by_the_next_import(
    pool: Pool, tmp_path: Path
) -> None:
    content = camt053(part_of([debit(reference=QRR)]))
    await import_files(pool, tmp_path, content)
    document = await approve(pool, reference=QRR)
    again = await import_files(pool, tmp_path, content)
    assert again.outcomes == ["updated"]
    assert [event.document_id for event in await paid(pool)] == [document]
    assert (await import_files(pool, tmp_path, content)).outcomes == ["unchanged"]


async def test_a_foreign_invoice_is_compared_in_its_own_currency(pool: Pool, tmp_path: Path) -> None:
    document = await approve(pool, currency="EUR", reference=QRR)
    payment = debit(amount=Decimal("-95.40"), reference=QRR, instructed=("100.00", "EUR", "0.954"))
    await import_files(pool, tmp_path, camt053(part_of([payment])))
    (event,) = await paid(pool)
    assert (event.document_id, str(event.amount), event.currency) == (document, "100", "EUR")


async def test_a_statement_that_does_not_add_up_is_refused_and_the_others_go_on(
    pool: Pool, tmp_path: Path
) -> None:
    good, other = part_of(LEDGER), part_of(LEDGER, account="CH5604835012345678009")
    wrong = camt053(other, good).replace(b"1075.00", b"1076.00", 1)
    told = await import_files(pool, tmp_path, wrong)
    failed, fine = told.statements
    assert failed.failure is not None
    assert failed.failure.code == "balance_mismatch"
    assert "closes with 1076.00, 1.00 more" in failed.failure.cause
    assert str(fine.outcome) == "created"
    assert await pool.fetchval("select count(*) from bank_transactions") == 3


async def test_one_bad_entry_does_not_stop_the_others(pool: Pool, tmp_path: Path) -> None:
    bad = camt053(part_of(LEDGER)).replace(b'<Amt Ccy="CHF">100.00', b'<Amt Ccy="CHF">1OO.OO', 1)
    told = await import_files(pool, tmp_path, bad)
    assert sorted(told.outcomes) == ["created", "created"]
    (failed,) = [one for one in told.records if one.failure]
    assert failed.failure is not None
    assert (failed.failure.code, ":entry:3" in failed.key) == ("entry_invalid", True)
    assert any("were not checked" in warning for warning in told.warnings)


async def test_a_gap_between_statements_is_told(pool: Pool, tmp_path: Path) -> None:
    ledger = [
        dataclasses.replace(LEDGER[0], day=FIRST_DAY + timedelta(days=n), bank_ref=f"G{n}") for n in range(6)
    ]
    await import_files(pool, tmp_path, camt053(part_of(ledger, 0, 2, number=1)))
    told = await import_files(pool, tmp_path, camt053(part_of(ledger, 4, 6, number=3)))
    assert any("a statement in between is missing" in warning for warning in told.warnings)
    page = await list_statements(pool, BankStatementsQuery(account=ACCOUNT))
    assert [len(row.warnings) for row in page.items] == [1, 0]
    assert not (await import_files(pool, tmp_path, mt940(part_of(ledger, 1, 5)))).warnings
    assert not (await import_files(pool, tmp_path, camt053(part_of(ledger, 2, 4, number=2)))).warnings


async def test_what_is_not_booked_is_counted_and_not_stored(pool: Pool, tmp_path: Path) -> None:
    ledger = [*LEDGER, Booking(Decimal("-5.00"), status="PDNG"), Booking(Decimal("-6.00"), status="INFO")]
    told = await import_files(
        pool, tmp_path, camt053(part_of(ledger)), camt053(part_of(ledger), version="04")
    )
    assert len({one.key for one in told.transactions}) == 3
    assert told.statements[0].message == "3 entries, 2 not booked"


async def test_clients_have_bank_data_of_their_own(pool: Pool, tmp_path: Path) -> None:
    await approve(pool, client="other", reference=QRR)
    content = camt053(part_of([debit(reference=QRR)]))
    assert (await import_files(pool, tmp_path, content)).outcomes == ["created"]
    assert await paid(pool) == []
    assert (await import_files(pool, tmp_path, content, client="other")).outcomes == ["created"]
    assert len(await paid(pool)) == 1
    query = BankTransactionsQuery(scope=Scope(clients=frozenset({"acme"})))
    assert [row.client for row in (await list_transactions(pool, query)).items] == ["acme"]


async def test_two_runs_at_once_store_each_transaction_once_and_pay_once(pool: Pool, tmp_path: Path) -> None:
    await approve(pool, reference=QRR)
    ledger = [*LEDGER, debit(reference=QRR)]
    runs = [camt053(part_of(ledger)), mt940(part_of(ledger)), camt054(part_of(ledger))] * 2
    told = await asyncio.gather(*(import_files(pool, tmp_path, content) for content in runs))
    outcomes = [outcome for one in told for outcome in one.outcomes]
    assert outcomes.count("created") == 4
    assert len(await paid(pool)) == 1
    assert await pool.fetchval("select count(*) from bank_transactions") == 4


async def test_the_inbox_is_read_once_and_a_failed_file_again(pool: Pool, tmp_path: Path) -> None:
    good = camt053(part_of(LEDGER))
    told = await import_files(pool, tmp_path, good, b"<Document/>", inbox=True)
    assert [one.key for one in told.records if one.failure] == ["bank-file:file1"]
    assert told.outcomes == ["created"] * 3
    again = await import_files(pool, tmp_path, good, b"<Document/>", inbox=True)
    assert [one.key for one in again.records] == ["bank-file:file1"]
    assert (await import_files(pool, tmp_path, good, mt940(part_of(LEDGER)), inbox=True)).outcomes == [
        "unchanged"
    ] * 3


async def test_transactions_are_paged_and_filtered(pool: Pool, tmp_path: Path) -> None:
    ledger = [
        dataclasses.replace(LEDGER[2], day=FIRST_DAY + timedelta(days=n), bank_ref=f"P{n}") for n in range(5)
    ]
    await import_files(pool, tmp_path, camt053(part_of(ledger)))
    seen: list[date] = []
    query = BankTransactionsQuery(limit=2, account="CH93 0076 2011 6238 5295 7")
    while True:
        page = await list_transactions(pool, query)
        seen += [row.booked_on for row in page.items]
        if page.next_cursor is None:
            break
        query = query.model_copy(update={"cursor": page.next_cursor})
    assert seen == [one.day for one in reversed(ledger)]
    days = BankTransactionsQuery(
        booked_from=FIRST_DAY + timedelta(days=1), booked_to=FIRST_DAY + timedelta(days=2)
    )
    assert len((await list_transactions(pool, days)).items) == 2
    assert (await list_transactions(pool, BankTransactionsQuery(account="OTHER"))).items == []
    with pytest.raises(TagwerkError):
        await list_transactions(pool, BankTransactionsQuery(cursor="x"))
