"""Structured e-invoices: ZUGFeRD 1, 2/Factur-X and XRechnung in UN/CEFACT CII, XRechnung and Peppol in UBL.

Extracted first and checked afterwards: an invoice that violates its schema is read all the same.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lxml import etree

from services.documents.invoices.cii import read_cii
from services.documents.invoices.nodes import all_at, name_of, text_at
from services.documents.invoices.terms import terms_in
from services.documents.invoices.ubl import read_ubl
from services.documents.invoices.values import dates_in, written
from services.documents.invoices.words import AMOUNTS, DATES, Candidate

#: Bytes of an XML that is read; invoices with thousands of lines stay far below.
MAX_XML_BYTES: Final = 10_000_000
#: UNTDID 1001, as EN 16931 (BR-CL-01) binds them to credit notes.
_CREDIT_NOTES: Final = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"}
)
_CONFIDENCE: Final = 100.0


class NotReadable(Exception):
    """The XML cannot be read: `code` and the reason in words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class EInvoice:
    """What an XML says: its format, whether it takes money back, and the candidates."""

    def __init__(self, format: str, type_code: str | None, pairs: Iterator[tuple[str, str | None]]) -> None:
        self.format = format
        self.candidates = [
            candidate
            for field, value in pairs
            if value is not None and value.strip()
            for candidate in _candidates(field, value)
        ]
        # A corrected invoice (384) takes money back where its sum is negative.
        sums = (one.value for one in self.candidates if one.field in ("payable_amount", "gross_amount"))
        self.credit_note = type_code in _CREDIT_NOTES or next(sums, "").startswith("-")


def read_e_invoice(data: bytes) -> EInvoice | None:
    """The e-invoice in `data`; None if it is an XML of another kind. Raises `NotReadable`."""
    root = invoice_in(parse(data))
    match name_of(root):
        case "CrossIndustryInvoice" | "CrossIndustryDocument":
            code = text_at(root, "ExchangedDocument|HeaderExchangedDocument", "TypeCode")
            version = "ZUGFeRD 1" if name_of(root) == "CrossIndustryDocument" else "CII"
            return EInvoice(version, code, read_cii(root))
        case "Invoice" | "CreditNote" if _is_ubl(root):
            code = "381" if name_of(root) == "CreditNote" else text_at(root, "InvoiceTypeCode")
            return EInvoice("UBL", code, read_ubl(root))
    return None


def _is_ubl(root: Any) -> bool:
    return "ubl" in (etree.QName(root).namespace or "").lower()


def invoice_in(root: Any) -> Any:
    """The invoice in the envelope in which Peppol carries it (UN/CEFACT SBDH), or the root itself."""
    if name_of(root) != "StandardBusinessDocument":
        return root
    return next(iter(all_at(root, "Invoice|CreditNote|CrossIndustryInvoice")), root)


def parse(data: bytes) -> Any:
    """The root of an XML. No entities, no document types, no network, no depth without end."""
    if len(data) > MAX_XML_BYTES:
        raise NotReadable(
            "e_invoice_too_large",
            f"the XML has more than {MAX_XML_BYTES // 1_000_000} MB and is not read",
        )
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise NotReadable("e_invoice_broken", f"the XML is not well-formed: {error.msg}") from error
    except ValueError as error:
        raise NotReadable("e_invoice_broken", f"the XML is not readable: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise NotReadable(
            "e_invoice_unsafe",
            "the XML declares a document type, as attacks do and no e-invoice does; it is not read",
        )
    return root


def _candidates(field: str, value: str) -> Iterator[Candidate]:
    if field != "terms":
        yield Candidate(field, _normalized(field, value), "e_invoice", _CONFIDENCE)
        return
    # BT-20, where BT-9 is missing: the words name a day, or a number of days.
    named = {found for found, ambiguous, _ in dates_in(value) if not ambiguous}
    if len(named) == 1:
        words = f"the payment terms say {' '.join(value.split())!r}"
        yield Candidate("due_date", named.pop(), "e_invoice", _CONFIDENCE, derived=words)
    elif not named and (terms := terms_in(value)) is not None:
        yield Candidate(
            "terms", str(terms.days), "e_invoice", _CONFIDENCE, explicit=terms.from_date, derived=terms.words
        )


def _normalized(field: str, value: str) -> str:
    """The value in our form; one that cannot be brought into it stays as it is, and fails its check."""
    value = " ".join(value.split())
    if field in AMOUNTS:
        try:
            return written(Decimal(value))
        except InvalidOperation:
            return value
    if field in DATES:
        # Format 102 is `20260312`; 203 and 204 have the time behind it.
        if re.fullmatch(r"\d{8}(?:\d{4}|\d{6})?", value):
            return f"{value[:4]}-{value[4:6]}-{value[6:8]}"
        return value[:10]
    if field in ("iban", "bic", "issuer_vat_id", "recipient_vat_id"):
        return re.sub(r"[\s.-]", "", value).upper()
    return value
