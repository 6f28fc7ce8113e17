"""UN/CEFACT Cross Industry Invoice (D16B and later) and ZUGFeRD 1, its forerunner of 2014.

Read by local names, so that one reading serves both. Business terms (BT-…): EN 16931-1, bound by
CEN/TS 16931-3-3.
"""

from collections.abc import Iterator
from typing import Any, Final

from services.documents.invoices.addresses import address_fields
from services.documents.invoices.nodes import all_at, first_at, in_currency, said, text_at

#: Payment means (UNTDID 4461) by which the seller takes the money: the account there is the buyer's.
DEBITS: Final = frozenset({"49", "59"})


def read_cii(root: Any) -> Iterator[tuple[str, str | None]]:
    document = first_at(root, "ExchangedDocument|HeaderExchangedDocument")
    trade = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
    agreement = first_at(root, trade, "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement")
    settlement = first_at(root, trade, "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement")
    yield "invoice_number", text_at(document, "ID")
    yield "invoice_date", _date(first_at(document, "IssueDateTime"))
    for role, party in (("issuer", "SellerTradeParty"), ("recipient", "BuyerTradeParty")):
        yield f"{role}_name", text_at(agreement, party, "Name")
        yield f"{role}_vat_id", _registered(agreement, party, "VA")
    yield "issuer_tax_number", _registered(agreement, "SellerTradeParty", "FC")
    yield "customer_number", text_at(agreement, "BuyerTradeParty", "ID")
    yield "buyer_reference", text_at(agreement, "BuyerReference")
    yield "order_number", text_at(agreement, "BuyerOrderReferencedDocument", "IssuerAssignedID|ID")
    currency = text_at(settlement, "InvoiceCurrencyCode")
    yield "currency", currency
    yield from _payment(agreement, settlement)
    yield from _due_date(settlement)
    sums = first_at(
        settlement,
        "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation",
    )
    yield "net_amount", in_currency(all_at(sums, "TaxBasisTotalAmount"), currency)
    yield "vat_amount", in_currency(all_at(sums, "TaxTotalAmount"), currency)
    yield "gross_amount", in_currency(all_at(sums, "GrandTotalAmount"), currency)
    yield "payable_amount", in_currency(all_at(sums, "DuePayableAmount"), currency)


def _payment(agreement: Any, settlement: Any) -> Iterator[tuple[str, str | None]]:
    """To whom, to which account, under which reference. Several accounts are a choice: the first counts."""
    yield "reference", text_at(settlement, "PaymentReference")
    payee = first_at(settlement, "PayeeTradeParty")
    yield "payee_name", text_at(payee, "Name")
    paid = first_at(agreement, "SellerTradeParty") if payee is None else payee
    place = first_at(paid, "PostalTradeAddress")
    yield from address_fields(
        text_at(place, "LineOne") or "",
        text_at(place, "PostcodeCode") or "",
        text_at(place, "CityName") or "",
        text_at(place, "CountryID") or "",
    )
    for means in all_at(settlement, "SpecifiedTradeSettlementPaymentMeans"):
        account = text_at(means, "PayeePartyCreditorFinancialAccount", "IBANID")
        if account and text_at(means, "TypeCode") not in DEBITS:
            yield "iban", account
            yield "bic", text_at(means, "PayeeSpecifiedCreditorFinancialInstitution", "BICID")
            return


def _due_date(settlement: Any) -> Iterator[tuple[str, str | None]]:
    """BT-9. Instalments have a date each: then there is no one due date. A date of a discount is none."""
    terms = all_at(settlement, "SpecifiedTradePaymentTerms")
    plain = [one for one in terms if first_at(one, "ApplicableTradePaymentDiscountTerms") is None]
    dates = {_date(node) for one in plain or terms for node in all_at(one, "DueDateDateTime")} - {None}
    if dates:
        yield "due_date", dates.pop() if len(dates) == 1 else None
        return
    yield (
        "terms",
        "\n".join(said(node) for node in all_at(settlement, "SpecifiedTradePaymentTerms", "Description")),
    )


def _registered(agreement: Any, party: str, scheme: str) -> str | None:
    """BT-31, BT-48 (scheme VA) and BT-32 (FC): VAT id and tax number."""
    ids = all_at(agreement, party, "SpecifiedTaxRegistration", "ID")
    return next((said(node) for node in ids if node.get("schemeID") == scheme and said(node)), None)


def _date(node: Any) -> str | None:
    """`20260312` (format 102), with the time behind it (203, 204), or as XML writes dates. A month (610) or a
    week (616) names no day, stays as it is and fails its check."""
    return text_at(node, "DateTimeString|DateTime")
