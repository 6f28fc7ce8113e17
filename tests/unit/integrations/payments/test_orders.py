"""From an approved invoice to an order, or to the reason why there is none."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.integrations.payments.accounts import Account
from services.integrations.payments.checks import Kind, ReferenceKind
from services.integrations.payments.choice import choose
from services.integrations.payments.orders import Order, judge
from services.integrations.payments.payable import Payable, Wish, same_debt
from shared.events import Record
from shared.words import PaymentState
from tests.support.payments import EUROS, FRANCS, GERMAN, QR_IBAN, QR_REFERENCE, approved

#: A Monday.
TODAY = date(2026, 3, 2)
WISH = Wish(today=TODAY, until=date(2026, 3, 9))
ACCOUNTS = (FRANCS, EUROS, GERMAN)


def payable(
    kind: str = "qrr",
    *,
    state: PaymentState = PaymentState.OPEN,
    of: str = "invoice",
    due: date | None = None,
    orders: int = 0,
    held: str | None = None,
    rejected: str | None = None,
    **values: Any,
) -> Payable:
    event = approved(kind, of=of, **values)
    amount = event.values.get("payable_amount")
    return Payable(
        event.document_id, event.kind, state, event.values, Decimal(amount) if amount else None, due,
        orders, held, rejected,
    )  # fmt: skip


def order_of(payable: Payable, *accounts: Account, wish: Wish = WISH) -> Order:
    judged = judge(payable, accounts or ACCOUNTS, wish)
    assert isinstance(judged, Order), judged
    return judged


def refusal_of(payable: Payable, *accounts: Account, wish: Wish = WISH) -> str:
    judged = judge(payable, accounts or ACCOUNTS, wish)
    assert isinstance(judged, Record), judged
    if judged.failure is None:
        return f"{judged.outcome}: {judged.message}"
    assert judged.failure.next_step
    return judged.failure.code


def test_a_qr_iban_is_paid_with_its_reference_and_the_message_of_the_bill() -> None:
    order = order_of(payable("qrr", reference="21 00000 00003 13947 14300 09017"))
    assert (order.kind, order.account, order.reference_kind) == (Kind.DOMESTIC, FRANCS, ReferenceKind.QRR)
    assert (order.reference, order.message) == (QR_REFERENCE, "Rechnung 2026-17")
    assert order.address is not None
    assert (order.address.street, order.address.building_number, order.address.postal_code) == (
        "Dorfstrasse", "3a", "3800",
    )  # fmt: skip


def test_francs_and_euros_within_switzerland_are_domestic_each_from_its_account() -> None:
    assert order_of(payable("scor")).account is FRANCS
    euros = order_of(payable("scor", currency="EUR"))
    assert (euros.kind, euros.account) == (Kind.DOMESTIC, EUROS)
    assert order_of(payable("qrr", currency="EUR")).kind is Kind.DOMESTIC


def test_euros_to_the_sepa_area_are_sepa_from_the_first_account_that_can() -> None:
    order = order_of(payable("sepa"))
    assert (order.kind, order.account, order.bic) == (Kind.SEPA, EUROS, "BYLADEM1001")
    assert order_of(payable("sepa"), GERMAN).account is GERMAN
    assert order_of(payable("scor", currency="EUR"), GERMAN).kind is Kind.SEPA, "Switzerland is in SEPA"
    assert order.name == "Praezision GmbH"


@pytest.mark.parametrize("bic", [None, "nonsense", "CRESCHZZ80A"])
def test_a_bic_that_is_none_or_of_another_country_is_left_out(bic: str | None) -> None:
    assert order_of(payable("sepa", bic=bic)).bic is None


def test_without_a_reference_the_order_says_what_the_payee_needs() -> None:
    assert order_of(payable("plain")).message == "R-17"
    said = order_of(payable("plain", reference="Kd. 4711", message="Rechnung R-17 vom 1.3."))
    assert said.message == "Kd. 4711, Rechnung R-17 vom 1.3."
    assert order_of(payable("plain", invoice_number=None)).message is None
    long = order_of(payable("plain", message="x" * 200)).message
    assert long is not None
    assert len(long) == 140


def test_beside_a_reference_sepa_carries_nothing() -> None:
    order = order_of(payable("sepa", reference="RF18 5390 0754 7034", message="hello"))
    assert (order.reference_kind, order.message) == (ReferenceKind.SCOR, None)


@pytest.mark.parametrize(
    ("kind", "values", "code"),
    [
        ("qrr", {"iban": None}, "iban_missing"),
        ("qrr", {"iban": "CH4431999123000889013"}, "iban_invalid"),
        ("qrr", {"reference": None}, "qr_reference_missing"),
        ("qrr", {"reference": "210000000003139471430009018"}, "qr_reference_missing"),
        ("qrr", {"reference": "RF18539007547034"}, "qr_reference_missing"),
        ("plain", {"reference": QR_REFERENCE}, "qr_iban_missing"),
        ("plain", {"reference": "210000000003139471430009018"}, "reference_invalid"),
        ("scor", {"reference": "RF19539007547034"}, "reference_invalid"),
        ("qrr", {"payee_town": None}, "payee_address_missing"),
        ("qrr", {"payee_country": None}, "payee_address_missing"),
        ("qrr", {"payee_country": "Schweiz"}, "payee_address_missing"),
        ("qrr", {"issuer_name": None}, "payee_missing"),
        ("qrr", {"issuer_name": "株式会社"}, "payee_missing"),
        ("qrr", {"payable_amount": None}, "amount_invalid"),
        ("qrr", {"payable_amount": "0.00"}, "amount_invalid"),
        ("qrr", {"payable_amount": "-5.00"}, "amount_invalid"),
        ("qrr", {"payable_amount": "1.005"}, "amount_invalid"),
        ("qrr", {"payable_amount": "1000000000.00"}, "amount_invalid"),
        ("qrr", {"currency": None}, "currency_missing"),
        ("sepa", {"currency": "USD"}, "payment_abroad_unsupported"),
        ("sepa", {"currency": "CHF"}, "payment_abroad_unsupported"),
        ("sepa", {"iban": "TR330006100519786457841326"}, "payment_abroad_unsupported"),
    ],
)
def test_missing_or_inconsistent_data_fails_with_its_code(
    kind: str, values: dict[str, Any], code: str
) -> None:
    assert refusal_of(payable(kind, **values)) == code


def test_an_account_that_is_missing_is_named() -> None:
    assert refusal_of(payable("sepa"), FRANCS) == "account_missing"
    assert refusal_of(payable("qrr", currency="EUR"), FRANCS, GERMAN) == "account_missing"


def test_sepa_needs_no_address_and_takes_only_a_whole_one() -> None:
    assert order_of(payable("sepa", payee_town=None)).address is None
    assert order_of(payable("sepa", payee_country=None)).address is None


def test_what_is_not_to_be_paid_is_skipped_with_the_reason() -> None:
    assert "credit note" in refusal_of(payable(of="credit_note"))
    assert "ordered already" in refusal_of(payable(state=PaymentState.ORDERED))
    assert "paid already" in refusal_of(payable(state=PaymentState.PAID))
    assert "it waits" in refusal_of(payable(held="it waits for approval again"))
    assert "AC04" in refusal_of(payable(rejected="AC04: the account is closed", orders=1))


def test_a_rejected_payment_is_ordered_again_if_it_is_named_under_a_new_id() -> None:
    again = payable(rejected="AC04", orders=1)
    order = order_of(again, wish=Wish(TODAY, TODAY, documents=frozenset({again.document_id})))
    assert order.payment_id == f"{again.document_id.hex}-02"
    assert len(order.payment_id) == 35
    assert refusal_of(payable(orders=99)) == "ordered_too_often"


@pytest.mark.parametrize(
    ("kind", "due", "wished", "day"),
    [
        ("qrr", None, None, date(2026, 3, 3)),
        ("qrr", date(2026, 2, 20), None, date(2026, 3, 3)),
        ("qrr", date(2026, 3, 6), None, date(2026, 3, 6)),
        # Due on a Sunday: the Friday before; SEPA takes a day.
        ("qrr", date(2026, 3, 8), None, date(2026, 3, 6)),
        ("sepa", date(2026, 3, 8), None, date(2026, 3, 5)),
        ("sepa", date(2026, 3, 3), None, date(2026, 3, 3)),
        # Good Friday and Easter Monday.
        ("qrr", date(2026, 4, 6), None, date(2026, 4, 2)),
        ("qrr", date(2026, 3, 6), date(2026, 4, 3), date(2026, 4, 7)),
        ("qrr", date(2026, 3, 6), TODAY, TODAY),
    ],
)
def test_the_day_is_the_wished_one_or_in_time_and_always_a_working_day(
    kind: str, due: date | None, wished: date | None, day: date
) -> None:
    wish = Wish(TODAY, date(2026, 12, 31), execution_date=wished)
    assert order_of(payable(kind, due=due), wish=wish).execution_date == day


def test_lengths_are_cut_and_a_long_building_number_goes_to_the_street() -> None:
    order = order_of(payable(issuer_name="N" * 90, payee_building_number="b" * 17, payee_town="T" * 40))
    assert order.address is not None
    assert (len(order.name), len(order.address.town)) == (70, 35)
    assert (order.address.street, order.address.building_number) == (f"Dorfstrasse {'b' * 17}", None)


def test_the_same_debt_is_known_by_account_amount_and_number_or_reference_and_date() -> None:
    one = payable("plain")
    assert same_debt(one, payable("plain"))
    assert not same_debt(one, payable("plain", invoice_number="R-18"))
    assert not same_debt(one, payable("plain", payable_amount="120.51"))
    rent = payable("qrr", due=date(2026, 3, 1))
    assert same_debt(rent, payable("qrr", due=date(2026, 3, 1)))
    assert not same_debt(rent, payable("qrr", due=date(2026, 4, 1))), "the next month's rent"


def test_copies_in_one_run_are_ordered_once_even_if_both_are_named() -> None:
    copies = [payable("plain"), payable("plain")]
    named = Wish(TODAY, TODAY, documents=frozenset(one.document_id for one in copies))
    for wish in (WISH, named):
        choice = choose(copies, [], ACCOUNTS, wish)
        assert len(choice.orders) == 1
        assert [one.failure.code for one in choice.left_out if one.failure] == ["duplicate_payment"]
    paid = payable("plain", state=PaymentState.PAID)
    assert choose(copies[:1], [paid], ACCOUNTS, WISH).orders == []
    assert len(choose(copies[:1], [paid], ACCOUNTS, named).orders) == 1


def test_a_named_document_that_nobody_approved_fails() -> None:
    choice = choose([], [], ACCOUNTS, Wish(TODAY, TODAY, documents=frozenset({uuid4()})))
    assert [one.failure.code for one in choice.left_out if one.failure] == ["invoice_not_approved"]


def test_a_qr_iban_is_one_by_its_institution() -> None:
    assert QR_IBAN[4:9] == "31999"
    assert refusal_of(payable("scor", iban=QR_IBAN)) == "qr_reference_missing"
