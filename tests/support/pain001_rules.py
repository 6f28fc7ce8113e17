"""What banks check in a pain.001.001.09 beyond its schema, read from the message alone.

Written from the guidelines, and independently of the code that writes the files: Swiss Payment Standards 2025
(pain.001, payment types D and S; QR-bill 2.3 for references) and EPC132-08 of 2025. Imports nothing of ours.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

SPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
ID = re.compile(r"[A-Za-z0-9+?/\-:().,' ]{1,35}")
SEPA_TEXT = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
SWISS_TEXT = re.compile("[\x20-\x7e\xa0-\u017f\u0218-\u021b\u20ac]*")
SEPA = re.compile(
    "A[DLT]|B[EG]|C[HYZ]|D[EK]|E[ES]|F[IR]|G[BIR]|H[RU]|I[EST]|L[ITUV]|M[CDEKT]|N[LO]|P[LT]|R[OS]|S[EIKM]|VA"
)


def violations(message: bytes) -> list[str]:
    """Every rule that the message breaks, in words; none if a bank has nothing to object to."""
    root = etree.fromstring(message)
    return [*_sums(root), *_ids(root), *(one for block in _all(root, ".//p:PmtInf") for one in _block(block))]


def _sums(root: Any) -> Iterator[str]:
    header = root.find(".//p:GrpHdr", SPACE)
    for part, orders in [
        (header, _all(root, ".//p:CdtTrfTxInf")),
        *((block, _all(block, "p:CdtTrfTxInf")) for block in _all(root, ".//p:PmtInf")),
    ]:
        total = sum((Decimal(_text(one, "p:Amt/p:InstdAmt")) for one in orders), Decimal(0))
        if _text(part, "p:NbOfTxs") != str(len(orders)):
            yield f"NbOfTxs {_text(part, 'p:NbOfTxs')} of {len(orders)}"
        if Decimal(_text(part, "p:CtrlSum") or "-1") != total:
            yield f"CtrlSum {_text(part, 'p:CtrlSum')}, not {total}"


def _ids(root: Any) -> Iterator[str]:
    for path in (".//p:GrpHdr/p:MsgId", ".//p:PmtInfId", ".//p:InstrId", ".//p:EndToEndId"):
        found = [one.text or "" for one in _all(root, path)]
        if len(set(found)) < len(found):
            yield f"{path} twice"
        for id in found:
            if not ID.fullmatch(id) or id.startswith("/") or id.endswith("/") or "//" in id:
                yield f"{path} {id!r} is no id"


def _block(block: Any) -> Iterator[str]:
    debtor, service = _text(block, "p:DbtrAcct/p:Id/p:IBAN"), _text(block, "p:PmtTpInf/p:SvcLvl/p:Cd")
    swiss = debtor[:2] in ("CH", "LI")
    if not _iban(debtor) or _qr_iban(debtor):
        yield f"debtor's IBAN {debtor}"
    if _text(block, "p:PmtMtd") != "TRF":
        yield "PmtMtd"
    if date.fromisoformat(_text(block, "p:ReqdExctnDt/p:Dt")).weekday() > 4:
        yield "ReqdExctnDt is on a weekend"
    agent = block.find("p:DbtrAgt/p:FinInstnId", SPACE)
    if not (_text(agent, "p:BICFI") or _text(agent, "p:ClrSysMmbId/p:MmbId") or _text(agent, "p:Othr/p:Id")):
        yield "DbtrAgt names no bank"
    if _text(agent, "p:Othr/p:Id") not in ("", "NOTPROVIDED"):
        yield "DbtrAgt/Othr"
    yield from _party(block.find("p:Dbtr", SPACE), swiss=swiss, address=True)
    charges, sepa = _text(block, "p:ChrgBr"), service == "SEPA"
    if sepa and charges != "SLEV":
        yield f"ChrgBr {charges!r} in SEPA"
    if not sepa and charges:
        yield "ChrgBr in a domestic payment"
    currencies = set()
    for order in _all(block, "p:CdtTrfTxInf"):
        currencies.add(order.find("p:Amt/p:InstdAmt", SPACE).get("Ccy"))
        yield from _order(order, sepa=sepa, swiss=swiss)
    if swiss and currencies != {_text(block, "p:DbtrAcct/p:Ccy")}:
        yield "the account's currency is not that of the orders"


def _order(order: Any, *, sepa: bool, swiss: bool) -> Iterator[str]:
    amount, iban = order.find("p:Amt/p:InstdAmt", SPACE), _text(order, "p:CdtrAcct/p:Id/p:IBAN")
    if not re.fullmatch(r"[0-9]{1,9}\.[0-9]{2}", amount.text) or Decimal(amount.text) <= 0:
        yield f"amount {amount.text}"
    if not _iban(iban):
        yield f"IBAN {iban}"
    if sepa:
        if amount.get("Ccy") != "EUR" or not SEPA.fullmatch(iban[:2]) or _qr_iban(iban):
            yield f"no SEPA payment: {amount.get('Ccy')} to {iban}"
    elif not swiss or amount.get("Ccy") not in ("CHF", "EUR") or iban[:2] not in ("CH", "LI"):
        yield f"no domestic payment: {amount.get('Ccy')} to {iban}"
    if not sepa and order.find("p:CdtrAgt", SPACE) is not None:
        yield "CdtrAgt in a domestic payment"
    yield from _party(order.find("p:Cdtr", SPACE), swiss=not sepa, address=not sepa)
    yield from _remittance(order, iban, sepa=sepa)


def _party(party: Any, *, swiss: bool, address: bool) -> Iterator[str]:
    limits = {"Nm": 70, "StrtNm": 70, "BldgNb": 16, "PstCd": 16, "TwnNm": 35, "Ctry": 2, "AdrLine": 70}
    allowed = SWISS_TEXT if swiss else SEPA_TEXT
    found = {
        name: one.text or ""
        for one in party.iter()
        if not len(one) and (name := one.tag.rpartition("}")[2]) in limits
    }
    for name, text in found.items():
        if not text.strip() or len(text) > limits[name] or not allowed.fullmatch(text):
            yield f"{name} {text!r}"
    if "Nm" not in found:
        yield "a party without a name"
    structured = party.find("p:PstlAdr", SPACE) is not None
    if (structured or address) and not {"TwnNm", "Ctry"} <= set(found):
        yield "an address without town and country"
    if len(_all(party, "p:PstlAdr/p:AdrLine")) > 2:
        yield "more than two lines of address"


def _remittance(order: Any, iban: str, *, sepa: bool) -> Iterator[str]:
    structured, plain = _all(order, "p:RmtInf/p:Strd"), _all(order, "p:RmtInf/p:Ustrd")
    if len(structured) + len(plain) > 1:
        yield "more than one remittance information"
    kind = reference = ""
    for one in structured:
        kind = _text(one, "p:CdtrRefInf/p:Tp/p:CdOrPrtry/p:Prtry") or _text(
            one, "p:CdtrRefInf/p:Tp/p:CdOrPrtry/p:Cd"
        )
        reference = _text(one, "p:CdtrRefInf/p:Ref")
        if sepa and one.find("p:AddtlRmtInf", SPACE) is not None:
            yield "AddtlRmtInf in SEPA"
    if _qr_iban(iban) != (kind == "QRR"):
        yield f"{iban} with reference type {kind or 'none'}"
    if kind == "QRR" and not (re.fullmatch(r"[0-9]{27}", reference) and _modulo_10(reference) == 0):
        yield f"QR reference {reference}"
    if kind == "SCOR" and not (re.fullmatch(r"RF[0-9]{2}[A-Z0-9]{1,21}", reference) and _iban(reference)):
        yield f"creditor reference {reference}"
    if structured and kind not in ("QRR", "SCOR"):
        yield f"reference type {kind!r}"
    for one in [*plain, *_all(order, "p:RmtInf/p:Strd/p:AddtlRmtInf")]:
        text = one.text or ""
        if not text or len(text) > 140 or not (SEPA_TEXT if sepa else SWISS_TEXT).fullmatch(text):
            yield f"message {text!r}"


def _iban(value: str) -> bool:
    """ISO 7064 mod 97-10, which creditor references use too."""
    digits = "".join(str(int(c, 36)) for c in value[4:] + value[:4])
    return digits != "" and int(digits) % 97 == 1


def _qr_iban(value: str) -> bool:
    return value[:2] in ("CH", "LI") and "30000" <= value[4:9] <= "31999"


def _modulo_10(digits: str) -> int:
    carry = 0
    for digit in digits:
        carry = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)[(carry + int(digit)) % 10]
    return (10 - carry) % 10


def _all(element: Any, path: str) -> list[Any]:
    return list(element.iterfind(path, SPACE))


def _text(element: Any, path: str) -> str:
    found: str = element.findtext(path, "", SPACE)
    return found.strip()
