"""Text with layout, in the languages in which invoices arrive."""

import pytest

from services.documents.invoices.lines import Line, lines_of_text, lines_of_words
from services.documents.invoices.text import read_text, why_no_invoice

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
    return {one.field: one.value for one in reversed(read_text(lines_of_text(text, 1)))}


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
    explicit = {one.field for one in read_text(lines_of_text(GERMAN, 1)) if one.explicit}
    assert "invoice_number" not in explicit
    assert "invoice_date" not in explicit
    assert "iban" in explicit


def test_values_in_a_column_of_their_own_are_found_beside_their_labels() -> None:
    labels = [("Invoice", (50, 10, 90, 20)), ("number:", (93, 10, 130, 20)), ("Date:", (50, 30, 80, 40))]
    numbers = [("A-17", (300, 10, 330, 20)), ("3.5.2026", (300, 30, 350, 40))]
    lines = lines_of_words([*labels, *numbers], 1)
    assert [[cell.text for cell in line.cells] for line in lines] == [
        ["Invoice number:", "A-17"],
        ["Date:", "3.5.2026"],
    ]
    found = {one.field: one for one in read_text(lines)}
    assert found["invoice_number"].value == "A-17"
    assert found["invoice_number"].box == (300, 10, 330, 20)
    assert found["invoice_date"].value == "2026-05-03"


def test_the_beginning_of_an_account_is_no_vat_id() -> None:
    assert "issuer_vat_id" not in values("Rechnung\nIBAN DE20 1242 1242 1242 1242 1242 124")


def lines(text: str) -> list[Line]:
    return lines_of_text(text, 1)


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
    assert why_no_invoice(lines(text), read_text(lines(text)))


@pytest.mark.parametrize("text", [GERMAN, FRENCH, ITALIAN, ENGLISH], ids=["de", "fr", "it", "en"])
def test_what_is_an_invoice_is_not(text: str) -> None:
    assert why_no_invoice(lines(text), read_text(lines(text))) is None
