"""What is known of a supplier helps and warns, and makes nothing certain that stands nowhere."""

from services.documents.suppliers.core import Supplier, iban_change, warned, with_supplier
from services.documents.suppliers.identity import are_different, issuer_keys
from shared.commands import InvoiceField
from shared.ids import new_id

KNOWN, NEW = "CH9300762011623852957", "DE75512108001245126199"


def field(name: str, value: str, verdict: str = "certain", source: str = "text") -> InvoiceField:
    return InvoiceField(name=name, value=value, source=source, confidence=40.0, verdict=verdict)


def supplier(by: str = "vat", **facts: str) -> Supplier:
    return Supplier(new_id(), by, facts, (KNOWN,))


def by_name(fields: list[InvoiceField]) -> dict[str, tuple[str, str, str]]:
    return {one.name: (one.value, one.source, one.verdict) for one in fields}


def test_an_issuer_is_recognized_by_vat_id_account_and_name() -> None:
    values = {"issuer_vat_id": "CHE-116.281.710 MWST", "iban": KNOWN, "issuer_name": "Nordlicht Druck GmbH"}
    assert issuer_keys(values) == [
        "vat:che116281710", f"iban:{KNOWN.lower()}", "name:nordlichtdruckgmbh",
    ]  # fmt: skip
    assert issuer_keys({"issuer_vat_id": "CHE116281710TVA"}) == ["vat:che116281710"]
    assert issuer_keys({"iban": "CH00", "issuer_name": "--"}) == []


def test_two_vat_ids_are_two_issuers_whatever_else_is_the_same() -> None:
    assert are_different(["vat:1", "name:a"], ["vat:2", "name:a"])
    assert not are_different(["vat:1", "name:a"], ["vat:1", "name:b"])
    assert not are_different(["vat:1", "name:a"], ["name:a"])


def test_what_the_page_lacks_is_offered_and_never_certain() -> None:
    fields = with_supplier([field("issuer_vat_id", "DE1")], supplier(iban=KNOWN, payee_town="Bern"))
    assert by_name(fields) == {
        "issuer_vat_id": ("DE1", "text", "certain"),
        "iban": (KNOWN, "supplier", "uncertain"),
        "payee_town": ("Bern", "supplier", "uncertain"),
    }


def test_what_the_page_says_differently_has_the_known_value_beside_it() -> None:
    (one,) = with_supplier([field("currency", "EUR")], supplier(currency="CHF"))
    assert (one.value, one.verdict) == ("EUR", "certain")
    assert [(other.value, other.source) for other in one.others] == [("CHF", "supplier")]


def test_page_and_memory_together_make_a_guess_certain_unless_only_the_name_tells_who_it_is() -> None:
    guess = field("issuer_name", "NORDLICHT DRUCK", "uncertain")
    known = {"issuer_name": "Nordlicht Druck"}
    assert by_name(with_supplier([guess], supplier("vat", **known)))["issuer_name"][2] == "certain"
    assert by_name(with_supplier([guess], supplier("name", **known)))["issuer_name"][2] == "uncertain"


def test_a_wrong_guess_of_the_name_is_replaced_by_the_known_one_and_stays_uncertain() -> None:
    (one,) = with_supplier(
        [field("issuer_name", "Ihre Rechnung", "uncertain")], supplier(issuer_name="Nordlicht")
    )
    assert (one.value, one.source, one.verdict) == ("Nordlicht", "supplier", "uncertain")
    assert [other.value for other in one.others] == ["Ihre Rechnung"]


def test_an_address_is_not_mixed_with_an_older_one_and_a_bank_goes_with_its_account() -> None:
    known = supplier(payee_street="Altweg", payee_town="Bern", bic="POFICHBEXXX", iban=KNOWN)
    fields = with_supplier([field("payee_street", "Neuweg"), field("iban", NEW)], known)
    assert {one.name for one in fields} == {"payee_street", "iban"}
    assert by_name(with_supplier([field("iban", KNOWN)], known))["bic"] == (
        "POFICHBEXXX", "supplier", "uncertain",
    )  # fmt: skip


def test_another_account_is_a_loud_warning() -> None:
    fields = with_supplier([field("iban", NEW, source="qr_bill")], supplier())
    finding = iban_change(fields, supplier())
    assert finding is not None
    assert finding.code == "iban_changed"
    assert KNOWN in finding.words
    (one,) = warned(fields)
    assert (one.verdict, [other.value for other in one.others]) == ("contradicted", [KNOWN])


def test_no_warning_of_the_known_account_of_one_that_was_misread_or_where_none_is_known() -> None:
    for value in (KNOWN, "CH00123"):
        assert iban_change([field("iban", value)], supplier()) is None
    assert iban_change([field("iban", NEW)], Supplier(new_id(), "vat")) is None
    assert iban_change([], supplier()) is None
