"""Text with layout, in the languages in which invoices arrive."""

import pytest

from services.documents.invoices.kinds import why_no_invoice
from services.documents.invoices.lines import lines_of_words
from services.documents.invoices.text import read_text
from tests.unit.documents.invoices.pages import page_of

GERMAN = """Nordlicht Druck GmbH   www.nordlicht-druck.de
Rechnung Nr. 2026-0815 vom 12. März 2026
Kundennummer: K-1234
Papier, 5 Kartons   1.000,00
Nettobetrag   1.000,00 EUR
19 % MwSt.   190,00 EUR
Rechnungsbetrag   1.190,00 EUR
Zahlbar bis 11.04.2026   IBAN DE75 5121 0800 1245 1261 99
USt-IdNr. DE136695976"""
FRENCH = """Imprimerie du Lac SA
Facture n° F-2026-33   Date de facture : 2 juillet 2026
Total HT   100,00 €
TVA 20 %   20,00 €
Total TTC   120,00 €
Date d'échéance : 01/08/2026"""
ITALIAN = """Tipografia del Sole Sagl
Fattura n. 77/2026 del 3 maggio 2026
Imponibile   CHF 1'000.00
IVA 8.1%   CHF 81.00
Totale fattura   CHF 1'081.00
Scadenza: 02.06.2026"""
ENGLISH = """Harbour Light Ltd
Invoice Number: INV-9   Invoice Date: May 3, 2026
Subtotal   £1,000.00
VAT 20%   £200.00
Amount due   £1,200.00
Due date: 2026-06-02"""


def values(text: str) -> dict[str, str]:
    return {one.field: one.value for one in reversed(read_text(page_of(text)))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GERMAN, ("2026-0815", "2026-03-12", "2026-04-11", "1000.00", "190.00", "1190.00", "EUR")),
        (FRENCH, ("F-2026-33", "2026-07-02", "2026-08-01", "100.00", "20.00", "120.00", "EUR")),
        (ITALIAN, ("77/2026", "2026-05-03", "2026-06-02", "1000.00", "81.00", "1081.00", "CHF")),
        (ENGLISH, ("INV-9", "2026-05-03", "2026-06-02", "1000.00", "200.00", "1200.00", "GBP")),
    ],
    ids=["de", "fr", "it", "en"],
)
def test_an_invoice_is_read_in_its_language(text: str, expected: tuple[str, ...]) -> None:
    fields = (
        "invoice_number", "invoice_date", "due_date", "net_amount", "vat_amount", "gross_amount", "currency",
    )  # fmt: skip
    found = values(text)
    assert tuple(found.get(field) for field in fields) == expected


def test_account_vat_id_and_customer_number_are_found_by_their_form() -> None:
    found = values(GERMAN)
    assert found["iban"] == "DE75512108001245126199"
    assert found["issuer_vat_id"] == "DE136695976"
    assert found["customer_number"] == "K-1234"
    assert found["issuer_name"] == "Nordlicht Druck GmbH"


def test_what_was_recognized_from_a_picture_is_explicit_only_with_a_check_sum() -> None:
    explicit = {one.field for one in read_text(page_of(GERMAN, recognized=True)) if one.explicit}
    assert "invoice_number" not in explicit
    assert "invoice_date" not in explicit
    assert "iban" in explicit


def test_values_in_a_column_of_their_own_are_found_beside_their_labels() -> None:
    labels = [("Invoice", (50, 10, 90, 20)), ("number:", (93, 10, 130, 20)), ("Date:", (50, 30, 80, 40))]
    numbers = [("A-17", (300, 10, 330, 20)), ("3.5.2026", (300, 30, 350, 40))]
    page = lines_of_words([*labels, *numbers], 1)
    assert [[cell.text for cell in line.cells] for line in page] == [
        ["Invoice number:", "A-17"],
        ["Date:", "3.5.2026"],
    ]
    found = {one.field: one for one in read_text(page)}
    assert found["invoice_number"].value == "A-17"
    assert found["invoice_number"].box == (300, 10, 330, 20)
    assert found["invoice_date"].value == "2026-05-03"


def test_the_beginning_of_an_account_is_no_vat_id() -> None:
    assert "issuer_vat_id" not in values("Rechnung\nIBAN DE20 1242 1242 1242 1242 1242 124")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mietvertrag\nMiete: CHF 2'340.00 im Monat",
        "Offerte 5530\nTotal EUR 1,950.00\nRechnung folgt",
        "Bitte legen Sie die Rechnung zu den Akten.",
    ],
    ids=["empty", "contract", "offer", "letter"],
)
def test_what_is_no_invoice_is_skipped_with_the_reason(text: str) -> None:
    assert why_no_invoice(page_of(text), read_text(page_of(text)))


@pytest.mark.parametrize("text", [GERMAN, FRENCH, ITALIAN, ENGLISH], ids=["de", "fr", "it", "en"])
def test_what_is_an_invoice_is_not(text: str) -> None:
    assert why_no_invoice(page_of(text), read_text(page_of(text))) is None


def test_a_page_that_lay_askew_is_read_as_if_it_had_lain_straight() -> None:
    askew = [
        (word, (left, top + left * 0.02, right, bottom + left * 0.02))
        for line in page_of(
            "Rechnungsbetrag inklusive aller Steuern   1.190,00 EUR\nFällig am Ende   30.06.2026"
        )
        for cell in line.cells
        for at, word in enumerate(cell.text.split(" "))
        for left, top, right, bottom in [
            (cell.box[0] + at * 40, cell.box[1], cell.box[0] + at * 40 + 37, cell.box[3])
        ]
    ]
    assert len(lines_of_words(askew, 1, recognized=True)) == 2


SUMS = "Rechnung 4711\nPapier   100.00\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nettobetrag   100.00\nMWST 8.1%   8.10\nTotal CHF   108.10", ("100.00", "8.10", "108.10", None)),
        ("Netto   MWST 8.1%   Total CHF\n100.00   8.10   108.10", ("100.00", "8.10", "108.10", None)),
        (
            "Netto 100.00\n7% MWST   4.20\n19% MWST   7.60\nTotal   111.80",
            ("100.00", "11.80", "111.80", None),
        ),
        ("Total inkl. MWST   108.10\ndarin enthalten 8.1% MWST   8.10", (None, "8.10", "108.10", None)),
        ("Übertrag   100.00\nSaldovortrag   900.00\nGesamtbetrag   50.00", (None, None, "50.00", None)),
        (
            "Netto   100.00\nMWST 8.1%   8.10\nTotal   108.10\nAnzahlung   -50.00\nRestbetrag   58.10",
            ("100.00", "8.10", "108.10", "58.10"),
        ),
    ],
    ids=["below each other", "in a row", "several rates", "included", "balances", "paid before"],
)
def test_sums_are_told_by_labels_and_by_what_adds_up(text: str, expected: tuple[str | None, ...]) -> None:
    found = values(SUMS + text)
    fields = ("net_amount", "vat_amount", "gross_amount", "payable_amount")
    assert tuple(found.get(field) for field in fields) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invoice 4711\nDate: 03/04/2026\nDue date: 03/25/2026", "2026-03-04"),
        ("Invoice 4711\nDate: 03/04/2026\nDue date: 25/04/2026", "2026-04-03"),
        ("Invoice 4711\nAustin, TX 78701\nDate: 03/04/2026", "2026-03-04"),
        ("Facture 4711\nDate : 03/04/2026", "2026-04-03"),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_rest_of_the_paper(text: str, expected: str) -> None:
    found = {one.field: one for one in read_text(page_of(text))}
    assert (found["invoice_date"].value, found["invoice_date"].explicit) == (expected, True)


def test_an_order_of_day_and_month_that_nothing_tells_is_never_explicit() -> None:
    found = {one.field: one for one in read_text(page_of("Invoice 4711\nInvoice date: 03/04/2026"))}
    assert not found["invoice_date"].explicit


ADDRESSED = """Talblick Druck AG
Dorfgasse 3
3011 Bern

                                                  Seehof Treuhand
                                                  Regula Aebi
                                                  Postfach 118
                                                  8001 Zürich

Rechnung 4711
Total CHF   100.00

Talblick Druck AG   IBAN CH93 0076 2011 6238 5295 7"""


def test_the_issuer_is_told_from_the_recipient_by_what_stands_elsewhere() -> None:
    found = values(ADDRESSED)
    assert found["issuer_name"] == "Talblick Druck AG"
    assert found["recipient_name"] == "Seehof Treuhand"


def test_a_vat_id_that_fails_its_check_is_found_where_a_label_says_that_it_is_one() -> None:
    found = {one.field: one for one in read_text(page_of("Rechnung 4711\nUSt-IdNr.: DE123456789"))}
    assert found["issuer_vat_id"].value == "DE123456789"
    assert not found["issuer_vat_id"].explicit
