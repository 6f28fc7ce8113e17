"""Account reports, statements and notifications in XML: ISO 20022 camt.052, camt.053 and camt.054.

Read by local names, so that every version is one format: 001.01 to 001.13, with the older and the newer
shape of states (`Sts` or `Sts/Cd`) and of parties (`Dbtr/Nm` or `Dbtr/Pty/Nm`). Amounts, dates and signs
are exact or the entry is told as wrong. Source: https://www.iso20022.org/catalogue-messages
(BankToCustomer messages), Swiss and German implementation guides.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final

from lxml import etree

from services.integrations.bank.readers.raw import RawEntry, RawStatement, Unreadable
from services.integrations.bank.readers.values import (
    WrongValue,
    account_of,
    amount_of,
    currency_of,
    day_of,
    plain,
)

#: The element of one statement, report or notification.
STATEMENTS: Final = ("Stmt", "Rpt", "Ntfctn")
_MESSAGES: Final = {"Stmt": "camt.053", "Rpt": "camt.052", "Ntfctn": "camt.054"}
#: Characters of free text that are kept of one transaction.
TEXT_LIMIT: Final = 4_000
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED", "UNKNOWN", "-"})


class _LocalNames(dict[Any, str]):
    """Tag -> its name without the namespace; comments and processing instructions have none."""

    def __missing__(self, tag: Any) -> str:
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        # A hostile file could invent names without end.
        if len(self) < 5_000:
            self[tag] = name
        return name


_local: Final = _LocalNames()


def _children(element: Any) -> dict[str, Any]:
    """Local name -> the first child of that name."""
    found: dict[str, Any] = {}
    for child in element:
        name = _local[child.tag]
        if name not in found:
            found[name] = child
    return found


def _at(element: Any, *path: str) -> Any:
    """The first element below at this path of local names, or None."""
    for name in path:
        if element is None:
            return None
        for child in element:
            if _local[child.tag] == name:
                element = child
                break
        else:
            return None
    return element


def _own_text(element: Any) -> str | None:
    """The text without white space around it, None if there is none."""
    if element is None:
        return None
    text = element.text
    return (text.strip() or None) if text else None


def _text(element: Any, *path: str) -> str | None:
    """The text of the first element at this path."""
    return None if element is None else _own_text(_at(element, *path))


def read(file: BinaryIO) -> Iterator[RawStatement | RawEntry]:
    """Each statement, followed by its entries in their order; entries that are not booked are counted only.

    A statement is given when its head has been read; its balances are complete when the next statement or
    the end comes. Raises `Unreadable` and `lxml.etree.XMLSyntaxError`.
    """
    context = etree.iterparse(
        file,
        events=("end",),
        tag=[f"{{*}}{name}" for name in (*STATEMENTS, "Ntry", "TxDtls")],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    reading: _Statement | None = None
    details: list[dict[str, Any]] = []
    for _, element in context:
        name = _local[element.tag]
        if name == "TxDtls":
            details.append(_detail(element))
            _forget(element)
            continue
        parent = element if name in STATEMENTS else element.getparent()
        if parent is None or _local[parent.tag] not in STATEMENTS:
            continue
        if reading is None or reading.element is not parent:
            if reading is None:
                _refuse_what_is_no_statement(element.getroottree())
            reading = _Statement(parent)
        yield from reading.head()
        if element is parent:
            reading.close()
        else:
            entry = reading.entry(element, details)
            details = []
            if entry is not None:
                yield entry
        _forget(element)
    _refuse_what_is_no_statement(context.root.getroottree())


def _refuse_what_is_no_statement(tree: Any) -> None:
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise Unreadable(
            "statement_xml_unsafe", "the XML declares a document type or entities, which no statement needs"
        )
    root = tree.getroot()
    if not any(_local[one.tag].startswith("BkToCstmr") for one in (root, *root)):
        name = _local[root.tag]
        raise Unreadable(
            "statement_malformed", f"it is XML, but no camt.052, .053 or .054: its root is {name!r}"
        )


def _message_of(element: Any) -> str:
    """`camt.053.001.08`, from the namespace where there is one."""
    space = str(element.tag).partition("}")[0]
    message = space.rpartition(":")[2]
    return message if message.startswith("camt.") else _MESSAGES[_local[element.tag]]


def _forget(element: Any) -> None:
    """Free what was read, and its empty shells before it."""
    element.clear()
    parent = element.getparent()
    while (before := element.getprevious()) is not None and before.tag == element.tag:
        parent.remove(before)


class _Statement:
    """One statement while its entries are read."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self._told = False
        self.raw = RawStatement(family="camt", message=_message_of(element))

    def head(self) -> Iterator[RawStatement]:
        """The statement, the first time."""
        if not self._told:
            self._told = True
            self._read_head()
            yield self.raw

    def close(self) -> None:
        # Balances behind the entries are against the schema, and some banks' habit.
        self._read_head()

    def _read_head(self) -> None:
        raw, parts = self.raw, _children(self.element)
        account = parts.get("Acct")
        number = _text(account, "Id", "IBAN") or _text(account, "Id", "Othr", "Id") or _old_account(account)
        raw.account = account_of(number) if number else raw.account
        raw.owner = _text(account, "Ownr", "Nm") or _text(account, "Nm")
        raw.id = _own_text(parts.get("Id"))
        raw.number = _own_text(parts.get("LglSeqNb")) or _own_text(parts.get("ElctrncSeqNb"))
        page = next((parts[name] for name in ("StmtPgntn", "RptPgntn", "NtfctnPgntn") if name in parts), None)
        raw.page = _text(page, "PgNb")
        raw.created = _own_text(parts.get("CreDtTm"))
        try:
            raw.currency = currency_of(_text(account, "Ccy")) if _text(account, "Ccy") else raw.currency
            raw.set_balances([_balance(one) for one in self.element if _local[one.tag] == "Bal"])
        except WrongValue as error:
            raw.problem = str(error)

    def entry(self, element: Any, details: list[dict[str, Any]]) -> RawEntry | None:
        self.raw.count += 1
        parts = _children(element)
        status = (
            _own_text(parts.get("Sts")) or _text(parts.get("Sts"), "Cd") or _text(parts.get("Sts"), "Prtry")
        )
        if status is not None and status != "BOOK":
            self.raw.not_booked += 1
            return None
        entry = RawEntry(position=self.raw.count, line=element.sourceline)
        try:
            _fill(entry, parts, details)
            if entry.booked is None and entry.valued is None:
                # Both are optional in the schema: then it was booked by the day that the statement closes.
                closing = self.raw.closing
                entry.booked = closing["day"] if closing else day_of(self.raw.created, "date of the entry")
        except WrongValue as error:
            entry.problem = str(error)
        return entry


def _old_account(account: Any) -> str | None:
    """Version 001.01 knew BBAN, UPIC and proprietary numbers."""
    return (
        _text(account, "Id", "BBAN")
        or _text(account, "Id", "PrtryAcct", "Id")
        or _text(account, "Id", "UPIC")
    )


def _balance(element: Any) -> dict[str, Any]:
    parts = _children(element)
    kind = _at(parts.get("Tp"), "CdOrPrtry")
    code = (
        _text(kind, "Cd")
        or _text(kind, "Prtry")
        or _text(parts.get("Tp"), "Cd")
        or _own_text(parts.get("Tp"))
    )
    amount = parts.get("Amt")
    value = amount_of(_own_text(amount), f"balance {code}")
    assert amount is not None, "what has no text has no amount"
    return {
        "kind": code,
        "interim": _text(parts.get("Tp"), "SubTp", "Cd") == "INTM",
        "amount": plain(_signed(value, _own_text(parts.get("CdtDbtInd")), f"balance {code}")),
        "currency": currency_of(amount.get("Ccy"), f"currency of the balance {code}"),
        "day": _day_in(parts.get("Dt"), f"date of the balance {code}"),
    }


def _signed(value: Decimal, mark: str | None, what: str) -> Decimal:
    if mark == "CRDT":
        return value
    if mark == "DBIT":
        return -value
    raise WrongValue(f"the {what} has no sign: CdtDbtInd is {mark!r} instead of CRDT or DBIT")


def _day_in(element: Any, what: str) -> str | None:
    """Of a choice of `Dt` and `DtTm`, or of the element's own text."""
    if element is None:
        return None
    written = _text(element, "Dt") or _text(element, "DtTm") or (element.text or "").strip()
    return day_of(written, what) if written else None


def _fill(entry: RawEntry, parts: dict[str, Any], details: list[dict[str, Any]]) -> None:
    amount = parts.get("Amt")
    value = amount_of(_own_text(amount))
    assert amount is not None, "what has no text has no amount"
    mark = _own_text(parts.get("CdtDbtInd"))
    entry.currency = currency_of(amount.get("Ccy"))
    entry.amount = _signed(value, mark, "entry")
    entry.booked = _day_in(parts.get("BookgDt"), "booking date")
    entry.valued = _day_in(parts.get("ValDt"), "value date")
    entry.reversal = _own_text(parts.get("RvslInd")) in ("true", "1")
    entry.bank_ref = _reference(_own_text(parts.get("AcctSvcrRef")))
    entry.entry_ref = _reference(_own_text(parts.get("NtryRef")))
    entry.text = _cut(_own_text(parts.get("AddtlNtryInf")))
    entry.code = _bank_code(parts.get("BkTxCd"))
    batch = parts.get("Btch")
    if batch is None:
        batch = _at(parts.get("NtryDtls"), "Btch")
    entry.batch_id = _reference(_text(batch, "PmtInfId"))
    charges = _charges(parts.get("Chrgs"))
    if charges:
        entry.charges = charges
    instructed = _exchange(parts.get("AmtDtls"))
    # The party on the other side: of an entry that is reversed, that of the original.
    paid = (mark == "DBIT") != entry.reversal
    for detail in details:
        entry.details.append(_finish(detail, entry, paid=paid, only=len(details) == 1))
    if instructed and len(entry.details) == 1:
        entry.details[0] = {**instructed, **entry.details[0]}
    elif instructed and not entry.details:
        entry.details.append(instructed)
    if entry.bank_ref is None and len(entry.details) == 1:
        entry.bank_ref = entry.details[0].get("bank_ref")


def _detail(element: Any) -> dict[str, Any]:
    """One transaction of an entry, before it is known which side the account is on."""
    parts = _children(element)
    detail: dict[str, Any] = {}
    refs = parts.get("Refs")
    if refs is not None:
        for child in refs:
            name = _REFERENCES.get(_local[child.tag])
            if name is not None and (value := _reference((child.text or "").strip())) is not None:
                detail[name] = value
    amount = parts.get("Amt")
    mark = _own_text(parts.get("CdtDbtInd"))
    amounts = parts.get("AmtDtls")
    if amount is None:
        amount = _at(amounts, "TxAmt", "Amt")
    if amount is not None:
        detail["_amount"] = (amount.text, amount.get("Ccy"), mark)
    if amounts is not None:
        detail.update(_exchange(amounts))
    if charges := _charges(parts.get("Chrgs")):
        detail["charges"] = charges
    parties = parts.get("RltdPties")
    if parties is not None:
        detail["_parties"] = _parties(parties)
    _remittance(parts.get("RmtInf"), detail)
    if info := _own_text(parts.get("AddtlTxInf")):
        detail["info"] = _cut(info)
    returned = parts.get("RtrInf")
    if returned is not None:
        detail["return_reason"] = (
            _text(returned, "Rsn", "Cd")
            or _text(returned, "Rsn", "Prtry")
            or _text(returned, "AddtlInf")
            or "?"
        )
    return detail


_REFERENCES: Final = {
    "EndToEndId": "payment_id",
    "AcctSvcrRef": "bank_ref",
    "InstrId": "instruction_id",
    "TxId": "transaction_id",
    "MndtId": "mandate",
    "PmtInfId": "batch_id",
}


def _finish(detail: dict[str, Any], entry: RawEntry, *, paid: bool, only: bool) -> dict[str, Any]:
    written, currency, mark = detail.pop("_amount", (None, None, None))
    parties = detail.pop("_parties", {})
    if written is not None:
        value = amount_of(written, "amount of a transaction")
        negative = mark == "DBIT" if mark in ("CRDT", "DBIT") else entry.amount < 0
        amount_currency = currency_of(currency, "currency of a transaction")
        detail["amount"] = plain(-value if negative else value)
        detail["currency"] = amount_currency
        if only and amount_currency != entry.currency:
            # Older messages put the foreign amount there; the account's own is that of the entry.
            detail.setdefault("instructed", plain(value))
            detail.setdefault("instructed_currency", amount_currency)
            detail["amount"], detail["currency"] = plain(entry.amount), entry.currency
    elif only:
        detail["amount"], detail["currency"] = plain(entry.amount), entry.currency
    first, second = ("creditor", "debtor") if paid else ("debtor", "creditor")
    for name in (first, second):
        if name in parties:
            party, account = parties[name]
            if party:
                detail["party"] = party
            if account:
                detail["party_account"] = account
            if party or account:
                break
    return detail


def _parties(element: Any) -> dict[str, tuple[str | None, str | None]]:
    parts = _children(element)
    found = {}
    for name, tag in (("debtor", "Dbtr"), ("creditor", "Cdtr")):
        party = parts.get(tag)
        label = _party_name(party) or _party_name(parts.get(f"Ultmt{tag}"))
        account = parts.get(f"{tag}Acct")
        number = _text(account, "Id", "IBAN") or _text(account, "Id", "Othr", "Id") or _old_account(account)
        found[name] = (label, account_of(number) if number else None)
    return found


def _party_name(party: Any) -> str | None:
    if party is None:
        return None
    return _text(party, "Nm") or _text(party, "Pty", "Nm") or _text(party, "Agt", "FinInstnId", "Nm")


def _remittance(element: Any, detail: dict[str, Any]) -> None:
    """Unstructured lines as one text; creditor references (ISO 11649, QR reference), numbers of documents."""
    if element is None:
        return
    lines: list[str] = []
    references: list[str] = []
    documents: list[str] = []
    for child in element:
        name = _local[child.tag]
        if name == "Ustrd":
            lines.append((child.text or "").strip())
        elif name == "Strd":
            for part in child:
                match _local[part.tag]:
                    case "CdtrRefInf":
                        reference = _text(part, "Ref") or _text(part, "CdtrRef")
                        if reference:
                            references.append("".join(reference.split()).upper())
                            kind = _text(part, "Tp", "CdOrPrtry", "Prtry") or _text(
                                part, "Tp", "CdOrPrtry", "Cd"
                            )
                            detail.setdefault("reference_type", kind)
                    case "RfrdDocInf":
                        if number := _text(part, "Nb") or _text(part, "RfrdDocNb"):
                            documents.append(number)
                    case "AddtlRmtInf":
                        lines.append((part.text or "").strip())
    text = "\n".join(line for line in lines if line)
    if text:
        detail["text"] = _cut(text)
    if references:
        detail["references"] = references
    if documents:
        detail["documents"] = documents


def _exchange(element: Any) -> dict[str, Any]:
    """The amount as it was ordered in another currency, and the rate. Empty where there is none."""
    if element is None:
        return {}
    found: dict[str, Any] = {}
    instructed = _at(element, "InstdAmt", "Amt")
    if instructed is not None:
        found["instructed"] = plain(amount_of(instructed.text, "instructed amount"))
        found["instructed_currency"] = currency_of(instructed.get("Ccy"), "currency of the instructed amount")
    for part in element:
        if rate := _text(part, "CcyXchg", "XchgRate"):
            found["rate"] = plain(amount_of(rate, "exchange rate"))
            break
    return found


def _charges(element: Any) -> str | None:
    """Charges and taxes together, in the currency that they have: `1.50 CHF`."""
    if element is None:
        return None
    total = _at(element, "TtlChrgsAndTaxAmt")
    if total is None:
        total = _at(element, "Amt")
    if total is None:
        total = _at(element, "Rcrd", "Amt")
    if total is None:
        return None
    value = amount_of(total.text, "amount of charges")
    return f"{plain(value)} {currency_of(total.get('Ccy'), 'currency of charges')}" if value else None


def _bank_code(element: Any) -> str | None:
    """`PMNT-RCDT-BOOK`, or the bank's own code."""
    if element is None:
        return None
    domain = _at(element, "Domn")
    if domain is not None:
        codes = (_text(domain, "Cd"), _text(domain, "Fmly", "Cd"), _text(domain, "Fmly", "SubFmlyCd"))
        return "-".join(code for code in codes if code) or None
    return _text(element, "Prtry", "Cd")


def _reference(written: str | None) -> str | None:
    """A reference, unless it only says that there is none."""
    if not written or written.upper() in _NOT_PROVIDED or not written.strip("0"):
        return None
    return written


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
