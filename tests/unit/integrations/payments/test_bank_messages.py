"""Reading what banks say: status reports and bookings, every block and every transaction."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cli.demo.bank import statement, status_report
from services.integrations.payments.messages import Said, Verdict
from services.integrations.payments.reading import read_message
from services.integrations.payments.reasons import REASONS, in_words
from shared.errors import TagwerkError
from tests.unit.integrations.payments.test_pain001 import orders, written

AT = datetime(2026, 3, 12, 10, tzinfo=UTC)


def report(body: str, version: str = "001.10") -> tuple[Said, ...]:
    text = f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.{version}"><CstmrPmtStsRpt>
      <GrpHdr><MsgId>STS-1</MsgId><CreDtTm>2026-03-12T10:00:00</CreDtTm></GrpHdr>{body}
      </CstmrPmtStsRpt></Document>"""
    return read_message(text.encode(), "report.xml").said


ORIGINAL = "<OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"


@pytest.mark.parametrize("version", ["001.03", "001.10", "001.12", "001.14"])
def test_every_transaction_of_every_block_is_found(version: str) -> None:
    said = report(
        f"""<OrgnlGrpInfAndSts>{ORIGINAL}<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
        <OrgnlPmtInfAndSts><OrgnlPmtInfId>B1</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>
          <TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>ACCP</TxSts></TxInfAndSts>
          <TxInfAndSts><OrgnlInstrId>I2</OrgnlInstrId><OrgnlEndToEndId>E2</OrgnlEndToEndId><TxSts>RJCT</TxSts>
            <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Konto</AddtlInf><AddtlInf>saldiert</AddtlInf></StsRsnInf>
            <OrgnlTxRef><Amt><InstdAmt Ccy="CHF">12.50</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>
        </OrgnlPmtInfAndSts>
        <OrgnlPmtInfAndSts><OrgnlPmtInfId>B2</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>
          <StsRsnInf><Rsn><Prtry>X9</Prtry></Rsn></StsRsnInf>
          <TxInfAndSts><OrgnlEndToEndId>E3</OrgnlEndToEndId></TxInfAndSts>
        </OrgnlPmtInfAndSts>""",
        version,
    )
    assert [(one.verdict, one.message_id, one.block_id, one.payment_id, one.reason_code) for one in said] == [
        (Verdict.ACCEPTED, "M1", "B1", "E1", None),
        (Verdict.REJECTED, "M1", "B1", "E2", "AC04"),
        (Verdict.REJECTED, "M1", "B2", None, "X9"),
        (Verdict.REJECTED, "M1", "B2", "E3", "X9"),
    ]
    assert (said[1].text, said[1].amount, said[1].instruction_id) == (
        "Konto saldiert",
        Decimal("12.50"),
        "I2",
    )


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("RCVD", Verdict.NOTHING_YET), ("PDNG", Verdict.NOTHING_YET), ("XXXX", Verdict.NOTHING_YET),
        ("ACTC", Verdict.ACCEPTED), ("ACCP", Verdict.ACCEPTED), ("ACSP", Verdict.ACCEPTED),
        ("ACWC", Verdict.ACCEPTED), ("ACSC", Verdict.PAID), ("ACCC", Verdict.PAID),
        ("RJCT", Verdict.REJECTED), ("CANC", Verdict.REJECTED),
    ],
)  # fmt: skip
def test_a_status_of_the_whole_message(status: str, verdict: Verdict) -> None:
    (one,) = report(f"<OrgnlGrpInfAndSts>{ORIGINAL}<GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>")
    assert (one.verdict, one.level, one.message_id, one.at) == (verdict, 2, "M1", AT)


def test_partly_says_nothing_of_those_that_are_not_named() -> None:
    assert report(f"<OrgnlGrpInfAndSts>{ORIGINAL}<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>") == ()


def test_transactions_without_a_block_are_found_too() -> None:
    (one,) = report(
        f"""<OrgnlGrpInfAndSts>{ORIGINAL}</OrgnlGrpInfAndSts><TxInfAndSts>
        <OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId><OrgnlInstrId>I1</OrgnlInstrId><TxSts>RJCT</TxSts>
        </TxInfAndSts>"""
    )
    assert (one.payment_id, one.instruction_id, one.message_id) == (None, "I1", "M1")


def camt(entry: str, message: str = "BkToCstmrDbtCdtNtfctn", part: str = "Ntfctn") -> tuple[Said, ...]:
    text = f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><{message}>
      <GrpHdr><MsgId>C1</MsgId><CreDtTm>2026-03-12T18:00:00+01:00</CreDtTm></GrpHdr>
      <{part}><Id>1</Id>{entry}</{part}></{message}></Document>"""
    return read_message(text.encode(), "camt.xml").said


def entry(details: str, direction: str = "DBIT", status: str = "<Cd>BOOK</Cd>", more: str = "") -> str:
    return f"""<Ntry><Amt Ccy="CHF">25.00</Amt><CdtDbtInd>{direction}</CdtDbtInd>{more}<Sts>{status}</Sts>
      <BookgDt><Dt>2026-03-11</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"""


TRANSACTION = "<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>{}</TxDtls>"


@pytest.mark.parametrize("status", ["BOOK", "<Cd>BOOK</Cd>"])
def test_a_booked_debit_pays(status: str) -> None:
    (one,) = camt(entry(TRANSACTION.format(""), status=status))
    assert (one.verdict, one.payment_id, one.amount) == (Verdict.PAID, "E1", Decimal("25.00"))
    assert one.at == datetime(2026, 3, 11, 23, 59, 59, tzinfo=UTC)


def test_a_booking_without_a_day_counts_from_that_of_the_statement() -> None:
    (one,) = camt(entry(TRANSACTION.format("")).replace("<BookgDt><Dt>2026-03-11</Dt></BookgDt>", ""))
    assert one.at.date().isoformat() == "2026-03-12"


def test_what_is_only_announced_says_nothing() -> None:
    assert camt(entry(TRANSACTION.format(""), status="<Cd>PDNG</Cd>")) == ()


def test_money_that_comes_back_names_its_reason() -> None:
    back = "<RtrInf><Rsn><Cd>AC06</Cd></Rsn><AddtlInf>gesperrt</AddtlInf></RtrInf>"
    (one,) = camt(entry(TRANSACTION.format(back), "CRDT", more="<RvslInd>true</RvslInd>"))
    assert (one.verdict, one.reason_code, one.text) == (Verdict.RETURNED, "AC06", "gesperrt")


def test_a_block_in_one_booking_names_the_block_and_its_sum() -> None:
    (one,) = camt(entry("<Btch><PmtInfId>B1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>"))
    assert (one.level, one.block_id, one.amount, one.verdict) == (1, "B1", Decimal("25.00"), Verdict.PAID)


def test_bookings_of_others_say_nothing() -> None:
    assert camt(entry("<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls>")) == ()
    assert camt(entry("")) == ()


def test_each_transaction_of_a_collective_booking_has_its_own_amount() -> None:
    some = TRANSACTION.format('<Amt Ccy="CHF">10.00</Amt>') + TRANSACTION.format("").replace("E1", "E2")
    assert [one.amount for one in camt(entry(some))] == [Decimal("10.00"), None]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "status_file_unreadable"),
        (b":20:MT940", "status_file_unreadable"),
        (b"<a/>", "status_file_unreadable"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "status_file_unsafe"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "status_file_unsafe"),
        (b"<Document><CstmrPmtStsRpt/></Document>", "status_file_unreadable"),
        (b"<Document><BkToCstmrStmt/></Document>", "status_file_unreadable"),
    ],
)
def test_what_is_no_message_of_a_bank_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(TagwerkError) as caught:
        read_message(content, "file.xml")
    assert caught.value.failure.code == code
    assert caught.value.failure.concern == "file.xml"


def test_our_own_payment_file_is_recognized() -> None:
    with pytest.raises(TagwerkError, match="as we send it to the bank"):
        read_message(written(*orders("qrr")), "file.xml")


def test_reasons_are_words_and_unknown_ones_stay_as_they_are() -> None:
    assert in_words("AC04", "saldiert") == "AC04: the account is closed (saldiert)"
    assert in_words("ZZ99") == "ZZ99"
    assert in_words(None, "geht nicht") == "geht nicht"
    assert in_words(None) is None
    wanted = {"AC01", "AC04", "AC06", "AG01", "AM04", "BE05", "DT01", "MS02", "MS03", "RC01", "RR03", "FF01"}
    assert wanted | {"DUPL"} <= set(REASONS)


def test_the_bank_of_the_demo_answers_what_it_was_sent() -> None:
    sent = orders("qrr", "scor", "sepa")
    first, second, _ = (order.payment_id for order in sent)
    said = {one.payment_id: one for one in read_message(
        status_report(written(*sent), {second: "AC04"}, at=AT), "s.xml"
    ).said if one.level == 0}  # fmt: skip
    assert {id: one.verdict for id, one in said.items()}[second] is Verdict.REJECTED
    assert said[first].verdict is Verdict.ACCEPTED
    assert len(said) == 3
    booked = read_message(statement(written(*sent), [first], {first: "AC06"}, at=AT), "c.xml").said
    assert [one.verdict for one in booked] == [Verdict.PAID, Verdict.RETURNED]
