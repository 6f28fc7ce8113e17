"""Swiss QR-bills and GiroCodes, from their text."""

import pytest

from services.documents.invoices.payment_codes import read_code

QR_BILL = [
    "SPC", "0200", "1", "CH44 3199 9123 0008 8901 2",
    "S", "Talblick AG", "Gasse", "1", "8000", "Zürich", "CH",
    *[""] * 7, "1949.7", "CHF", "S", "Kern & Wälti AG", "Weg", "2", "3000", "Bern", "CH", "QRR",
    "210000000003139471430009017", "Rechnung 4711", "EPD",
    "//S1/10/4711\\/26/11/260312/20/K-9/30/106017086",
]  # fmt: skip


def said(lines: list[str]) -> dict[str, str]:
    return {one.field: one.value for one in read_code("\r\n".join(lines), 1, None)}


def test_a_qr_bill_names_account_amount_reference_and_parties() -> None:
    assert said(QR_BILL) == {
        "iban": "CH4431999123000889012",
        "issuer_name": "Talblick AG",
        "payee_name": "Talblick AG",
        "payee_street": "Gasse",
        "payee_building_number": "1",
        "payee_postal_code": "8000",
        "payee_town": "Zürich",
        "payee_country": "CH",
        "payable_amount": "1949.70",
        "currency": "CHF",
        "recipient_name": "Kern & Wälti AG",
        "reference": "210000000003139471430009017",
        "message": "Rechnung 4711",
        "invoice_number": "4711/26",
        "invoice_date": "2026-03-12",
        "customer_number": "K-9",
        "issuer_vat_id": "CHE106017086",
    }


def test_a_qr_bill_without_amount_and_reference_names_none() -> None:
    lines = list(QR_BILL)
    lines[18], lines[27], lines[28], lines[31:] = "", "NON", "", []
    found = said(lines)
    assert "payable_amount" not in found
    assert "reference" not in found


def test_a_girocode_names_account_and_amount() -> None:
    lines = [
        "BCD",
        "002",
        "1",
        "SCT",
        "SOGEDEFF",
        "Verein Nord",
        "DE75512108001245126199",
        "EUR12.3",
        "",
        "RF18539007547034",
    ]
    assert said(lines) == {
        "issuer_name": "Verein Nord",
        "payee_name": "Verein Nord",
        "bic": "SOGEDEFF",
        "iban": "DE75512108001245126199",
        "currency": "EUR",
        "payable_amount": "12.30",
        "reference": "RF18539007547034",
    }


def test_another_code_and_a_cut_one_say_nothing() -> None:
    assert read_code("https://example.org", 1, None) == []
    assert read_code("\n".join(QR_BILL[:12]), 1, None) == []
    assert read_code("BCD\n002", 1, None) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Rue du Lac 12", "1201 Genève", ("Rue du Lac", "12", "1201", "Genève")),
        ("Postfach", "CH-3000 Bern 14", ("Postfach", None, "3000", "Bern 14")),
        ("Via Nassa 3/5", "6900 Lugano", ("Via Nassa", "3/5", "6900", "Lugano")),
        ("", "8000 Zürich", (None, None, "8000", "Zürich")),
    ],
)
def test_a_combined_address_is_split_where_it_is_certain(
    first: str, second: str, expected: tuple[str | None, ...]
) -> None:
    lines = [*QR_BILL[:4], "K", "Talblick AG", first, second, "", "", "CH", *QR_BILL[11:]]
    found = said(lines)
    names = ("payee_street", "payee_building_number", "payee_postal_code", "payee_town")
    assert tuple(found.get(name) for name in names) == expected
    assert found["payee_country"] == "CH"


@pytest.mark.parametrize(
    ("billing", "due"),
    [
        ("//S1/10/1/11/260312/40/0:30", "2026-04-11"),
        ("//S1/10/1/11/260312/40/2:10;0:60", "2026-05-11"),
        ("//S1/10/1/11/260312/40/2:10", None),
        ("//S1/10/1/11/260312/40/0:30;0:60", None),
        ("//S1/10/1/40/0:30", None),
        ("//S1/10/1/11/260399/40/0:30", None),
        ("//S1/10/1/11/260312/40/soon", None),
    ],
)
def test_the_due_date_follows_from_the_terms_of_a_qr_bill(billing: str, due: str | None) -> None:
    found = read_code("\r\n".join([*QR_BILL[:-1], billing]), 1, None)
    dates = [(one.value, one.derived is not None) for one in found if one.field == "due_date"]
    assert dates == ([] if due is None else [(due, True)])
