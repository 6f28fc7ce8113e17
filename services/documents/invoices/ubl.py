"""Universal Business Language 2.1, as XRechnung and Peppol BIS Billing use it: Invoice and CreditNote.

Business terms (BT-…): EN 16931-1, bound by CEN/TS 16931-3-2.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from services.documents.invoices.addresses import address_fields
from services.documents.invoices.cii import DEBITS
from services.documents.invoices.nodes import all_at, first_at, in_currency, said, text_at

#: Peppol's order number where there is only the seller's number of the order.
_NO_ORDER: Final = "NA"


def read_ubl(root: Any) -> Iterator[tuple[str, str | None]]:
    yield "invoice_number", text_at(root, "ID")
    yield "invoice_date", text_at(root, "IssueDate")
    seller = first_at(root, "AccountingSupplierParty", "Party")
    buyer = first_at(root, "AccountingCustomerParty", "Party")
    for role, party in (("issuer", seller), ("recipient", buyer)):
        yield f"{role}_name", _name(party)
        yield f"{role}_vat_id", _registered(party, vat=True)
    yield "issuer_tax_number", _registered(seller, vat=False)
    yield "customer_number", _customer_number(buyer)
    yield "buyer_reference", text_at(root, "BuyerReference")
    order = text_at(root, "OrderReference", "ID")
    yield "order_number", None if order == _NO_ORDER else order
    currency = text_at(root, "DocumentCurrencyCode")
    yield "currency", currency
    yield from _payment(root, seller)
    due = text_at(root, "DueDate") or text_at(root, "PaymentMeans", "PaymentDueDate")
    yield "due_date", due
    if due is None:
        yield "terms", "\n".join(said(node) for node in all_at(root, "PaymentTerms", "Note"))
    sums = first_at(root, "LegalMonetaryTotal")
    yield "net_amount", in_currency(all_at(sums, "TaxExclusiveAmount"), currency)
    yield "vat_amount", in_currency(all_at(root, "TaxTotal", "TaxAmount"), currency)
    yield "gross_amount", in_currency(all_at(sums, "TaxInclusiveAmount"), currency)
    yield "payable_amount", in_currency(all_at(sums, "PayableAmount"), currency)


def _payment(root: Any, seller: Any) -> Iterator[tuple[str, str | None]]:
    """To whom, to which account, under which reference. Several accounts are a choice: the first counts."""
    payee = first_at(root, "PayeeParty")
    yield "payee_name", text_at(payee, "PartyName", "Name")
    paid = seller if payee is None else payee
    place = first_at(paid, "PostalAddress")
    yield from address_fields(
        text_at(place, "StreetName") or "",
        text_at(place, "PostalZone") or "",
        text_at(place, "CityName") or "",
        text_at(place, "Country", "IdentificationCode") or "",
        text_at(place, "BuildingNumber") or "",
    )
    yield "reference", text_at(root, "PaymentMeans", "PaymentID")
    for means in all_at(root, "PaymentMeans"):
        account = text_at(means, "PayeeFinancialAccount", "ID") or ""
        # The account of a transfer outside SEPA is no IBAN, and none is made of it.
        if re.match(r"[A-Z]{2}\d\d", account) and text_at(means, "PaymentMeansCode") not in DEBITS:
            yield "iban", account
            yield "bic", text_at(means, "PayeeFinancialAccount", "FinancialInstitutionBranch", "ID")
            return


def _name(party: Any) -> str | None:
    return text_at(party, "PartyLegalEntity", "RegistrationName") or text_at(party, "PartyName", "Name")


def _registered(party: Any, *, vat: bool) -> str | None:
    """BT-31, BT-48: under the scheme `VAT`; BT-32: under any other."""
    for node in all_at(party, "PartyTaxScheme"):
        scheme = (text_at(node, "TaxScheme", "ID") or "").upper()
        if (scheme in ("VAT", "VA")) == vat and (number := text_at(node, "CompanyID")):
            return number
    return None


def _customer_number(buyer: Any) -> str | None:
    """BT-46: what the seller calls the buyer, before what the world does (with a scheme, such as a GLN)."""
    ids = all_at(buyer, "PartyIdentification", "ID")
    ordered = sorted(ids, key=lambda node: node.get("schemeID") is not None)
    return next(filter(None, map(said, ordered)), None)
