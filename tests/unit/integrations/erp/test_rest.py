"""An ERP with an interface: how it is set up, its entries, and which payment state wins."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.integrations.erp.rest.booking import Suppliers
from services.integrations.erp.rest.entries import Entry, WrongEntry, read_entry, too_many_gone
from services.integrations.erp.rest.payments import (
    KnownPayment,
    PaidHere,
    PaidThere,
    differences,
)
from services.integrations.erp.rules import read_erp_rules
from shared.errors import TagwerkError
from shared.events import Record
from shared.words import BookedIn, ErpList, PaymentState

DOCUMENT = UUID(int=4)


def written(path: Path, **values: Any) -> Path:
    lines = {"url": '"https://erp.example.org/api/"', "token_file": '"erp.token"', **values}
    path.write_text("[rest.main]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    return path


def test_where_invoices_are_booked_has_to_be_said(tmp_path: Path) -> None:
    read_only = read_erp_rules(written(tmp_path / "erp.toml"))
    assert (read_only.booked_in("main"), read_only.booked_in("other")) == (BookedIn.DATEV,) * 2
    rules = read_erp_rules(written(tmp_path / "erp.toml", bookings="true"))
    assert rules.booked_in("main") is BookedIn.ERP
    erp = rules.rest["main"]
    assert (erp.url, erp.token_file) == ("https://erp.example.org/api", tmp_path / "erp.token")
    erp.token_file.write_text("abc \nanother")
    assert erp.token() == "abc"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": '"http://erp.example.org"'}, "unencrypted"),
        ({"url": '"https://me:secret@erp.example.org"'}, "credentials belong into the file"),
        ({"url": '"ftp://erp.example.org"'}, "it must read https://host/path"),
        ({"token": '"abc"'}, "it belongs into a file of its own"),
        ({"gone_limit": "0"}, "gone_limit"),
        ({"bokings": "true"}, "bokings"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_with_its_field(
    tmp_path: Path, values: dict[str, str], said: str
) -> None:
    with pytest.raises(TagwerkError) as raised:
        read_erp_rules(written(tmp_path / "erp.toml", **values))
    assert raised.value.failure.code == "erp_file_invalid"
    assert said in raised.value.failure.cause
    assert "abc" not in raised.value.failure.cause


@pytest.mark.parametrize(
    ("given", "id", "said"),
    [
        ({"id": "1"}, "1", "name"),
        ({"id": "1", "name": "a\x00b"}, "1", "name"),
        ({"id": "1", "name": "\ud800"}, "1", "name"),
        ({"id": "", "name": "x"}, None, "id"),
        ({"name": "x"}, None, "id"),
        ("text", None, ""),
        (None, None, ""),
    ],
)
def test_an_entry_that_cannot_be_read_says_which_field_and_keeps_its_id(
    given: Any, id: str | None, said: str
) -> None:
    wrong = read_entry(ErpList.SUPPLIERS, given, "page 1, entry 1")
    assert isinstance(wrong, WrongEntry)
    assert wrong.id == id
    assert said in wrong.cause


@pytest.mark.parametrize(
    ("amount", "stored"),
    [("119", "119.00"), ("119.0", "119.00"), (Decimal("0.125"), "0.125"), ("-0", "0.00"), (5, "5.00")],
)
def test_amounts_are_stored_in_one_spelling(amount: Any, stored: str) -> None:
    given = {"id": "1", "supplier_id": "7", "currency": "EUR", "amount": "1", "open_amount": amount}
    entry = read_entry(ErpList.OPEN_ITEMS, given, "here")
    assert isinstance(entry, Entry)
    assert entry.values["open_amount"] == stored


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e30", "1.1234567", "a lot", None, True])
def test_what_is_no_amount_is_refused(amount: Any) -> None:
    given = {"id": "1", "supplier_id": "7", "currency": "EUR", "amount": "1", "open_amount": amount}
    assert isinstance(read_entry(ErpList.OPEN_ITEMS, given, "here"), WrongEntry)


@pytest.mark.parametrize(
    ("gone", "known", "too_many"),
    [(5, 5, False), (6, 6, True), (6, 30, False), (7, 30, True), (0, 0, False), (200, 1000, False)],
)
def test_a_few_may_be_gone_whatever_the_limit_and_more_up_to_it(
    gone: int, known: int, too_many: bool
) -> None:
    assert too_many_gone(gone, known, 20) is too_many


@pytest.mark.parametrize(
    ("state", "open_amount", "came_back", "becomes"),
    [
        (PaymentState.OPEN, "0.00", False, PaidThere),
        (PaymentState.REJECTED, "0.00", False, PaidThere),
        (PaymentState.OPEN, "0.00", True, "failed"),
        (PaymentState.ORDERED, "0.00", False, "skipped"),
        (PaymentState.ACCEPTED, "0.00", False, "skipped"),
        (PaymentState.PAID, "19.00", False, PaidHere),
        (PaymentState.PAID, "0.00", True, None),
        (PaymentState.OPEN, "19.00", True, None),
        (PaymentState.ACCEPTED, "119.00", False, None),
    ],
)
def test_which_side_is_right_about_a_payment(
    state: PaymentState, open_amount: str, came_back: bool, becomes: Any
) -> None:
    payment = known(state=state, came_back=came_back)
    found = differences([item(open_amount=open_amount)], [payment])
    told = [one.outcome if isinstance(one, Record) else type(one) for one in found]
    assert told == ([] if becomes is None else [becomes])


def test_an_item_without_our_id_belongs_to_the_only_invoice_of_its_number_and_amount() -> None:
    paid = item(external_id=None, open_amount="0.00")
    assert [type(one) for one in differences([paid], [known()])] == [PaidThere]
    assert differences([paid], [known(), known(document_id=uuid4())]) == []
    assert differences([paid], [known(amount=Decimal("118.00"))]) == []
    assert differences([item(external_id=str(uuid4()), open_amount="0.00")], [known()]) == []


def test_a_supplier_is_known_by_what_only_it_has() -> None:
    def supplier(id: str, **values: str) -> Entry:
        return Entry(ErpList.SUPPLIERS, id, id, values, None)

    known = Suppliers.of(
        [
            supplier("1", name="Same GmbH", iban="DE02 1"),
            supplier("2", name="Same  gmbh", iban="DE02 2"),
            supplier("3", name="Third"),
        ]
    )
    assert (known.by_name, known.by_iban) == ({"third": "3"}, {"de021": "1", "de022": "2"})


def known(**values: Any) -> KnownPayment:
    given: dict[str, Any] = {
        "document_id": DOCUMENT, "state": PaymentState.OPEN, "label": "x", "invoice_number": "R-1",
        "amount": Decimal("119.00"), "currency": "EUR", **values,
    }  # fmt: skip
    return KnownPayment(**given)


def item(**values: Any) -> Entry:
    given = {
        "id": "OP-1", "etag": '"1"', "supplier_id": "7", "currency": "EUR", "amount": "119.00",
        "invoice_number": "R-1", "external_id": str(DOCUMENT), **values,
    }  # fmt: skip
    entry = read_entry(ErpList.OPEN_ITEMS, given, "here")
    assert isinstance(entry, Entry)
    return entry
