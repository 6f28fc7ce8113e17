"""What the samples truly say, read independently of the product: by other libraries, other paths."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pikepdf
import pypdfium2
import zxingcpp
from PIL import Image

Truth = dict[str, str]

_CII = {
    "r": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "a": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "u": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_DEAL = "r:SupplyChainTradeTransaction/a:ApplicableHeaderTradeAgreement"
_MONEY = "r:SupplyChainTradeTransaction/a:ApplicableHeaderTradeSettlement"
_SUMS = f"{_MONEY}/a:SpecifiedTradeSettlementHeaderMonetarySummation"
_XML_PATHS = {
    "invoice_number": "r:ExchangedDocument/a:ID",
    "invoice_date": "r:ExchangedDocument/a:IssueDateTime/u:DateTimeString",
    "issuer_name": f"{_DEAL}/a:SellerTradeParty/a:Name",
    "issuer_vat_id": f"{_DEAL}/a:SellerTradeParty/a:SpecifiedTaxRegistration/a:ID[@schemeID='VA']",
    "issuer_tax_number": f"{_DEAL}/a:SellerTradeParty/a:SpecifiedTaxRegistration/a:ID[@schemeID='FC']",
    "recipient_vat_id": f"{_DEAL}/a:BuyerTradeParty/a:SpecifiedTaxRegistration/a:ID[@schemeID='VA']",
    "buyer_reference": f"{_DEAL}/a:BuyerReference",
    "recipient_name": f"{_DEAL}/a:BuyerTradeParty/a:Name",
    "customer_number": f"{_DEAL}/a:BuyerTradeParty/a:ID",
    "order_number": f"{_DEAL}/a:BuyerOrderReferencedDocument/a:IssuerAssignedID",
    "currency": f"{_MONEY}/a:InvoiceCurrencyCode",
    "reference": f"{_MONEY}/a:PaymentReference",
    "iban": f"{_MONEY}/a:SpecifiedTradeSettlementPaymentMeans/a:PayeePartyCreditorFinancialAccount/a:IBANID",
    "due_date": f"{_MONEY}/a:SpecifiedTradePaymentTerms/a:DueDateDateTime/u:DateTimeString",
    "net_amount": f"{_SUMS}/a:TaxBasisTotalAmount",
    "vat_amount": f"{_SUMS}/a:TaxTotalAmount",
    "gross_amount": f"{_SUMS}/a:GrandTotalAmount",
    "payable_amount": f"{_SUMS}/a:DuePayableAmount",
}


def of_embedded_xml(file: Path) -> Truth:
    """What the XML in a ZUGFeRD 2 PDF says."""
    with pikepdf.open(file) as pdf:
        (name,) = pdf.attachments
        root = ElementTree.fromstring(pdf.attachments[name].get_file().read_bytes())
    said: Truth = {}
    for field, path in _XML_PATHS.items():
        nodes = root.findall(path, _CII)
        if field == "vat_amount" and len(nodes) > 1:
            nodes = [node for node in nodes if node.get("currencyID") == said["currency"]]
        # Several due dates are instalments: there is no one that is true.
        if not nodes or (field == "due_date" and len({node.text for node in nodes}) > 1):
            continue
        value = (nodes[0].text or "").strip()
        said[field] = f"{value[:4]}-{value[4:6]}-{value[6:]}" if field.endswith("_date") else value
    return {field: value for field, value in said.items() if value}


_JSON_FIELDS = {
    "issuer": "issuer_name", "invoice_number": "invoice_number", "date": "invoice_date",
    "date_due": "due_date",
    "amount": "gross_amount", "amount_untaxed": "net_amount", "currency": "currency", "iban": "iban",
    "vat": "issuer_vat_id", "client_id": "customer_number",
}  # fmt: skip


def of_json(file: Path) -> Truth:
    """What somebody wrote down beside a PDF."""
    read: Any = json.loads(file.with_suffix(".json").read_text())
    data = read[0] if isinstance(read, list) else read
    return {ours: str(data[theirs]) for theirs, ours in _JSON_FIELDS.items() if theirs in data}


def of_qr_code(file: Path) -> Truth | None:
    """The payment fields of the QR-bill in a file; None if ZXing reads none."""
    if file.suffix == ".pdf":
        pictures = [page.render(scale=300 / 72).to_pil() for page in pypdfium2.PdfDocument(file)]
    else:
        pictures = [Image.open(file)]
    for picture in pictures:
        for code in zxingcpp.read_barcodes(picture):
            if code.text.startswith("SPC"):
                row = [*code.text.splitlines(), *[""] * 10]
                said = {
                    "iban": row[3], "issuer_name": row[5], "payable_amount": row[18], "currency": row[19],
                    "recipient_name": row[21], "reference": row[28], "message": row[29], "payee_name": row[5],
                    "payee_country": row[10],
                }  # fmt: skip
                if row[4] == "S":
                    said |= {
                        "payee_street": row[6], "payee_building_number": row[7], "payee_postal_code": row[8],
                        "payee_town": row[9],
                    }  # fmt: skip
                return {field: value for field, value in said.items() if value}
    return None


def same(field: str, one: str, other: str) -> bool:
    """Whether two spellings are the same value; of an issuer the one may be the longer form of its name."""
    if field.endswith("_amount"):
        return Decimal(one) == Decimal(other)
    ours, theirs = (re.sub(r"[\W_]", "", value).casefold() for value in (one, other))
    if field in ("issuer_name", "recipient_name"):
        return bool(ours) and bool(theirs) and (ours in theirs or theirs in ours)
    return ours == theirs
