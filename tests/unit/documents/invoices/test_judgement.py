"""Which value is shown, how sure it is, and what a person is told."""

from datetime import date

from services.documents.invoices.judgement import Judged, judge
from services.documents.invoices.words import Candidate, Finding

TODAY = date(2026, 11, 1)


def judged(*candidates: Candidate, shown: str | None = None) -> tuple[dict[str, Judged], list[Finding]]:
    return judge(candidates, shown, TODAY)


def one(field: str, value: str, source: str = "e_invoice", *, explicit: bool = False) -> Candidate:
    return Candidate(field, value, source, 90.0, explicit=explicit)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_the_more_trusted_source_is_shown_and_the_contradiction_with_it() -> None:
    fields, findings = judged(
        one("iban", "DE75512108001245126199", "girocode"),
        one("iban", "FR7610107002450061705231739", "text", explicit=True),
    )
    assert fields["iban"].chosen.value == "DE75512108001245126199"
    assert fields["iban"].verdict == "contradicted"
    assert [other.value for other in fields["iban"].others] == ["FR7610107002450061705231739"]
    assert codes(findings) == ["sources_contradict"]


def test_a_label_that_was_misread_is_no_contradiction_where_the_page_shows_the_value() -> None:
    candidates = one("invoice_number", "4711"), one("invoice_number", "12", "text", explicit=True)
    fields, findings = judged(*candidates, shown="Rechnung 4711 vom 3. Mai, 12 Stück")
    assert fields["invoice_number"].verdict == "certain"
    assert findings == []


def test_a_value_that_fails_its_check_is_never_certain() -> None:
    for field, value in (
        ("iban", "DE12123456781234567890"),
        ("issuer_vat_id", "DE123456789"),
        ("reference", "210000000003139471430009018"),
        ("reference", "RF19539007547034"),
        ("invoice_date", "2026-13-01"),
        ("due_date", "2199-01-01"),
        ("gross_amount", "12,x"),
        ("currency", "Euro"),
    ):
        fields, findings = judged(one(field, value))
        assert fields[field].verdict == "uncertain", field
        assert codes(findings)[0] == "check_failed"


def test_text_without_an_explicit_label_is_uncertain() -> None:
    assert judged(one("invoice_number", "4711", "text"))[0]["invoice_number"].verdict == "uncertain"
    explicit = judged(one("invoice_number", "4711", "text", explicit=True))[0]
    assert explicit["invoice_number"].verdict == "certain"


def totals(net: str, vat: str, gross: str, source: str = "text") -> list[Candidate]:
    values = {"net_amount": net, "vat_amount": vat, "gross_amount": gross}
    return [one(field, value, source) for field, value in values.items()]


def test_totals_that_add_up_confirm_each_other() -> None:
    fields, findings = judged(*totals("46.68", "9.34", "56.02"))
    assert {field.verdict for field in fields.values()} == {"certain"}
    assert findings == []


def test_totals_without_vat_confirm_nothing() -> None:
    fields, _ = judged(*totals("46.68", "0.00", "46.68"))
    assert {field.verdict for field in fields.values()} == {"uncertain"}


def test_totals_that_do_not_add_up_are_told_and_uncertain_whatever_their_source() -> None:
    fields, findings = judged(*totals("46.68", "9.34", "66.02", "e_invoice"))
    assert {field.verdict for field in fields.values()} == {"uncertain"}
    assert codes(findings) == ["totals_differ"]


def test_a_payment_code_confirms_the_gross_amount_or_contradicts_it() -> None:
    code, text = one("payable_amount", "56.02", "qr_bill"), one("gross_amount", "56.02", "text")
    assert judged(code, text)[0]["gross_amount"].verdict == "certain"
    fields, findings = judged(code, one("gross_amount", "65.02", "text"))
    assert {field.verdict for field in fields.values()} == {"contradicted"}
    assert codes(findings) == ["amounts_contradict"]


def test_a_qr_iban_goes_with_a_qr_reference_only() -> None:
    qr_iban, plain = one("iban", "CH4431999123000889012"), one("iban", "CH7400700110006116002")
    qr_reference = one("reference", "210000000003139471430009017")
    creditor_reference = one("reference", "RF18539007547034")
    for fits in ((qr_iban, qr_reference), (plain, creditor_reference), (plain,)):
        assert judged(*fits)[1] == []
    for differs in ((qr_iban, creditor_reference), (plain, qr_reference), (qr_iban,)):
        fields, findings = judged(*differs)
        assert codes(findings) == ["iban_and_reference_differ"]
        assert fields["iban"].verdict == "uncertain"


def test_due_before_issued_is_told() -> None:
    _, findings = judged(one("invoice_date", "2026-03-12"), one("due_date", "2026-03-01"))
    assert codes(findings) == ["due_before_issued"]


def test_an_e_invoice_that_says_what_the_page_does_not_show_is_told() -> None:
    _, findings = judged(one("gross_amount", "900.00"), shown="Total 100.00 EUR")
    assert codes(findings) == ["not_on_the_pages"]


def terms(days: str, *, explicit: bool = True) -> Candidate:
    return Candidate("terms", days, "text", 65.0, explicit=explicit, derived=f"{days} Tage netto")


def test_a_due_date_that_is_not_written_is_computed_as_certain_as_what_it_comes_from() -> None:
    issued = one("invoice_date", "2026-03-12", "text", explicit=True)
    fields, findings = judged(issued, terms("30"))
    assert (fields["due_date"].chosen.value, fields["due_date"].verdict) == ("2026-04-11", "certain")
    assert codes(findings) == ["due_date_derived"]
    assert "30 Tage netto" in findings[0].words
    assert list(fields) == ["invoice_date", "due_date"]
    guessed = one("invoice_date", "2026-03-12", "text")
    assert judged(guessed, terms("30"))[0]["due_date"].verdict == "uncertain"
    assert judged(issued, terms("30", explicit=False))[0]["due_date"].verdict == "uncertain"


def test_a_due_date_that_is_written_is_not_computed() -> None:
    written = one("due_date", "2026-05-01", "text", explicit=True)
    fields, findings = judged(one("invoice_date", "2026-03-12"), written, terms("30"))
    assert fields["due_date"].chosen.value == "2026-05-01"
    assert findings == []


def test_country_and_bic_are_checked() -> None:
    for field, right, wrong in (("bic", "SOGEDEFFXXX", "SOGEDE"), ("payee_country", "CH", "Schweiz")):
        assert judged(one(field, right))[0][field].verdict == "certain"
        assert judged(one(field, wrong))[0][field].verdict == "uncertain"
