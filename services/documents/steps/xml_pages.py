"""XML on its own: an e-invoice becomes a page to read, with the XML embedded; other XML is told where it
belongs."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import pikepdf
from lxml import etree
from pikepdf import AttachedFileSpec, Name

from services.documents.invoices.e_invoice import MAX_XML_BYTES, NotReadable, parse, read_e_invoice
from services.documents.steps.typesetting import Block, Letter, typeset
from shared.process_child import Refused

#: Beginnings of the namespace of bank messages (ISO 20022) -> what they are, and what is done with them.
_BANK_MESSAGES: Final = {
    "camt.05": ("a bank statement", "Import it with the job integrations.import-bank-statements."),
    "pain.002": ("a bank's payment status", "Read it with the job integrations.update-payment-status."),
    "pain.001": (
        "a payment order",
        "Payment orders go to the bank; Tagwerk does not process those of others.",
    ),
    "pain.008": (
        "a direct debit order",
        "Direct debit orders go to the bank; Tagwerk does not process them.",
    ),
}
_RATES: Final = frozenset({"gesmes:Envelope", "Envelope", "wechselkurse"})
_LABELS: Final = {
    "invoice_number": "Invoice number",
    "invoice_date": "Invoice date",
    "due_date": "Due date",
    "issuer_name": "Seller",
    "issuer_vat_id": "Seller VAT ID",
    "recipient_name": "Buyer",
    "recipient_vat_id": "Buyer VAT ID",
    "customer_number": "Customer number",
    "order_number": "Order number",
    "currency": "Currency",
    "payee_name": "Payee",
    "reference": "Payment reference",
    "iban": "IBAN",
    "net_amount": "Net amount",
    "vat_amount": "VAT amount",
    "gross_amount": "Gross amount",
    "payable_amount": "Amount due",
}
_SUMS: Final = ("net_amount", "vat_amount", "gross_amount", "payable_amount")
#: Lines of an invoice that are shown; the XML has them all.
_MAX_LINES: Final = 5000


def xml_pdf(path: Path, file_name: str, folder: Path) -> Path:
    """The PDF of the e-invoice at `path`, with that file embedded under its own name.

    Raises `Refused`: `xml_broken`, `xml_has_its_own_job`, `xml_unknown`, `document_too_large`.
    """
    if path.stat().st_size > MAX_XML_BYTES:
        raise Refused(
            "document_too_large",
            f"the XML has more than {MAX_XML_BYTES // 1_000_000} MB",
            "An invoice is never that large: ask its sender what it is.",
        )
    data = path.read_bytes()
    try:
        root = parse(data)
        invoice = read_e_invoice(data)
    except NotReadable as error:
        raise Refused(
            "xml_broken",
            str(error).replace("the embedded XML", "the XML"),
            "Get the file again from its sender, as it left their program, and upload that.",
        ) from error
    if invoice is None:
        raise _not_an_invoice(root)
    fields = {one.field: one.value for one in invoice.candidates}
    letter = _letter(root, fields, credit_note=invoice.credit_note)
    made = typeset(letter, folder)
    target = folder / "e-invoice.pdf"
    with pikepdf.open(made) as pdf:
        name = file_name if file_name.lower().endswith(".xml") else f"{file_name}.xml"
        spec = AttachedFileSpec(pdf, data, filename=name, mime_type="text/xml", relationship=Name.Source)  # type: ignore[call-arg]
        pdf.attachments[name] = spec
        pdf.save(target, deterministic_id=True)
    return target


def _not_an_invoice(root: Any) -> Refused:
    name = etree.QName(root)
    namespace = name.namespace or ""
    for kind, (what, step) in _BANK_MESSAGES.items():
        if kind in namespace:
            return Refused(
                "xml_has_its_own_job", f"it is {what} ({namespace.rpartition(':')[2]}), no document", step
            )
    if name.localname in _RATES:
        step = "Import it with the job integrations.import-daily-rates."
        return Refused("xml_has_its_own_job", "it is a list of exchange rates, no document", step)
    return Refused(
        "xml_unknown",
        f"it is XML of another kind (root element {name.localname}), no e-invoice in UBL or CII",
        "If it is a document, print it to PDF in the program that it is for, and upload that.",
    )


def _letter(root: Any, fields: dict[str, str], *, credit_note: bool) -> Letter:
    title = f"{'Credit note' if credit_note else 'Invoice'} {fields.get('invoice_number', '')}".strip()
    letter = Letter(title)
    letter.blocks.append({"kind": "heading", "level": 1, "runs": [{"text": title}]})
    for role in ("Seller", "Buyer"):
        lines = _party(root, role)
        if lines:
            letter.blocks.append(_paragraph(f"{role}: ", *lines))
    pairs = [(label, fields[name]) for name, label in _LABELS.items() if name in fields and name not in _SUMS]
    letter.blocks += [
        _paragraph(f"{label}: ", value) for label, value in pairs if label not in ("Seller", "Buyer")
    ]
    rows = list(_lines(root))
    if rows:
        heads = ["Description", "Quantity", "Price", "Net"]
        letter.blocks.append(_table([heads, *rows], right=[False, True, True, True]))
    currency = fields.get("currency", "")
    sums = [[_LABELS[name], f"{currency} {fields[name]}".strip()] for name in _SUMS if name in fields]
    if sums:
        letter.blocks.append(_table(sums, right=[False, True]))
    letter.blocks += [_paragraph("", note) for note in _notes(root)]
    return letter


def _party(root: Any, role: str) -> list[str]:
    """Name and address: of UBL's supplier and customer, of CII's seller and buyer."""
    names = {
        "Seller": "AccountingSupplierParty|SellerTradeParty",
        "Buyer": "AccountingCustomerParty|BuyerTradeParty",
    }
    party = next(_named(root, names[role]), None)
    if party is None:
        return []
    name = _said(party, "RegistrationName") or _said(party, "Name")
    address = next(_named(party, "PostalAddress|PostalTradeAddress"), None)
    street = _said(address, "StreetName|LineOne")
    place = " ".join(filter(None, (_said(address, "PostalZone|PostcodeCode"), _said(address, "CityName"))))
    country = _said(address, "IdentificationCode|CountryID")
    return [part for part in (name, street, place, country) if part]


def _lines(root: Any) -> Iterator[list[str]]:
    """Description, quantity, price and net amount of each line."""
    kinds = "InvoiceLine|CreditNoteLine|IncludedSupplyChainTradeLineItem"
    for count, line in enumerate(_named(root, kinds)):
        if count >= _MAX_LINES:
            return
        item = next(_named(line, "Item|SpecifiedTradeProduct"), None)
        net = next(_named(line, "LineExtensionAmount|LineTotalAmount"), None)
        price = next(_named(line, "PriceAmount"), None) if _is_ubl(line) else _cii_price(line)
        quantity = _said(line, "InvoicedQuantity|CreditedQuantity|BilledQuantity")
        yield [_said(item, "Name"), _plain(quantity), _plain(_text(price)), _plain(_text(net))]


def _is_ubl(line: Any) -> bool:
    return str(etree.QName(line).localname).endswith("Line")


def _cii_price(line: Any) -> Any:
    net = next(_named(line, "NetPriceProductTradePrice"), None)
    return None if net is None else next(_named(net, "ChargeAmount"), None)


def _notes(root: Any) -> Iterator[str]:
    for child in root.iter("{*}Note", "{*}Content"):
        text = _text(child)
        if text and len(text) < 5000 and len(child) == 0:
            yield text


def _named(node: Any, names: str) -> Iterator[Any]:
    return iter(node.iter(*(f"{{*}}{name}" for name in names.split("|"))))


def _said(node: Any, names: str) -> str:
    return (
        next((text for found in _named(node, names) if (text := _text(found))), "")
        if node is not None
        else ""
    )


def _text(node: Any) -> str:
    return " ".join((node.text or "").split()) if node is not None else ""


def _plain(number: str) -> str:
    """`12.0000` as `12.00`, `5.000` as `5`: as people write it."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    short = value.normalize()
    digits = max(0, -int(short.as_tuple().exponent))
    return f"{value:.{digits if digits in (0, 2) or digits > 2 else 2}f}"


def _paragraph(label: str, *lines: str) -> Block:
    runs = [{"text": label, "bold": True}] if label else []
    for number, line in enumerate(lines):
        runs += [{"text": "\n"}] if number else []
        runs.append({"text": line})
    return {"kind": "paragraph", "runs": runs}


def _table(rows: list[list[str]], *, right: list[bool]) -> Block:
    columns = [60, *[None] * (len(rows[0]) - 1)]
    cells = [[{"runs": [{"text": text}]} for text in row] for row in rows]
    return {"kind": "table", "columns": columns, "right": right, "rows": cells}
