"""ZUGFeRD 1, CII and UBL, good and hostile."""

import pytest

from services.documents.invoices.e_invoice import MAX_XML_BYTES, EInvoice, NotReadable, read_e_invoice

COMMON = {
    "invoice_number": "R-4711",
    "invoice_date": "2026-03-12",
    "issuer_name": "Nordlicht GmbH",
    "issuer_vat_id": "DE136695976",
    "issuer_tax_number": "201/113",
    "buyer_reference": "04011000-12345-03",
    "bic": "SOGEDEFF",
    "payee_street": "Uferweg",
    "payee_building_number": "12a",
    "payee_postal_code": "20095",
    "payee_town": "Hamburg",
    "payee_country": "DE",
    "recipient_name": "Kern & Wälti AG",
    "currency": "EUR",
    "iban": "DE75512108001245126199",
    "net_amount": "100.00",
    "vat_amount": "19.00",
    "gross_amount": "119.00",
    "payable_amount": "119.00",
    "due_date": "2026-04-11",
    "order_number": "B-77",
}


def cii(version: int, *, type_code: str = "380") -> bytes:
    """The same invoice in ZUGFeRD `version` 1 or 2."""
    head = "" if version == 2 else "Specified"
    name = "CrossIndustryInvoice" if version == 2 else "CrossIndustryDocument"
    document = "ExchangedDocument" if version == 2 else "HeaderExchangedDocument"
    part = "ApplicableHeader" if version == 2 else "ApplicableSupplyChain"
    sums = "SpecifiedTradeSettlementHeaderMonetarySummation"
    sums = sums if version == 2 else "SpecifiedTradeSettlementMonetarySummation"
    order = "IssuerAssignedID" if version == 2 else "ID"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<r:{name} xmlns:r="urn:test:root" xmlns:a="urn:test:aggregate" xmlns:u="urn:test:types">
 <r:{document}><a:ID>R-4711</a:ID><a:TypeCode>{type_code}</a:TypeCode>
  <a:IssueDateTime><u:DateTimeString format="102">20260312</u:DateTimeString></a:IssueDateTime></r:{document}>
 <r:{head}SupplyChainTradeTransaction>
  <a:{part}TradeAgreement><a:BuyerReference>04011000-12345-03</a:BuyerReference>
   <a:SellerTradeParty><a:Name>Nordlicht GmbH</a:Name>
    <a:PostalTradeAddress><a:PostcodeCode>20095</a:PostcodeCode><a:LineOne>Uferweg 12a</a:LineOne>
     <a:CityName>Hamburg</a:CityName><a:CountryID>DE</a:CountryID></a:PostalTradeAddress>
    <a:SpecifiedTaxRegistration><a:ID schemeID="FC">201/113</a:ID></a:SpecifiedTaxRegistration>
    <a:SpecifiedTaxRegistration><a:ID schemeID="VA">DE136695976</a:ID></a:SpecifiedTaxRegistration>
   </a:SellerTradeParty>
   <a:BuyerTradeParty><a:Name>Kern &amp; Wälti AG</a:Name></a:BuyerTradeParty>
   <a:BuyerOrderReferencedDocument><a:{order}>B-77</a:{order}></a:BuyerOrderReferencedDocument>
  </a:{part}TradeAgreement>
  <a:{part}TradeSettlement>
   <a:InvoiceCurrencyCode>EUR</a:InvoiceCurrencyCode>
   <a:SpecifiedTradeSettlementPaymentMeans><a:PayeePartyCreditorFinancialAccount>
    <a:IBANID>DE75 5121 0800 1245 1261 99</a:IBANID></a:PayeePartyCreditorFinancialAccount>
    <a:PayeeSpecifiedCreditorFinancialInstitution><a:BICID>SOGEDEFF</a:BICID>
    </a:PayeeSpecifiedCreditorFinancialInstitution>
   </a:SpecifiedTradeSettlementPaymentMeans>
   <a:SpecifiedTradePaymentTerms><a:DueDateDateTime><u:DateTimeString>20260411</u:DateTimeString>
   </a:DueDateDateTime></a:SpecifiedTradePaymentTerms>
   <a:{sums}><a:TaxBasisTotalAmount>100</a:TaxBasisTotalAmount>
    <a:TaxTotalAmount currencyID="GBP">16.00</a:TaxTotalAmount>
    <a:TaxTotalAmount currencyID="EUR">19.00</a:TaxTotalAmount>
    <a:GrandTotalAmount>119.00</a:GrandTotalAmount><a:DuePayableAmount>119.00</a:DuePayableAmount></a:{sums}>
  </a:{part}TradeSettlement>
 </r:{head}SupplyChainTradeTransaction>
</r:{name}>""".encode()


UBL = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:b="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
 <b:ID>R-4711</b:ID><b:IssueDate>2026-03-12</b:IssueDate><b:DueDate>2026-04-11</b:DueDate>
 <b:InvoiceTypeCode>380</b:InvoiceTypeCode><b:DocumentCurrencyCode>EUR</b:DocumentCurrencyCode>
 <b:BuyerReference>04011000-12345-03</b:BuyerReference>
 <a:OrderReference><b:ID>B-77</b:ID></a:OrderReference>
 <a:AccountingSupplierParty><a:Party><a:PartyName><b:Name>Nordlicht</b:Name></a:PartyName>
  <a:PostalAddress><b:StreetName>Uferweg 12a</b:StreetName><b:CityName>Hamburg</b:CityName>
   <b:PostalZone>20095</b:PostalZone>
   <a:Country><b:IdentificationCode>DE</b:IdentificationCode></a:Country></a:PostalAddress>
  <a:PartyTaxScheme><b:CompanyID>201/113</b:CompanyID><a:TaxScheme><b:ID>FC</b:ID></a:TaxScheme></a:PartyTaxScheme>
  <a:PartyTaxScheme><b:CompanyID>DE136695976</b:CompanyID><a:TaxScheme><b:ID>VAT</b:ID></a:TaxScheme>
  </a:PartyTaxScheme>
  <a:PartyLegalEntity><b:RegistrationName>Nordlicht GmbH</b:RegistrationName></a:PartyLegalEntity></a:Party>
 </a:AccountingSupplierParty>
 <a:AccountingCustomerParty><a:Party><a:PartyLegalEntity>
  <b:RegistrationName>Kern &amp; Wälti AG</b:RegistrationName>
 </a:PartyLegalEntity></a:Party></a:AccountingCustomerParty>
 <a:PaymentMeans><a:PayeeFinancialAccount><b:ID>DE75512108001245126199</b:ID>
  <a:FinancialInstitutionBranch><b:ID>SOGEDEFF</b:ID></a:FinancialInstitutionBranch></a:PayeeFinancialAccount>
 </a:PaymentMeans>
 <a:TaxTotal><b:TaxAmount currencyID="EUR">19.00</b:TaxAmount></a:TaxTotal>
 <a:LegalMonetaryTotal><b:TaxExclusiveAmount currencyID="EUR">100.00</b:TaxExclusiveAmount>
  <b:TaxInclusiveAmount currencyID="EUR">119.00</b:TaxInclusiveAmount>
  <b:PayableAmount currencyID="EUR">119.00</b:PayableAmount></a:LegalMonetaryTotal>
</Invoice>""".encode()


def read(data: bytes) -> EInvoice:
    found = read_e_invoice(data)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("data", "format"), [(cii(1), "ZUGFeRD 1"), (cii(2), "CII"), (UBL, "UBL")], ids=["1", "2", "ubl"]
)
def test_the_same_invoice_says_the_same_in_every_format(data: bytes, format: str) -> None:
    found = read(data)
    assert found.format == format
    assert {one.field: one.value for one in found.candidates} == COMMON
    assert not found.credit_note


def test_a_credit_note_is_told_from_an_invoice() -> None:
    assert read(cii(2, type_code="381")).credit_note


def test_another_xml_is_no_invoice() -> None:
    assert read_e_invoice(b"<rss><channel/></rss>") is None
    assert read_e_invoice(b'<Invoice xmlns="urn:somebody:else"/>') is None


ENTITIES = (
    b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x>&b;</x>"""
)
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>"""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (ENTITIES, "e_invoice_unsafe"),
        (OUTSIDE, "e_invoice_unsafe"),
        (UBL[:-40], "e_invoice_broken"),
        (b"", "e_invoice_broken"),
        (b"<a>" * 100_000, "e_invoice_broken"),
        (b" " * (MAX_XML_BYTES + 1), "e_invoice_too_large"),
    ],
    ids=["entities", "outside", "cut", "empty", "deep", "huge"],
)
def test_a_hostile_or_broken_xml_is_refused_with_its_reason(data: bytes, code: str) -> None:
    with pytest.raises(NotReadable) as caught:
        read_e_invoice(data)
    assert caught.value.code == code
    assert "passwd" not in str(caught.value)
