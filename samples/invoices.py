"""Invoices as they arrive: a scanned Swiss QR-bill, a ZUGFeRD PDF, an e-mail with a QR-bill attached.

Everybody named in them is invented; accounts, references and VAT ids have valid check digits and belong to
nobody. QR-bill: Swiss Implementation Guidelines QR-bill 2.3. ZUGFeRD: 2.3, profile EN 16931.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import pikepdf
import typst
import zxingcpp
from paper import add_image_page, photograph, save, scanned
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    street: str
    building: str
    postal_code: str
    town: str
    country: str = "CH"

    @property
    def lines(self) -> list[str]:
        return [self.name, f"{self.street} {self.building}", f"{self.postal_code} {self.town}"]

    @property
    def in_code(self) -> list[str]:
        """As a QR-bill spells a structured address (type S)."""
        return ["S", self.name, self.street, self.building, self.postal_code, self.town, self.country]


@dataclass(frozen=True, slots=True)
class QrBill:
    creditor: Party
    debtor: Party
    iban: str
    amount: str
    reference_kind: str
    reference: str
    #: Swico S1 syntax: invoice number, date, UID, VAT, terms.
    billing: str
    #: `de` or `fr`.
    language: str

    @property
    def payload(self) -> str:
        nobody = [""] * 7
        return "\r\n".join(
            [
                "SPC", "0200", "1", self.iban, *self.creditor.in_code, *nobody, self.amount, "CHF",
                *self.debtor.in_code, self.reference_kind, self.reference, "", "EPD", self.billing,
            ]
        )  # fmt: skip


BUYER: Final = Party("Kern & Wälti Treuhand AG", "Bahnhofstrasse", "3", "9999", "Musterlingen")
JOINER: Final = Party("Holzwerk Aebi AG", "Sägestrasse", "12", "3999", "Waldau")
STUDIO: Final = Party("Atelier Fontaine Sàrl", "Rue du Moulin", "5", "1799", "Belmont-sur-Lac")

JOINERS_BILL: Final = QrBill(
    JOINER, BUYER, "CH6230808007654321096", "1286.40", "QRR", "000000000000002026100417005",
    "//S1/10/RE-2026-1041/11/261012/30/114231871/32/8.1/40/0:30", "de",
)  # fmt: skip
STUDIOS_BILL: Final = QrBill(
    STUDIO, BUYER, "CH3000769016020011111", "412.95", "SCOR", "RF272026F0815",
    "//S1/10/2026F0815/11/261019/30/301556201/32/8.1/40/0:30", "fr",
)  # fmt: skip

#: What a payment part calls its parts (Style Guide QR-bill, table of headings).
HEADINGS: Final = {
    "de": {
        "receipt": "Empfangsschein", "payment": "Zahlteil", "account": "Konto / Zahlbar an",
        "reference": "Referenz", "more": "Zusätzliche Informationen", "by": "Zahlbar durch",
        "currency": "Währung", "amount": "Betrag", "point": "Annahmestelle",
    },
    "fr": {
        "receipt": "Récépissé", "payment": "Section paiement", "account": "Compte / Payable à",
        "reference": "Référence", "more": "Informations supplémentaires", "by": "Payable par",
        "currency": "Monnaie", "amount": "Montant", "point": "Point de dépôt",
    },
}  # fmt: skip


def in_groups(value: str, size: int = 4) -> str:
    """`CH62 3080 …`; a QR reference is grouped from its end."""
    if len(value) == 27:
        return f"{value[:2]} " + in_groups(value[2:], 5)
    return " ".join(value[at : at + size] for at in range(0, len(value), size))


def in_thousands(amount: str) -> str:
    """`1 286.40`, as QR-bills print it."""
    return f"{float(amount):,.2f}".replace(",", " ")


def draw_payment_part(canvas: Canvas, bill: QrBill) -> None:
    """Receipt (62 mm) and payment part (148 mm), 105 mm high, at the foot of the page."""
    words = HEADINGS[bill.language]
    canvas.setLineWidth(0.4)
    canvas.setDash(3, 2)
    canvas.line(0, 105 * mm, A4[0], 105 * mm)
    canvas.line(62 * mm, 0, 62 * mm, 105 * mm)
    canvas.setDash()
    account = [in_groups(bill.iban), *bill.creditor.lines]

    def block(x: float, y: float, heading: str, lines: Sequence[str], head: float, body: float) -> float:
        canvas.setFont("Helvetica-Bold", head)
        canvas.drawString(x, y, heading)
        canvas.setFont("Helvetica", body)
        for line in lines:
            y -= body * 1.15
            canvas.drawString(x, y, line)
        return y - body * 2.1

    def money(x: float, head: float, body: float) -> None:
        block(x, 37 * mm, words["currency"], ["CHF"], head, body)
        block(x + 14 * mm, 37 * mm, words["amount"], [in_thousands(bill.amount)], head, body)

    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawString(5 * mm, 97 * mm, words["receipt"])
    canvas.drawString(67 * mm, 97 * mm, words["payment"])
    reference = [in_groups(bill.reference)]
    y = block(5 * mm, 90 * mm, words["account"], account, 6, 8)
    y = block(5 * mm, y, words["reference"], reference, 6, 8)
    block(5 * mm, y, words["by"], bill.debtor.lines, 6, 8)
    money(5 * mm, 6, 8)
    canvas.setFont("Helvetica-Bold", 6)
    canvas.drawRightString(57 * mm, 20 * mm, words["point"])
    y = block(118 * mm, 97 * mm, words["account"], account, 8, 10)
    y = block(118 * mm, y, words["reference"], reference, 8, 10)
    y = block(118 * mm, y, words["more"], [bill.billing[:36], bill.billing[36:]], 8, 10)
    block(118 * mm, y, words["by"], bill.debtor.lines, 8, 10)
    money(67 * mm, 8, 10)
    draw_swiss_code(canvas, 67 * mm, 42 * mm, bill.payload)


def draw_swiss_code(canvas: Canvas, x: float, y: float, payload: str) -> None:
    """The Swiss QR code, 46 mm wide, error correction M, with the cross of 7 mm in its middle."""
    code = zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    modules = memoryview(code.to_image(add_quiet_zones=False))
    height, width = modules.shape
    size = 46 * mm / width
    for row in range(height):
        for column in range(width):
            if not modules[row, column]:
                canvas.rect(x + column * size, y + (height - 1 - row) * size, size, size, stroke=0, fill=1)
    middle_x, middle_y = x + 23 * mm, y + 23 * mm
    for side, gray in ((7.6, 1), (7.0, 0)):
        canvas.setFillGray(gray)
        canvas.rect(
            middle_x - side / 2 * mm, middle_y - side / 2 * mm, side * mm, side * mm, stroke=0, fill=1
        )
    canvas.setFillGray(1)
    canvas.rect(middle_x - 0.65 * mm, middle_y - 2.1 * mm, 1.3 * mm, 4.2 * mm, stroke=0, fill=1)
    canvas.rect(middle_x - 2.1 * mm, middle_y - 0.65 * mm, 4.2 * mm, 1.3 * mm, stroke=0, fill=1)
    canvas.setFillGray(0)


Row = tuple[str, str, str, str]


def draw_letter(
    canvas: Canvas,
    *,
    sender: Sequence[str],
    facts: Sequence[tuple[str, str]],
    title: str,
    columns: Row,
    rows: Sequence[Row],
    sums: Sequence[tuple[str, str]],
    closing: Sequence[str],
) -> None:
    """A Swiss business letter: sender, address in the window, facts, table, sums."""
    right = A4[0] - 22 * mm
    canvas.setFont("Helvetica-Bold", 15)
    canvas.drawString(22 * mm, 277 * mm, sender[0])
    canvas.setFont("Helvetica", 8.5)
    canvas.drawString(22 * mm, 272 * mm, " · ".join(sender[1:]))
    canvas.setLineWidth(0.8)
    canvas.line(22 * mm, 269.5 * mm, right, 269.5 * mm)
    canvas.setFont("Helvetica", 10)
    for at, line in enumerate(BUYER.lines):
        canvas.drawString(118 * mm, (252 - 4.8 * at) * mm, line)
    for at, (name, value) in enumerate(facts):
        canvas.drawString(22 * mm, (252 - 4.8 * at) * mm, name)
        canvas.drawString(58 * mm, (252 - 4.8 * at) * mm, value)
    canvas.setFont("Helvetica-Bold", 12.5)
    canvas.drawString(22 * mm, 218 * mm, title)
    stops = (22 * mm, 122 * mm, 152 * mm, right)
    y = 208 * mm

    def row(cells: Row, font: str) -> None:
        canvas.setFont(font, 9.5)
        canvas.drawString(stops[0], y, cells[0])
        for stop, cell in zip(stops[1:], cells[1:], strict=True):
            canvas.drawRightString(stop, y, cell)

    row(columns, "Helvetica-Bold")
    canvas.line(22 * mm, y - 1.6 * mm, right, y - 1.6 * mm)
    for cells in rows:
        y -= 5.4 * mm
        row(cells, "Helvetica")
    canvas.line(122 * mm, y - 2.2 * mm, right, y - 2.2 * mm)
    y -= 1.6 * mm
    for at, (name, value) in enumerate(sums):
        y -= 5.2 * mm
        canvas.setFont("Helvetica-Bold" if at == len(sums) - 1 else "Helvetica", 9.5)
        canvas.drawString(122 * mm, y, name)
        canvas.drawRightString(right, y, value)
    canvas.setFont("Helvetica", 9.5)
    y -= 4 * mm
    for line in closing:
        y -= 5 * mm
        canvas.drawString(22 * mm, y, line)


def joiners_invoice() -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1)
    draw_letter(
        canvas,
        sender=[*JOINER.lines, "CHE-114.231.871 MWST", "031 555 04 18"],
        facts=[
            ("Rechnungsnummer", "RE-2026-1041"), ("Rechnungsdatum", "12. Oktober 2026"),
            ("Kundennummer", "20417"), ("Zahlbar bis", "11. November 2026"),
        ],
        title="Rechnung für Regale im Archiv",
        columns=("Bezeichnung", "Menge", "Preis", "CHF"),
        rows=[
            ("Regal Fichte, 2.40 m, nach Mass", "4", "235.00", "940.00"),
            ("Montage vor Ort, Stunden", "2.5", "92.00", "230.00"),
            ("Anfahrt", "1", "20.00", "20.00"),
        ],
        sums=[("Total exkl. MWST", "1'190.00"), ("MWST 8.1 %", "96.40"), ("Rechnungsbetrag CHF", "1'286.40")],
        closing=["Wir danken für den Auftrag. Zahlbar innert 30 Tagen netto."],
    )  # fmt: skip
    draw_payment_part(canvas, JOINERS_BILL)
    canvas.save()
    return target.getvalue()


def studios_invoice() -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1)
    draw_letter(
        canvas,
        sender=[*STUDIO.lines, "CHE-301.556.201 TVA"],
        facts=[
            ("Facture n°", "2026F0815"), ("Date de facture", "19 octobre 2026"),
            ("N° client", "KW-77"), ("Échéance", "18 novembre 2026"),
        ],
        title="Facture: brochure d'automne",
        columns=("Désignation", "Quantité", "Prix", "CHF"),
        rows=[
            ("Mise en page, 8 pages", "8", "38.00", "304.00"),
            ("Retouche de photos", "6", "13.00", "78.00"),
        ],
        sums=[("Total hors TVA", "382.00"), ("TVA 8.1 %", "30.95"), ("Total TTC CHF", "412.95")],
        closing=["Payable à 30 jours net. Merci de votre confiance."],
    )  # fmt: skip
    draw_payment_part(canvas, STUDIOS_BILL)
    canvas.save()
    return target.getvalue()


def make_qr_bill_scan(folder: Path) -> None:
    """The joiner's invoice as an office scanner sends it: 300 dpi gray, a little askew, no text layer."""
    page = photograph(joiners_invoice(), 0, 300)
    pdf = pikepdf.new()
    add_image_page(pdf, scanned(page, degrees=-0.6, strength=30, seed=11), dpi=300, quality=36)
    save(pdf, folder / "qr-bill-scanned.pdf")


def make_zugferd(folder: Path) -> None:
    """A PDF/A-3 with its invoice as data inside, as accounting programs send it."""
    source = typst.compile(
        FOLDER / "zugferd" / "invoice.typ", format="pdf", pdf_standards=["a-3b"], ignore_system_fonts=True
    )
    assert isinstance(source, bytes)
    with pikepdf.open(io.BytesIO(source)) as pdf:
        space = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            metadata.register_xml_namespace(space, "fx")
            for name, value in (
                ("DocumentType", "INVOICE"), ("DocumentFileName", "factur-x.xml"), ("Version", "1.0"),
                ("ConformanceLevel", "EN 16931"),
            ):  # fmt: skip
                metadata[f"{{{space}}}{name}"] = value
        save(pdf, folder / "invoice-zugferd.pdf")


def make_mail(folder: Path) -> None:
    """The studio's e-mail with its invoice attached."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Camille Perret <compta@atelier-fontaine.example>"
    mail["To"] = "factures@kern-waelti.example"
    mail["Subject"] = "Facture 2026F0815"
    mail["Date"] = datetime(2026, 10, 19, 9, 24, tzinfo=UTC)
    mail["Message-ID"] = "<20261019092400.815@atelier-fontaine.example>"
    mail.set_content(
        "Bonjour,\n\nVous trouverez ci-joint notre facture pour la brochure d'automne.\n"
        "Merci de la régler d'ici au 18 novembre.\n\nMeilleures salutations\nCamille Perret\n",
        cte="quoted-printable",
    )
    mail.add_attachment(
        studios_invoice(), maintype="application", subtype="pdf", filename="facture-2026F0815.pdf"
    )
    mail.set_boundary("=_atelier-fontaine-20261019")
    (folder / "mail-with-invoice.eml").write_bytes(mail.as_bytes())
