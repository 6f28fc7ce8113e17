"""Everyday papers of an office: letters, a contract, a slip, a fax. Everybody named in them is invented."""

import io
from pathlib import Path

import pikepdf
from paper import add_image_page, grain, photograph, save, scanned, typeset, write_text
from PIL import Image, ImageChops, ImageFilter

# --- what the documents say (one string a line, "" for space between paragraphs) -----------------------

INVOICE_SCAN = [
    "# Sonnhalde Papeterie GmbH",
    "Lindenweg 14, 79999 Oberwiesen",
    "",
    "Kern & Wälti Treuhand AG",
    "Bahnhofstrasse 3",
    "9999 Musterlingen",
    "",
    "# Rechnung Nr. 2026-0417",
    "Rechnungsdatum: 12. März 2026",
    "Zahlbar bis: 11. April 2026",
    "",
    "Sehr geehrte Damen und Herren",
    "Für die Lieferung vom 9. März stellen wir Ihnen folgende Artikel in Rechnung:",
    "",
    "12 Ordner A4, grün, Rücken 7 cm                          46.80",
    "40 Hängeregister mit Reiter                              58.00",
    "5 Kartons Kopierpapier 80 g, weiss                      112.50",
    "Lieferung und Verpackung                                  9.90",
    "",
    "Zwischensumme                                           227.20",
    "Mehrwertsteuer 8.1 %                                     18.40",
    "# Total CHF                                             245.60",
    "",
    "Bitte überweisen Sie den Betrag innert 30 Tagen ohne Abzug.",
    "Über Rückfragen freut sich Frau Jürgens unter der Nummer 099 555 01 20.",
    "",
    "Note for our customers abroad: please pay the full amount in Swiss francs",
    "and quote the invoice number. Goods remain our property until paid.",
    "Thank you for your order and for working with us.",
]

OFFER_TEXT = [
    "# Harbour Light Instruments Ltd",
    "7 Quayside Row, Eastmouth",
    "",
    "# Offer 5530 for Kern & Wälti Treuhand AG",
    "Date: 2 February 2026, valid until 31 March 2026",
    "",
    "We thank you for your enquiry and are pleased to offer:",
    "",
    "2 document scanners, duplex, 60 pages a minute         1,180.00",
    "1 maintenance contract, three years                      420.00",
    "Training on site, half a day                             350.00",
    "# Total EUR, without value added tax                   1,950.00",
    "",
    "Delivery within three weeks after your order.",
    "Payment: thirty days net.",
]

CONTRACT = [
    [
        "# Mietvertrag über Büroräume",
        "zwischen Immobilien Talblick AG (Vermieterin)",
        "und Kern & Wälti Treuhand AG (Mieterin)",
        "",
        "1. Gegenstand: Büro im zweiten Obergeschoss, Gartenstrasse 8, 112 m2.",
        "2. Beginn: 1. Mai 2026. Dauer: fünf Jahre, danach unbefristet.",
        "3. Miete: CHF 2'340.00 im Monat, zahlbar im Voraus.",
    ],
    [
        "# Anhang A: Übergabeprotokoll",
        "Die Räume wurden am 30. April 2026 besichtigt.",
        "",
        "Wände: frisch gestrichen, keine Mängel.",
        "Böden: Parkett geölt, zwei Kratzer bei der Tür zum Archiv.",
        "Fenster: dicht, ein Griff im Sitzungszimmer ist lose.",
        "Schlüssel: sechs Stück übergeben, Nummern 401 bis 406.",
        "",
        "Die Vermieterin ersetzt den losen Griff bis Mitte Mai.",
        "Für die Richtigkeit zeichnen beide Parteien.",
    ],
    [
        "# Annex B: House rules (English translation)",
        "The front door is locked from seven in the evening.",
        "Waste paper is collected every second Tuesday.",
        "Bicycles are kept in the yard, not in the corridor.",
    ],
]

RECEIPT_PHOTO = [
    "# Café Morgenröte",
    "Seestrasse 21, Musterlingen",
    "",
    "Beleg 88231          14.05.2026 09:42",
    "",
    "2 Kaffee crème                   9.00",
    "1 Gipfeli                        1.80",
    "1 Früchtekuchen                  6.50",
    "",
    "# Summe CHF                     17.30",
    "Inkl. 8.1 % MwSt.                1.30",
    "Bezahlt mit Karte",
    "",
    "Vielen Dank für Ihren Besuch!",
]

FAX = [
    [
        "# FAX",
        "From: Harbour Light Instruments Ltd",
        "To: Kern & Wälti Treuhand AG",
        "Subject: Delivery date of order 5530",
        "",
        "Dear Ms Brunner,",
        "the two scanners leave our warehouse on Monday and should reach you",
        "before the end of the week. The carrier will call the day before.",
        "Please check the parcels in his presence and note any damage.",
    ],
    [
        "# Lieferschein 90412",
        "Scanner HL-60, Seriennummern 0047113 und 0047118",
        "Zubehör: zwei Netzkabel, ein Satz Ersatzrollen",
        "Gesamtgewicht: 14,2 kg, zwei Pakete",
        "Empfangen am Montag, 16. Februar 2026",
    ],
]


def make_scanned_invoice(folder: Path) -> None:
    path = folder / "invoice-scanned.pdf"
    page = photograph(typeset([INVOICE_SCAN]), 0, 300)
    pdf = pikepdf.new()
    add_image_page(pdf, scanned(page, degrees=1.1, strength=34, seed=1), dpi=300, quality=38)
    save(pdf, path)
    write_text(path, [INVOICE_SCAN])


def make_text_layer_offer(folder: Path) -> None:
    path = folder / "offer-with-text-layer.pdf"
    path.write_bytes(typeset([OFFER_TEXT]))
    write_text(path, [OFFER_TEXT])


def make_mixed_contract(folder: Path) -> None:
    path = folder / "contract-mixed.pdf"
    source = typeset(CONTRACT, size=12)
    with pikepdf.open(io.BytesIO(source)) as typed:
        pdf = pikepdf.new()
        pdf.pages.append(typed.pages[0])
        annex = scanned(photograph(source, 1, 200), degrees=-0.7, strength=26, seed=2)
        add_image_page(pdf, annex, dpi=200, quality=45)
        pdf.pages.append(typed.pages[2])
        save(pdf, path)
    write_text(path, CONTRACT)


def make_receipt_photo(folder: Path) -> None:
    """A slip of paper on a dark table, under a lamp from the left, not quite from above."""
    path = folder / "receipt-photo.jpg"
    slip = photograph(typeset([RECEIPT_PHOTO], size=17), 0, 150).crop((60, 80, 1240, 980))
    width, height = slip.size
    table = Image.new("L", (width + 220, height + 220), 62)
    table.paste(slip.point(lambda level: 40 + level * 205 // 255), (110, 110))
    tilted = table.transform(
        table.size, Image.Transform.PERSPECTIVE,
        (1.01, 0.012, -14.0, -0.006, 1.015, -4.0, 0.000012, 0.000016), Image.Resampling.BICUBIC, fillcolor=62,
    )  # fmt: skip
    light = Image.linear_gradient("L").rotate(90).resize(tilted.size).point(lambda level: 168 + level // 3)
    gray = ImageChops.add(
        ImageChops.multiply(tilted, light).filter(ImageFilter.GaussianBlur(0.7)),
        grain(tilted.size, 22, 3),
        offset=-128,
    )
    warm = Image.merge(
        "RGB", (gray, gray.point(lambda v: v * 96 // 100), gray.point(lambda v: v * 86 // 100))
    )
    warm.save(path, "JPEG", quality=68, optimize=True)
    write_text(path, [RECEIPT_PHOTO])


def make_two_page_fax(folder: Path) -> None:
    path = folder / "fax-two-pages.tif"
    source = typeset(FAX, size=13)
    pages = [
        scanned(photograph(source, number, 200), degrees=0.4, strength=40, seed=4 + number)
        .point(lambda level: 255 if level > 140 else 0)
        .convert("1", dither=Image.Dither.NONE)
        for number in range(len(FAX))
    ]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:], compression="group4", dpi=(200, 200))
    write_text(path, FAX)
