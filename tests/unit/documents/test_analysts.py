"""Whole files through the analysing child process: good ones, and those that are made to do harm."""

import importlib.util
import io
from datetime import date
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from services.documents.analysts import Analysis, ChildAnalysts
from services.documents.steps.rules_checker import RulesChecker
from services.documents.steps.xml_pages import xml_pdf
from shared.errors import TagwerkError
from shared.process import Children, Limits
from tests.unit.documents.invoices.test_e_invoice import ENTITIES, OUTSIDE, UBL, cii
from tests.unit.documents.invoices.test_payment_codes import QR_BILL
from tests.unit.documents.papers import lines_pdf, typed_pdf, with_attachments

INVOICE = (
    "Nordlicht Druck GmbH", "Rechnung Nr. 2026-0815", "Rechnungsdatum|12.03.2026", "Nettobetrag|1.000,00 EUR",
    "19 % MwSt.|190,00 EUR", "Rechnungsbetrag|1.190,00 EUR", "IBAN|DE75 5121 0800 1245 1261 99",
)  # fmt: skip


async def analysed(content: bytes, folder: Path) -> Analysis:
    file = folder / "document.pdf"
    file.write_bytes(content)
    return await ChildAnalysts(Children(1)).analyse(file, {}, date(2026, 11, 1))


async def converted(xml: bytes, folder: Path) -> Analysis:
    """The analysis of an e-invoice that came as XML, with a page made for it as conversion makes it."""
    original = folder / "original.xml"
    original.write_bytes(xml)
    return await analysed(xml_pdf(original, original.name, folder).read_bytes(), folder)


def values(analysis: Analysis) -> dict[str, tuple[str, str, str]]:
    return {field.name: (field.value, field.source, field.verdict) for field in analysis.fields}


async def test_an_invoice_is_read_from_its_text_with_the_places_of_its_values(tmp_path: Path) -> None:
    found = await analysed(lines_pdf(*INVOICE), tmp_path)
    assert (found.kind, found.source) == ("invoice", "text")
    said = values(found)
    assert said["invoice_number"] == ("2026-0815", "text", "certain")
    assert said["gross_amount"] == ("1190.00", "text", "certain")
    date_field = next(field for field in found.fields if field.name == "invoice_date")
    assert date_field.page == 1
    assert date_field.box is not None
    assert date_field.box[0] == pytest.approx(372, abs=2)
    assert 95 < date_field.box[1] < date_field.box[3] < 120


@pytest.mark.parametrize("xml", [cii(1), cii(2), UBL], ids=["zugferd-1", "cii", "ubl"])
async def test_an_e_invoice_outranks_the_text_and_what_differs_is_told(xml: bytes, tmp_path: Path) -> None:
    found = await analysed(with_attachments(lines_pdf(*INVOICE), {"invoice.xml": xml}), tmp_path)
    assert found.source == "e_invoice"
    assert values(found)["gross_amount"][:2] == ("119.00", "e_invoice")
    assert values(found)["invoice_number"] == ("R-4711", "e_invoice", "contradicted")
    assert {"sources_contradict", "not_on_the_pages"} <= {finding.code for finding in found.findings}


@pytest.mark.parametrize("name", ["Rechnung 4711.XML", "daten", "xrechnung.bin"])
async def test_an_e_invoice_is_found_whatever_its_file_is_called(name: str, tmp_path: Path) -> None:
    paper = with_attachments(lines_pdf("Rechnung"), {"agb.txt": b"<- not this one", name: UBL})
    assert values(await analysed(paper, tmp_path))["invoice_number"][:2] == ("R-4711", "e_invoice")


async def test_an_e_invoice_that_is_no_pdf_is_read_from_its_xml(tmp_path: Path) -> None:
    found = await converted(b"\xef\xbb\xbf" + cii(2), tmp_path)
    assert (found.kind, found.source, found.format) == ("invoice", "e_invoice", "CII")
    assert values(found)["gross_amount"] == ("119.00", "e_invoice", "certain")


async def test_what_the_rules_say_is_a_finding_each_and_stops_nothing(tmp_path: Path) -> None:
    wrong = UBL.replace(b"119.00</b:TaxInclusiveAmount>", b"120.00</b:TaxInclusiveAmount>")
    found = await converted(wrong, tmp_path)
    assert values(found)["gross_amount"][:2] == ("120.00", "e_invoice")
    said = [finding.words for finding in found.findings if finding.code == "en16931_violated"]
    assert any(words.startswith("BR-CO-15: Invoice total amount with VAT") for words in said), said
    assert len(said) == len({words.partition(":")[0] for words in said})
    assert "schema_violated" in {finding.code for finding in found.findings}


async def test_an_e_invoice_is_read_where_its_rules_cannot_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tight = Limits(memory=64 * 1024 * 1024, reserving=True)
    monkeypatch.setattr("services.documents.analysts._LIMITS_OF_CHECKER", tight)
    found = await converted(UBL, tmp_path)
    assert values(found)["invoice_number"][:2] == ("R-4711", "e_invoice")
    assert [finding.code for finding in found.findings] == ["rules_not_checked"]


def test_without_saxon_the_schema_is_checked_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = tmp_path / "invoice.xml"
    invoice.write_bytes(UBL.replace(b"119.00</b:TaxInclusiveAmount>", b"120.00</b:TaxInclusiveAmount>"))
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "saxonche" else found(name, *rest)
    )
    codes = [finding["code"] for finding in RulesChecker(str(invoice)).check()]
    assert codes == ["schema_violated", "rules_not_checked"]


async def test_a_photographed_qr_bill_is_read(tmp_path: Path) -> None:
    code = zxingcpp.create_barcode("\n".join(QR_BILL), zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    page = Image.new("L", (1240, 1754), 255)
    page.paste(Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=5)), (100, 1000))
    target = io.BytesIO()
    page.save(target, "PDF", resolution=150)
    found = await analysed(target.getvalue(), tmp_path)
    assert found.source == "qr_bill"
    assert values(found)["iban"] == ("CH4431999123000889012", "qr_bill", "certain")
    amount = next(field for field in found.fields if field.name == "payable_amount")
    assert amount.box is not None
    assert 48 < amount.box[0] < amount.box[2] < 350


async def test_a_letter_is_no_invoice(tmp_path: Path) -> None:
    found = await analysed(typed_pdf("Mietvertrag über Büroräume"), tmp_path)
    assert found.kind is None
    assert found.reason == (
        "it has no e-invoice inside and no payment code, and calls itself 'Mietvertrag über Büroräume'"
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (ENTITIES, "e_invoice_unsafe"),
        (OUTSIDE, "e_invoice_unsafe"),
        (UBL[:-40], "e_invoice_broken"),
        (b"\x00" * 11_000_000, "e_invoice_unreadable"),
    ],
    ids=["entities", "outside", "cut", "huge"],
)
async def test_a_hostile_embedded_file_is_a_finding_and_the_text_is_read(
    data: bytes, code: str, tmp_path: Path
) -> None:
    found = await analysed(with_attachments(lines_pdf(*INVOICE), {"factur-x.xml": data}), tmp_path)
    assert [finding.code for finding in found.findings] == [code]
    assert values(found)["gross_amount"] == ("1190.00", "text", "certain")


async def test_a_broken_file_is_refused_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError) as caught:
        await analysed(b"%PDF-1.7\nnothing", tmp_path)
    assert caught.value.failure.code == "pdf_broken"
