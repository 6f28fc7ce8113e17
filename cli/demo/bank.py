"""The bank of the demo: from a payment file of ours to the status report and the statement that it answers.

Pure functions, in the form of the Swiss Payment Standards 2025: pain.002.001.10 and camt.053.001.08.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from lxml import etree

_PAIN_002: Final = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
_CAMT_053: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True)
class _Order:
    payment_id: str
    instruction_id: str
    amount: Decimal
    currency: str
    payee: str
    iban: str


@dataclass(frozen=True, slots=True)
class _Block:
    id: str
    account: str
    holder: str
    day: date
    orders: tuple[_Order, ...]


def status_report(
    pain001: bytes, reject: Mapping[str, str] | None = None, *, at: datetime | None = None
) -> bytes:
    """What the bank says when it has checked the file: each order accepted, or rejected with the reason that
    `reject` names for its end-to-end id: `{"…-01": "AC04"}`. `at` is when it says so; None is now."""
    message_id, blocks = _read(pain001)
    rejected = dict(reject or {})
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    paper = _Paper(_PAIN_002)
    with paper.inside("CstmrPmtStsRpt"):
        with paper.inside("GrpHdr"):
            paper.write("MsgId", f"S{message_id[:20]}-{moment:%y%m%d%H%M%S}"[:35])
            paper.write("CreDtTm", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        with paper.inside("OrgnlGrpInfAndSts"):
            paper.write("OrgnlMsgId", message_id)
            paper.write("OrgnlMsgNmId", "pain.001.001.09")
            paper.write("GrpSts", _status([one for block in blocks for one in block.orders], rejected))
        for block in blocks:
            with paper.inside("OrgnlPmtInfAndSts"):
                paper.write("OrgnlPmtInfId", block.id)
                paper.write("PmtInfSts", _status(block.orders, rejected))
                for order in block.orders:
                    with paper.inside("TxInfAndSts"):
                        paper.write("OrgnlInstrId", order.instruction_id)
                        paper.write("OrgnlEndToEndId", order.payment_id)
                        paper.write("TxSts", _status([order], rejected))
                        if order.payment_id in rejected:
                            with paper.inside("StsRsnInf", "Rsn"):
                                paper.write("Cd", rejected[order.payment_id])
                        with paper.inside("OrgnlTxRef", "Amt"):
                            paper.write("InstdAmt", f"{order.amount:.2f}", Ccy=order.currency)
    return paper.finished()


def _status(orders: Collection[_Order], rejected: Mapping[str, str]) -> str:
    count = sum(order.payment_id in rejected for order in orders)
    return "ACCP" if count == 0 else "RJCT" if count == len(orders) else "PART"


def statement(
    pain001: bytes,
    booked: Collection[str] | None = None,
    returned: Mapping[str, str] | None = None,
    *,
    opening: Decimal = Decimal("50000.00"),
    at: datetime | None = None,
) -> bytes:
    """The account statement of the day on which the bank executes the file: a debit for each end-to-end id in
    `booked` (all, if it is left out), and a credit for each in `returned` with its reason. One statement for
    each account, from the balance `opening` on."""
    message_id, blocks = _read(pain001)
    back = dict(returned or {})
    wanted = {one.payment_id for block in blocks for one in block.orders} if booked is None else set(booked)
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    accounts: dict[tuple[str, str], list[_Block]] = {}
    for block in blocks:
        accounts.setdefault((block.account, block.orders[0].currency), []).append(block)
    paper = _Paper(_CAMT_053)
    with paper.inside("BkToCstmrStmt"):
        with paper.inside("GrpHdr"):
            paper.write("MsgId", f"C{message_id[:20]}-{moment:%y%m%d%H%M%S}"[:35])
            paper.write("CreDtTm", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for number, ((account, currency), own) in enumerate(sorted(accounts.items()), 1):
            with paper.inside("Stmt"):
                paper.write("Id", f"{message_id[:20]}-{number}")
                paper.write("ElctrncSeqNb", str(number))
                paper.write("CreDtTm", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
                _statement(paper, message_id, account, currency, own, wanted, back, opening)
    return paper.finished()


def _statement(
    paper: "_Paper",
    message_id: str,
    account: str,
    currency: str,
    blocks: list[_Block],
    booked: set[str],
    returned: Mapping[str, str],
    opening: Decimal,
) -> None:
    last = max(block.day for block in blocks)
    with paper.inside("Acct"):
        with paper.inside("Id"):
            paper.write("IBAN", account)
        paper.write("Ccy", currency)
        with paper.inside("Ownr"):
            paper.write("Nm", blocks[0].holder)
    entries = [
        (order, block, direction)
        for block in sorted(blocks, key=lambda block: (block.day, block.id))
        for order in block.orders
        for direction, some in (("DBIT", booked), ("CRDT", returned))
        if order.payment_id in some
    ]
    change = sum((-o.amount if direction == "DBIT" else o.amount for o, _, direction in entries), Decimal(0))
    _balance(paper, "OPBD", opening, currency, min(block.day for block in blocks))
    _balance(paper, "CLBD", opening + change, currency, last)
    for number, (order, block, direction) in enumerate(entries, 1):
        with paper.inside("Ntry"):
            paper.write("NtryRef", str(number))
            paper.write("Amt", f"{order.amount:.2f}", Ccy=currency)
            paper.write("CdtDbtInd", direction)
            with paper.inside("Sts"):
                paper.write("Cd", "BOOK")
            for field in ("BookgDt", "ValDt"):
                with paper.inside(field):
                    paper.write("Dt", block.day.isoformat())
            paper.write("AcctSvcrRef", f"{block.id[-20:]}-{number}-{direction[0]}")
            with paper.inside("BkTxCd", "Domn"):
                paper.write("Cd", "PMNT")
                with paper.inside("Fmly"):
                    paper.write("Cd", "ICDT")
                    paper.write("SubFmlyCd", "DMCT" if direction == "DBIT" else "RRTN")
            with paper.inside("NtryDtls", "TxDtls"):
                with paper.inside("Refs"):
                    paper.write("MsgId", message_id)
                    paper.write("PmtInfId", block.id)
                    paper.write("InstrId", order.instruction_id)
                    paper.write("EndToEndId", order.payment_id)
                paper.write("Amt", f"{order.amount:.2f}", Ccy=currency)
                paper.write("CdtDbtInd", direction)
                with paper.inside("RltdPties"):
                    with paper.inside("Cdtr", "Pty"):
                        paper.write("Nm", order.payee)
                    with paper.inside("CdtrAcct", "Id"):
                        paper.write("IBAN", order.iban)
                if direction == "CRDT":
                    with paper.inside("RtrInf", "Rsn"):
                        paper.write("Cd", returned[order.payment_id])


def _balance(paper: "_Paper", code: str, amount: Decimal, currency: str, day: date) -> None:
    with paper.inside("Bal"):
        with paper.inside("Tp", "CdOrPrtry"):
            paper.write("Cd", code)
        paper.write("Amt", f"{abs(amount):.2f}", Ccy=currency)
        paper.write("CdtDbtInd", "CRDT" if amount >= 0 else "DBIT")
        with paper.inside("Dt"):
            paper.write("Dt", day.isoformat())


def _read(pain001: bytes) -> tuple[str, list[_Block]]:
    """MsgId and blocks of a payment file."""
    root = etree.fromstring(pain001, etree.XMLParser(resolve_entities=False, no_network=True))
    spaces = {"p": root.nsmap[None]}

    def text(element: Any, path: str) -> str:
        found: str = element.findtext(path, "", spaces)
        return found

    blocks = []
    for block in root.iterfind(".//p:PmtInf", spaces):
        orders = tuple(
            _Order(
                payment_id=text(one, "p:PmtId/p:EndToEndId"),
                instruction_id=text(one, "p:PmtId/p:InstrId"),
                amount=Decimal(text(one, "p:Amt/p:InstdAmt")),
                currency=one.find("p:Amt/p:InstdAmt", spaces).get("Ccy"),
                payee=text(one, "p:Cdtr/p:Nm"),
                iban=text(one, "p:CdtrAcct/p:Id/p:IBAN"),
            )
            for one in block.iterfind("p:CdtTrfTxInf", spaces)
        )
        day = date.fromisoformat(text(block, "p:ReqdExctnDt/p:Dt"))
        account, holder = text(block, "p:DbtrAcct/p:Id/p:IBAN"), text(block, "p:Dbtr/p:Nm")
        blocks.append(_Block(text(block, "p:PmtInfId"), account, holder, day, orders))
    return text(root, ".//p:GrpHdr/p:MsgId"), blocks


class _Paper:
    """A message that is written from the top."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._here: Any = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})
        self._root = self._here

    @contextmanager
    def inside(self, *names: str) -> Iterator[None]:
        before = self._here
        for name in names:
            self._here = etree.SubElement(self._here, f"{{{self._namespace}}}{name}")
        yield
        self._here = before

    def write(self, name: str, text: str, **attributes: str) -> None:
        etree.SubElement(self._here, f"{{{self._namespace}}}{name}", attributes).text = text

    def finished(self) -> bytes:
        etree.indent(self._root, "  ")
        message: bytes = etree.tostring(self._root, xml_declaration=True, encoding="UTF-8")
        return message + b"\n"
