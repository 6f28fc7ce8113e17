"""What people say lies over what was read, and what was read stays beside it."""

from datetime import date

import pytest

from services.documents.corrections import (
    Correction,
    contradictions,
    findings_that_hold,
    normalized,
    with_corrections,
)
from shared.commands import InvoiceField, InvoiceFinding, OtherValue

TODAY = date(2026, 3, 12)


def field(name: str, value: str, verdict: str = "certain", source: str = "text") -> InvoiceField:
    return InvoiceField(name=name, value=value, source=source, confidence=80.0, verdict=verdict, page=1)


def said(name: str, value: str | None) -> Correction:
    return Correction(name, value, "ada")


@pytest.mark.parametrize(
    ("name", "written", "kept"),
    [
        ("iban", "ch93 0076 2011 6238 5295 7", "CH9300762011623852957"),
        ("gross_amount", "1'234.5", None),
        ("gross_amount", "1'234.50", "1234.50"),
        ("gross_amount", "1.234,50", "1234.50"),
        ("gross_amount", "1234.5", "1234.50"),
        ("gross_amount", "12", "12.00"),
        ("due_date", "31.3.2026", "2026-03-31"),
        ("due_date", "2026-03-31", "2026-03-31"),
        ("due_date", "3/4/2026", None),
        ("due_date", "soon", None),
        ("due_date", "1.1.1900", None),
        ("currency", "chf", "CHF"),
        ("currency", "francs", None),
        ("iban", "CH93 0076 2011 6238 5295 8", None),
        ("issuer_vat_id", "CHE-116.281.710 MWST", "CHE116281710MWST"),
        ("reference", "21 00000 00003 13947 14300 09017", "210000000003139471430009017"),
        ("reference", "21 00000 00003 13947 14300 09018", None),
        ("reference", "rf18 5390 0754 7034", "RF18539007547034"),
        ("issuer_name", "  Nordlicht   Druck ", "Nordlicht Druck"),
        ("issuer_name", " ", None),
        ("cost_center", "4400", "4400"),
        ("total", "1.00", None),
        ("gross_amount", "NaN", None),
        ("gross_amount", "1e3", "1000.00"),
    ],
)
def test_a_value_is_kept_as_analysed_ones_are_or_refused(name: str, written: str, kept: str | None) -> None:
    if kept is not None:
        assert normalized(name, written, TODAY) == kept
        return
    with pytest.raises(ValueError, match=r"\w+"):
        normalized(name, written, TODAY)


def test_a_correction_is_certain_and_the_reading_stands_beside_it() -> None:
    read = field("gross_amount", "1190.00", "contradicted").model_copy(
        update={"others": [OtherValue(value="1191.00", source="qr_bill")]}
    )
    (one,) = with_corrections([read], [said("gross_amount", "1191.00")])
    assert (one.value, one.source, one.verdict, one.page) == ("1191.00", "person", "certain", 1)
    assert [(other.value, other.source) for other in one.others] == [("1190.00", "text")]


def test_a_field_that_is_none_goes_and_one_that_was_not_read_comes_in_its_place() -> None:
    fields = [field("invoice_number", "1"), field("iban", "CH93")]
    after = with_corrections(fields, [said("iban", None), said("issuer_name", "Nordlicht")])
    assert [one.name for one in after] == ["issuer_name", "invoice_number"]


FINDINGS = [
    InvoiceFinding(code="check_failed", words="bad", fields=["iban"]),
    InvoiceFinding(code="totals_differ", words="", fields=["net_amount", "vat_amount", "gross_amount"]),
    InvoiceFinding(code="page_not_seen", words="page 3"),
]


def held(*corrections: Correction) -> list[str]:
    fields = [
        field("iban", "CH93"), field("net_amount", "100.00"), field("vat_amount", "8.10"),
        field("gross_amount", "109.10"),
    ]  # fmt: skip
    after = with_corrections(fields, corrections)
    return [one.code for one in findings_that_hold(FINDINGS, after, corrections)]


def test_findings_go_when_a_person_has_settled_what_they_concern() -> None:
    assert held() == ["check_failed", "totals_differ", "page_not_seen"]
    assert held(said("iban", "CH94")) == ["totals_differ", "page_not_seen"]
    assert held(said("gross_amount", "108.10")) == ["check_failed", "page_not_seen"]
    assert held(said("gross_amount", "109.20")) == ["check_failed", "totals_differ", "page_not_seen"]
    confirmed = [said("net_amount", "100.00"), said("vat_amount", "8.10"), said("gross_amount", "109.10")]
    assert held(*confirmed) == ["check_failed", "page_not_seen"], "a person knows better than arithmetic"


def test_corrections_that_contradict_what_is_there_are_told() -> None:
    fields = [field("invoice_date", "2026-03-12"), field("due_date", "2026-03-01", source="person")]
    (one,) = contradictions([], fields, [said("due_date", "2026-03-01")])
    assert (one.code, one.fields) == ("due_before_issued", ["invoice_date", "due_date"])
    assert contradictions([one], fields, [said("due_date", "2026-03-01")]) == []
    qr = [field("iban", "CH4431999123000889012"), field("reference", "RF18539007547034")]
    (other,) = contradictions([], qr, [said("reference", "RF18539007547034")])
    assert other.code == "iban_and_reference_differ"
