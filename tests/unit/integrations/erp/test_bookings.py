"""An approved invoice as a line of a DATEV stack, and why there is none."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.integrations.erp.core import ApprovedInvoice, Booking, book
from services.integrations.erp.extf import render
from services.integrations.erp.rules import Datev, read_erp_rules
from shared.errors import TagwerkError
from shared.events import Record
from shared.words import Outcome
from tests.support.bookings import VALUES, read_stack, write_rules

ID = UUID("5c0e2a4b-0000-4000-8000-000000000001")


@pytest.fixture
def rules(tmp_path: Path) -> Datev:
    return read_erp_rules(write_rules(tmp_path / "erp.toml", tmp_path, "main")).of["main"]


def invoice(kind: str = "invoice", cost_center: str | None = None, **values: Any) -> ApprovedInvoice:
    filled = {name: value for name, value in {**VALUES, **values}.items() if value is not None}
    return ApprovedInvoice(ID, kind, filled, cost_center, ID)


def booked(rules: Datev, **changes: Any) -> Booking:
    booking = book(invoice(**changes), rules)
    assert isinstance(booking, Booking)
    return booking


def test_a_stack_is_read_by_the_titles_of_its_columns(rules: Datev) -> None:
    made = datetime(2026, 3, 5, 8, 30, 1, 250_000, tzinfo=UTC)
    bookings = [
        booked(rules, cost_center="K 12"),
        booked(rules, kind="credit_note", invoice_date="2026-02-28", issuer_name='Łódź "Bau"; ÄÖ',
               due_date=None, gross_amount="10.70", net_amount="10.00", vat_amount="0.70",
               issuer_vat_id=None),
    ]  # fmt: skip
    head, (first, second) = read_stack(render(bookings, rules, made, "Tagwerk 2026-03-05-abc"))
    assert head[:6] == ["EXTF", "700", "21", "Buchungsstapel", "13", "20260305083001250"]
    assert head[10:18] == [
        "29098", "55003", "20260101", "4", "20260228", "20260302", "Tagwerk 2026-03-05-abc", "",
    ]  # fmt: skip
    assert (head[18:22], head[26], len(head)) == (["1", "0", "0", "EUR"], "03", 31)
    assert {title: text for title, text in first.items() if text} == {
        "Umsatz (ohne Soll/Haben-Kz)": "119,00",
        "Soll/Haben-Kennzeichen": "S",
        "WKZ Umsatz": "EUR",
        "Konto": "4930",
        "Gegenkonto (ohne BU-Schlüssel)": "70001",
        "BU-Schlüssel": "9",
        "Belegdatum": "0203",
        "Belegfeld 1": "RE-2026/17",
        "Buchungstext": "Präzision GmbH, invoice RE-2026/17",
        "Beleglink": f'BEDI "{ID}"',
        "KOST1 - Kostenstelle": "K 12",
        "Festschreibung": "0",
        "Fälligkeit": "01042026",
    }
    assert (second["Umsatz (ohne Soll/Haben-Kz)"], second["Soll/Haben-Kennzeichen"]) == ("10,70", "H")
    assert (second["Konto"], second["Gegenkonto (ohne BU-Schlüssel)"]) == ("4980", "70000")
    assert (second["BU-Schlüssel"], second["Belegdatum"], second["Fälligkeit"]) == ("8", "2802", "")
    assert second["Buchungstext"].startswith('?ódz "Bau"; ÄÖ')


def test_the_vat_tells_the_tax_key(rules: Datev) -> None:
    assert booked(rules, net_amount=None, vat_amount="19.02").tax_key == "9", (
        "lines are rounded by themselves"
    )
    assert booked(rules, vat_amount=None).tax_key == "9"
    assert booked(rules, net_amount="119.00", vat_amount="0.00").tax_key == ""
    assert booked(rules, gross_amount="-119.00", net_amount="-100.00", vat_amount="-19.00").is_credit


@pytest.mark.parametrize(
    ("values", "code", "says"),
    [
        ({"invoice_date": None, "gross_amount": None}, "booking_incomplete", "needs: date, amount"),
        ({"currency": "CHF"}, "currency_not_booked", "it is in CHF"),
        ({"net_amount": None, "vat_amount": None}, "vat_unknown", "neither its VAT nor its net amount"),
        ({"net_amount": "105.00", "vat_amount": "14.00"}, "vat_rate_unclear", "VAT of 14.00 on 105.00"),
        # Of so little no rate can be told.
        ({"gross_amount": "0.20", "net_amount": "0.17", "vat_amount": "0.03"}, "vat_rate_unclear", "several"),
    ],
)
def test_what_cannot_be_booked_by_itself_is_left_to_a_person(
    rules: Datev, values: dict[str, Any], code: str, says: str
) -> None:
    record = book(invoice(**values), rules)
    assert isinstance(record, Record)
    assert record.failure is not None
    assert (record.outcome, record.failure.code) == (Outcome.FAILED, code)
    assert says in record.failure.cause


def test_what_is_held_is_not_booked(rules: Datev) -> None:
    record = book(replace(invoice(), held="it was corrected, and waits for approval"), rules)
    assert isinstance(record, Record)
    assert record.outcome is Outcome.SKIPPED


def test_a_supplier_is_known_by_its_vat_id_else_its_account_else_its_name(rules: Datev) -> None:
    known = rules.model_validate({
        **rules.model_dump(),
        "suppliers": [
            {"name": "Präzision  GmbH", "creditor": 70002},
            {"iban": "DE02 1203 0000 0000 2020 51", "creditor": 70003, "expense": 4200},
        ],
    })  # fmt: skip
    assert known.accounts_of({"issuer_name": "PRÄZISION GmbH"}) == (70002, 4980)
    both = {"issuer_name": "Präzision GmbH", "iban": "DE02120300000000202051"}
    assert known.accounts_of(both) == (70003, 4200)
    assert known.accounts_of({"issuer_name": "Another"}) == (70000, 4980)


def test_a_fiscal_year_may_begin_in_another_month(rules: Datev) -> None:
    shifted = rules.model_copy(update={"fiscal_year_begin": "07-01"})
    assert shifted.fiscal_year(date(2026, 6, 30)) == date(2025, 7, 1)
    assert shifted.fiscal_year(date(2026, 7, 1)) == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("consultant = 29098", "consultant = 7"), "consultant: Input should be greater"),
        (("expense = 4980", "expense = 498"), "498 has not 4 digits"),
        (("creditor = 70000", "creditor = 10000"), "10000 is no account of a creditor"),
        (("client = 55003", "mandant = 55003"), "client: Field required"),
        (('vat_id = "DE123456789"\n', ""), "a supplier needs a vat_id"),
        (("expense = 4980", 'expense = 4980\ntax_keys = { 19 = "V" }'), "V is no tax key"),
        (("[clients.main]", "[clients.main"), "it is no TOML"),
    ],
)
def test_a_wrong_file_of_rules_is_refused_with_the_place(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    path = write_rules(tmp_path / "erp.toml", tmp_path, "main")
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(TagwerkError) as caught:
        read_erp_rules(path)
    assert caught.value.failure.code == "erp_file_invalid"
    assert says in caught.value.failure.cause


def test_amounts_keep_their_cents(rules: Datev) -> None:
    booking = replace(booked(rules), amount=Decimal("1234567.5"))
    _, (line,) = read_stack(render([booking], rules, datetime(2026, 3, 5, tzinfo=UTC), "name"))
    assert line["Umsatz (ohne Soll/Haben-Kz)"] == "1234567,50"
