"""A label is learned where a person says that the value stands, and leads to the next invoice's value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.invoices.lines import Cell, Line
from services.documents.invoices.words import Candidate
from services.documents.suppliers.labels import Hint, label_of, with_hints
from tests.unit.documents.invoices.pages import page_of

FIRST = """Nordlicht Druck GmbH   Bern
Vorgang   V-4711-22   Ausgefertigt   02.03.2026
Papier   87.00
Endbetreffnis CHF   1'103.53
Zahlbar bis längstens: 1. April 2026"""
SECOND = """Nordlicht Druck GmbH   Bern
Vorgang   W-0815-23   Ausgefertigt   14.04.2026
Papier   200.00
Endbetreffnis CHF   212.60
Zahlbar bis längstens: 15. Mai 2026"""


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("invoice_number", "V-4711-22", "vorgang"),
        ("invoice_date", "2026-03-02", "ausgefertigt"),
        ("gross_amount", "1103.53", "endbetreffnis"),
        ("due_date", "2026-04-01", "zahlbar bis längstens"),
        ("gross_amount", "99.99", None),
        ("invoice_number", "V-4711-23", None),
    ],
)
def test_the_words_before_a_value_are_its_label(field: str, value: str, label: str | None) -> None:
    assert label_of(page_of(FIRST, recognized=True), field, value) == label


def hint(*keys: str) -> Hint:
    labels = {
        "invoice_number": "vorgang", "invoice_date": "ausgefertigt", "gross_amount": "endbetreffnis",
        "due_date": "zahlbar bis längstens",
    }  # fmt: skip
    return Hint(keys, labels)


def test_the_next_invoice_is_read_by_the_labels_and_not_by_guesses() -> None:
    guess = Candidate("gross_amount", "200.00", "text", 40.0)
    other = Candidate("currency", "CHF", "text", 65.0)
    read = with_hints([guess, other], page_of(SECOND, recognized=True), [hint("name:nordlichtdruckgmbh")])
    assert {one.field: one.value for one in read} == {
        "invoice_number": "W-0815-23",
        "invoice_date": "2026-04-14",
        "gross_amount": "212.60",
        "due_date": "2026-05-15",
        "currency": "CHF",
    }
    assert not any(one.explicit for one in read), "a recognized page may have been misread"


def test_labels_of_another_supplier_are_not_used() -> None:
    guess = Candidate("gross_amount", "200.00", "text", 40.0)
    assert with_hints([guess], page_of(SECOND, recognized=True), [hint("name:other", "vat:de1")]) == [guess]


def test_the_surest_key_tells_which_supplier_it_is() -> None:
    vat = Candidate("issuer_vat_id", "DE136695976", "text", 90.0)
    hints = [Hint(("name:nordlichtdruckgmbh",), {"order_number": "vorgang"}), hint("vat:de136695976")]
    read = with_hints([vat], page_of(SECOND, recognized=True), hints)
    assert "order_number" not in {one.field for one in read}
    assert ("invoice_number", "W-0815-23") in {(one.field, one.value) for one in read}


def test_a_label_above_its_value_leads_to_what_stands_below() -> None:
    def table(number: str, day: str) -> list[Line]:
        cells = [("Vorgang", 50.0), ("Ausgefertigt", 200.0)]
        below = [(number, 50.0), (day, 200.0)]
        return [
            Line(1, tuple(Cell(text, (x, y, x + 60, y + 10)) for text, x in row))
            for y, row in ((100.0, cells), (114.0, below))
        ]

    assert label_of(table("V-1", "02.03.2026"), "invoice_date", "2026-03-02") == "ausgefertigt"
    supplier = Hint(("iban:x",), {"invoice_date": "ausgefertigt", "invoice_number": "vorgang"})
    known = [Candidate("iban", "CH9300762011623852957", "qr_bill", 99.0)]
    hinted = Hint(("iban:ch9300762011623852957",), supplier.labels)
    read = with_hints([], table("W-2", "14.04.2026"), [hinted], known)
    assert {(one.field, one.value, one.explicit) for one in read} == {
        ("invoice_date", "2026-04-14", True), ("invoice_number", "W-2", True),
    }  # fmt: skip


def test_a_label_with_several_values_gives_a_guess() -> None:
    lines = page_of("Vorgang   A-1\nVorgang   A-2")
    hints = [Hint(("name:vorgang",), {"invoice_number": "vorgang"})]
    (one,) = with_hints([], lines, hints)
    assert (one.value, one.explicit) == ("A-2", False)


@given(st.text(alphabet="abcdefgäöü ", min_size=3, max_size=20), st.integers(100, 99999))
def test_what_a_label_was_learned_from_it_finds_again(label: str, number: int) -> None:
    lines = page_of(f"{label}   {number}", recognized=True)
    learned = label_of(lines, "invoice_number", str(number))
    if learned is None:
        return
    hints = [Hint(("iban:ch9300762011623852957",), {"invoice_number": learned})]
    known = [Candidate("iban", "CH9300762011623852957", "qr_bill", 99.0)]
    assert [one.value for one in with_hints([], lines, hints, known)] == [str(number)]
