"""Statements into the tables: each transaction once, matched, told, in one transaction with its outcome."""

from decimal import Decimal
from pathlib import Path

from shared.database import Pool
from tests.support.bank_files import Booking, camt053, camt054, mt940, part_of
from tests.support.bank_import import import_files

LEDGER = [
    Booking(Decimal("-12.50"), bank_ref="R1", payment_id="E2E-0000001", party="Muster AG", text="Invoice 1"),
    Booking(Decimal("-12.50"), bank_ref="R2", payment_id="E2E-0000002", party="Muster AG", text="Invoice 2"),
    Booking(Decimal("100.00"), bank_ref="R3", party="Kunde", text="Danke"),
]


async def test_the_same_and_the_other_format_add_nothing(pool: Pool, tmp_path: Path) -> None:
    part = part_of(LEDGER)
    first = await import_files(pool, tmp_path, camt053(part))
    assert first.outcomes == ["created"] * 3
    assert [str(one.outcome) for one in first.statements] == ["created"]
    for content in (camt053(part), camt053(part, version="02"), mt940(part), camt054(part)):
        again = await import_files(pool, tmp_path, content)
        assert again.outcomes == ["unchanged"] * 3, again.transactions
    assert await pool.fetchval("select count(*) from bank_transactions") == 3
