"""The payment file: schema, rules of the banks, sums, ids, order, characters."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.integrations.payments.files import by_bank, make_file
from services.integrations.payments.orders import Order, judge
from services.integrations.payments.pain001 import render
from services.integrations.payments.payable import Wish
from shared.errors import TagwerkError
from tests.support.pain001_rules import SPACE, violations
from tests.support.payments import EUROS, FRANCS, GERMAN
from tests.unit.integrations.payments.test_orders import TODAY, payable

FILE = UUID("0192d4f0-11aa-7c01-8a55-77be3d5fb2b3")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WISH = Wish(TODAY, date(2026, 12, 31))


def orders(*kinds: str, accounts: tuple[object, ...] = (FRANCS, EUROS, GERMAN)) -> list[Order]:
    judged = [
        judge(payable(kind, payable_amount=f"{n}.10", invoice_number=f"R-{n}"), accounts, WISH)  # type: ignore[arg-type]
        for n, kind in enumerate(kinds, 1)
    ]
    assert all(isinstance(one, Order) for one in judged)
    return [one for one in judged if isinstance(one, Order)]


def written(*some: Order) -> bytes:
    return render(make_file(FILE, AT, some), "1.2.3")


def texts(message: bytes, path: str) -> list[str]:
    return [one.text or "" for one in etree.fromstring(message).iterfind(path, SPACE)]


@pytest.mark.parametrize(
    "kinds", [["qrr"], ["scor"], ["plain"], ["sepa"], ["qrr", "scor", "plain"], ["sepa"] * 5]
)
@pytest.mark.parametrize("accounts", [(FRANCS, EUROS), (FRANCS, GERMAN)])
def test_every_kind_and_mix_keeps_the_schema_and_the_rules(
    kinds: list[str], accounts: tuple[object, ...]
) -> None:
    for some in by_bank(orders(*kinds, accounts=accounts)):
        assert violations(written(*some)) == []


def test_a_file_is_written_to_the_letter() -> None:
    """The form that banks were sent before; a change here is a change of what they get."""
    order = orders("qrr")[0]
    message = written(order).decode()
    assert message.startswith("<?xml version='1.0' encoding='UTF-8'?>\n<Document xmlns=")
    assert f"""\
      <CdtTrfTxInf>
        <PmtId>
          <InstrId>001-1</InstrId>
          <EndToEndId>{order.document_id.hex}-01</EndToEndId>
        </PmtId>
        <Amt>
          <InstdAmt Ccy="CHF">1.10</InstdAmt>
        </Amt>
        <Cdtr>
          <Nm>Käserei Oberland</Nm>
          <PstlAdr>
            <StrtNm>Dorfstrasse</StrtNm>
            <BldgNb>3a</BldgNb>
            <PstCd>3800</PstCd>
            <TwnNm>Interlaken</TwnNm>
            <Ctry>CH</Ctry>
          </PstlAdr>
        </Cdtr>
        <CdtrAcct>
          <Id>
            <IBAN>CH4431999123000889012</IBAN>
          </Id>
        </CdtrAcct>
        <RmtInf>
          <Strd>
            <CdtrRefInf>
              <Tp>
                <CdOrPrtry>
                  <Prtry>QRR</Prtry>
                </CdOrPrtry>
              </Tp>
              <Ref>210000000003139471430009017</Ref>
            </CdtrRefInf>
            <AddtlRmtInf>Rechnung 2026-17</AddtlRmtInf>
          </Strd>
        </RmtInf>
      </CdtTrfTxInf>
""" in message  # fmt: skip


def test_the_same_orders_give_the_same_bytes_in_whatever_order_they_come() -> None:
    some = orders("qrr", "scor", "plain", "qrr")
    shuffled = random.Random(1).sample(some, len(some))
    assert written(*some) == written(*shuffled)


def test_blocks_are_by_account_day_and_kind_and_files_by_bank() -> None:
    late = judge(payable("plain", due=date(2026, 3, 20)), (FRANCS, EUROS), WISH)
    assert isinstance(late, Order)
    abroad = orders("sepa", "sepa", accounts=(FRANCS, EUROS))
    domestic_euros = judge(payable("scor", currency="EUR"), (EUROS,), WISH)
    assert isinstance(domestic_euros, Order)
    first, second = by_bank([*orders("qrr", "scor"), late, *abroad, domestic_euros])
    counts = texts(written(*first), ".//p:PmtInf/p:NbOfTxs"), texts(written(*second), ".//p:PmtInf/p:NbOfTxs")
    assert sorted(counts) == sorted([["2", "1"], ["1", "2"]])
    for some in (first, second):
        assert violations(written(*some)) == []
        assert texts(written(*some), ".//p:PmtInfId")[0] == f"{FILE.hex}001"


def test_ids_lead_to_the_document_and_fit() -> None:
    order = orders("sepa")[0]
    (id,) = texts(written(order), ".//p:EndToEndId")
    assert UUID(id[:32]) == order.document_id
    ids = [id, *texts(written(order), ".//p:MsgId"), *texts(written(order), ".//p:PmtInfId")]
    assert all(len(one) <= 35 for one in ids)


def test_sums_of_two_currencies_are_added_as_the_standard_defines_them() -> None:
    both = FRANCS.model_copy(update={"currency": "EUR"})
    some = orders("qrr", "sepa", accounts=(FRANCS, both))
    message = written(*some)
    assert len(by_bank(some)) == 1
    assert texts(message, ".//p:GrpHdr/p:CtrlSum") == ["3.20"]
    assert texts(message, ".//p:PmtInf/p:CtrlSum") == ["1.10", "2.10"]
    assert violations(message) == []


def test_a_message_that_the_schema_refuses_is_never_given_out() -> None:
    order = orders("sepa")[0]
    wrong = Order(**{**{f: getattr(order, f) for f in order.__slots__}, "bic": "wrong"})
    with pytest.raises(TagwerkError) as caught:
        written(wrong)
    assert caught.value.failure.code == "payment_file_invalid"


ANYTHING = st.text(min_size=1, max_size=200)


@settings(max_examples=60, deadline=None)
@given(name=ANYTHING, street=ANYTHING, town=ANYTHING, message=ANYTHING, number=ANYTHING, kind=st.sampled_from(
    ["qrr", "scor", "plain", "sepa"]
))  # fmt: skip
def test_whatever_stands_on_the_invoice_the_bank_can_read_it(
    name: str, street: str, town: str, message: str, number: str, kind: str
) -> None:
    order = judge(
        payable(kind, payee_name=name, payee_street=street, payee_town=town, message=message,
                payee_building_number=number, invoice_number=number),
        (FRANCS, EUROS),
        WISH,
    )  # fmt: skip
    if isinstance(order, Order):
        assert violations(written(order)) == []
    else:
        assert order.failure is not None
        assert order.failure.code in ("payee_missing", "payee_address_missing")


def test_many_orders_are_cut_where_a_file_is_full() -> None:
    some = orders("plain")
    many = [
        Order(**{**{f: getattr(some[0], f) for f in some[0].__slots__},
                 "execution_date": date.fromordinal(TODAY.toordinal() + n), "amount": Decimal("1.00")})
        for n in range(1200)
    ]  # fmt: skip
    ((*chosen,),) = by_bank(many)
    assert len(chosen) == 999, "a block has three digits"
