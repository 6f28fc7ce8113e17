"""Structured e-invoices: ZUGFeRD 1, 2/Factur-X and XRechnung in UN/CEFACT CII, XRechnung and Peppol in UBL.

Read by local names, so that one reading serves ZUGFeRD 1 (namespaces and names of 2014) and CII D16B. The
meaning of the elements: EN 16931-1 (business terms, BT-…) and its bindings CEN/TS 16931-3-2 and -3-3.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lxml import etree

from services.documents.invoices.values import written
from services.documents.invoices.words import AMOUNTS, DATES, Candidate

#: Bytes of an XML that is read; invoices with thousands of lines stay far below.
MAX_XML_BYTES: Final = 10_000_000
_CREDIT_NOTES: Final = frozenset({"81", "83", "261", "308", "381", "396", "420", "458", "532"})
_CONFIDENCE: Final = 100.0
_PARTY_NAME = "PartyLegalEntity/RegistrationName", "PartyName/Name"


class NotReadable(Exception):
    """The XML cannot be read: `code` and the reason in words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class EInvoice:
    """What an XML says: its format, whether it takes money back, and the candidates."""

    def __init__(self, format: str, credit_note: bool, pairs: Iterator[tuple[str, str | None]]) -> None:
        self.format = format
        self.credit_note = credit_note
        self.candidates = [
            Candidate(field, _normalized(field, value), "e_invoice", _CONFIDENCE)
            for field, value in pairs
            if value is not None and value.strip()
        ]


def read_e_invoice(data: bytes) -> EInvoice | None:
    """The e-invoice in `data`; None if it is an XML of another kind. Raises `NotReadable`."""
    root = parse(data)
    match _name(root):
        case "CrossIndustryInvoice" | "CrossIndustryDocument":
            code = _text(root, "ExchangedDocument|HeaderExchangedDocument", "TypeCode")
            version = "ZUGFeRD 1" if _name(root) == "CrossIndustryDocument" else "CII"
            return EInvoice(version, code in _CREDIT_NOTES, _cii(root))
        case "Invoice" | "CreditNote" if "ubl" in (etree.QName(root).namespace or "").lower():
            code = _text(root, "InvoiceTypeCode|CreditNoteTypeCode")
            return EInvoice("UBL", _name(root) == "CreditNote" or code in _CREDIT_NOTES, _ubl(root))
    return None


def parse(data: bytes) -> Any:
    """The root of an XML. No entities, no document types, no network, no depth without end."""
    if len(data) > MAX_XML_BYTES:
        raise NotReadable(
            "e_invoice_too_large",
            f"the embedded XML has more than {MAX_XML_BYTES // 1_000_000} MB and is not read",
        )
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise NotReadable("e_invoice_broken", f"the embedded XML is not well-formed: {error.msg}") from error
    except ValueError as error:
        raise NotReadable("e_invoice_broken", f"the embedded XML is not readable: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise NotReadable(
            "e_invoice_unsafe",
            "the embedded XML declares a document type, as attacks do and no e-invoice does; it is not read",
        )
    return root


def _cii(root: Any) -> Iterator[tuple[str, str | None]]:
    document = "ExchangedDocument|HeaderExchangedDocument"
    trade = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
    agreement = _first(root, trade, "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement")
    settlement = _first(root, trade, "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement")
    yield "invoice_number", _text(root, document, "ID")
    yield "invoice_date", _text(root, document, "IssueDateTime", "DateTimeString")
    for role, party in (("issuer", "SellerTradeParty"), ("recipient", "BuyerTradeParty")):
        yield f"{role}_name", _text(agreement, party, "Name")
        yield f"{role}_vat_id", _vat_of(agreement, party)
    yield "customer_number", _text(agreement, "BuyerTradeParty", "ID")
    yield "order_number", _text(agreement, "BuyerOrderReferencedDocument", "IssuerAssignedID|ID")
    currency = _text(settlement, "InvoiceCurrencyCode")
    yield "currency", currency
    yield "payee_name", _text(settlement, "PayeeTradeParty", "Name")
    yield "reference", _text(settlement, "PaymentReference")
    account = ("SpecifiedTradeSettlementPaymentMeans", "PayeePartyCreditorFinancialAccount", "IBANID")
    yield "iban", _text(settlement, *account)
    due = {_said(node) for node in _all(settlement, "SpecifiedTradePaymentTerms", "DueDateDateTime",
           "DateTimeString")}  # fmt: skip
    # Instalments have a date each; the invoice then has no one due date.
    yield "due_date", due.pop() if len(due) == 1 else None
    sums = _first(
        settlement,
        "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation",
    )
    yield "net_amount", _text(sums, "TaxBasisTotalAmount")
    yield "vat_amount", _in_currency(_all(sums, "TaxTotalAmount"), currency)
    yield "gross_amount", _in_currency(_all(sums, "GrandTotalAmount"), currency)
    yield "payable_amount", _text(sums, "DuePayableAmount")


def _ubl(root: Any) -> Iterator[tuple[str, str | None]]:
    yield "invoice_number", _text(root, "ID")
    yield "invoice_date", _text(root, "IssueDate")
    yield "due_date", _text(root, "DueDate") or _text(root, "PaymentMeans", "PaymentDueDate")
    for role, party in (("issuer", "AccountingSupplierParty"), ("recipient", "AccountingCustomerParty")):
        names = (_text(root, party, "Party", *path.split("/")) for path in _PARTY_NAME)
        yield f"{role}_name", next(filter(None, names), None)
        schemes = _all(root, party, "Party", "PartyTaxScheme")
        ids = (_text(node, "CompanyID") for node in schemes if _text(node, "TaxScheme", "ID") == "VAT")
        yield f"{role}_vat_id", next(ids, None)
    yield "customer_number", _text(root, "AccountingCustomerParty", "Party", "PartyIdentification", "ID")
    yield "order_number", _text(root, "OrderReference", "ID")
    currency = _text(root, "DocumentCurrencyCode")
    yield "currency", currency
    yield "payee_name", _text(root, "PayeeParty", "PartyName", "Name")
    yield "reference", _text(root, "PaymentMeans", "PaymentID")
    account = _text(root, "PaymentMeans", "PayeeFinancialAccount", "ID")
    # The account of a transfer outside SEPA is no IBAN, and none is made of it.
    yield "iban", account if account and re.match(r"[A-Z]{2}\d\d", account.strip()) else None
    yield "net_amount", _text(root, "LegalMonetaryTotal", "TaxExclusiveAmount")
    yield "vat_amount", _in_currency(_all(root, "TaxTotal", "TaxAmount"), currency)
    yield "gross_amount", _text(root, "LegalMonetaryTotal", "TaxInclusiveAmount")
    yield "payable_amount", _text(root, "LegalMonetaryTotal", "PayableAmount")


def _vat_of(agreement: Any, party: str) -> str | None:
    ids = _all(agreement, party, "SpecifiedTaxRegistration", "ID")
    return next((_said(node) for node in ids if node.get("schemeID") == "VA"), None)


def _in_currency(nodes: list[Any], currency: str | None) -> str | None:
    """The amount in the invoice's currency: VAT may be told in the currency of the accounts besides."""
    named = [node for node in nodes if node.get("currencyID") in (None, currency)]
    return _said(named[0]) if named else None


def _normalized(field: str, value: str) -> str:
    """The value in our form; one that cannot be brought into it stays as it is, and fails its check."""
    value = " ".join(value.split())
    if field in AMOUNTS:
        try:
            return written(Decimal(value))
        except InvalidOperation:
            return value
    if field in DATES:
        if re.fullmatch(r"\d{8}", value):
            return f"{value[:4]}-{value[4:6]}-{value[6:]}"
        return value[:10]
    if field in ("iban", "issuer_vat_id", "recipient_vat_id"):
        return re.sub(r"[\s.-]", "", value).upper()
    return value


def _name(node: Any) -> str:
    return str(etree.QName(node).localname)


def _all(node: Any, *path: str) -> list[Any]:
    """Descendants by a path of local names; `A|B` is either."""
    nodes = [] if node is None else [node]
    for step in path:
        names = step.split("|")
        nodes = [child for parent in nodes for child in parent if _name(child) in names]
    return nodes


def _first(node: Any, *path: str) -> Any:
    return next(iter(_all(node, *path)), None)


def _text(node: Any, *path: str) -> str | None:
    found = _first(node, *path)
    return None if found is None else _said(found)


def _said(node: Any) -> str:
    return (node.text or "").strip()
