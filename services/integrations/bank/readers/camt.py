"""Account reports, statements and notifications in XML: ISO 20022 camt.052, camt.053 and camt.054.

The file is read entry by entry, and what was read is freed, so that memory does not grow with it.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from lxml import etree

from services.integrations.bank.readers.camt_entries import fill
from services.integrations.bank.readers.raw import RawEntry, RawStatement, Unreadable
from services.integrations.bank.readers.values import (
    WrongValue,
    account_of,
    currency_of,
    day_of,
    plain,
    signed,
)
from services.integrations.iso20022.camt import BOOKED, ENTRY, NUMBERS, STATEMENTS, TRANSACTION, message_in
from services.integrations.iso20022.elements import amount, child, children, local_name, text

_PAGES: Final = ("StmtPgntn", "RptPgntn", "NtfctnPgntn")


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
    transactions: list[dict[str, Any]] = []
    for _, element in context:
        name = local_name(element)
        if name == "TxDtls":
            transactions.append(TRANSACTION.of(element))
            _forget(element)
            continue
        parent = element if name in STATEMENTS else element.getparent()
        if parent is None or local_name(parent) not in STATEMENTS:
            continue
        if reading is None or reading.element is not parent:
            if reading is None:
                _refuse_what_is_no_statement(element.getroottree())
            reading = _Statement(parent)
        yield from reading.head()
        if element is parent:
            reading.close()
        else:
            entry = reading.entry(element, transactions)
            transactions = []
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
    if message_in(root) is None:
        raise Unreadable(
            "statement_malformed",
            f"it is XML, but no camt.052, .053 or .054: its root is {local_name(root)!r}",
        )


def _forget(element: Any) -> None:
    """Free what was read, and its empty shells before it."""
    element.clear()
    parent = element.getparent()
    while (before := element.getprevious()) is not None and before.tag == element.tag:
        parent.remove(before)


def _message_of(element: Any) -> str:
    """`camt.053.001.08`, from the namespace where there is one."""
    space = str(element.tag).partition("}")[0]
    message = space.rpartition(":")[2]
    return message if message.startswith("camt.") else STATEMENTS[local_name(element)]


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
        raw, element = self.raw, self.element
        account = child(element, "Acct")
        number = next((one for path in NUMBERS if (one := text(account, *path.split("/")))), None)
        raw.account = account_of(number) if number else raw.account
        raw.owner = text(account, "Ownr", "Nm") or text(account, "Nm")
        raw.id = text(element, "Id")
        raw.number = text(element, "LglSeqNb") or text(element, "ElctrncSeqNb")
        raw.page = next((page for name in _PAGES if (page := text(element, name, "PgNb"))), None)
        raw.created = text(element, "CreDtTm")
        try:
            currency = text(account, "Ccy")
            raw.currency = currency_of(currency) if currency else raw.currency
            raw.set_balances([_balance(one) for one in children(element, "Bal")])
        except WrongValue as error:
            raw.problem = str(error)

    def entry(self, element: Any, transactions: list[dict[str, Any]]) -> RawEntry | None:
        self.raw.count += 1
        values = ENTRY.of(element)
        if values.get("status", BOOKED) != BOOKED:
            self.raw.not_booked += 1
            return None
        entry = RawEntry(position=self.raw.count, line=element.sourceline)
        try:
            fill(entry, values, transactions)
            if entry.booked is None and entry.valued is None:
                # Both are optional in the schema: then it was booked by the day that the statement closes.
                closing = self.raw.closing
                entry.booked = closing["day"] if closing else day_of(self.raw.created, "date of the entry")
        except WrongValue as error:
            entry.problem = str(error)
        return entry


def _balance(element: Any) -> dict[str, Any]:
    kind = child(element, "Tp")
    code = (
        text(kind, "CdOrPrtry", "Cd")
        or text(kind, "CdOrPrtry", "Prtry")
        or text(kind, "Cd")
        or (text(kind) if kind is not None else None)
    )
    written, currency = amount(child(element, "Amt")) or ("", None)
    value = signed(written, text(element, "CdtDbtInd"), f"balance {code}")
    day = text(element, "Dt", "Dt") or text(element, "Dt", "DtTm") or text(element, "Dt")
    return {
        "kind": code,
        "interim": text(kind, "SubTp", "Cd") == "INTM",
        "amount": plain(value),
        "currency": currency_of(currency, f"currency of the balance {code}"),
        "day": day_of(day, f"date of the balance {code}") if day else None,
    }
