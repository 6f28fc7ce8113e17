"""Layouts of invoices, each a function that writes one. Rules are not made from the held-out ones."""

from collections.abc import Callable
from typing import Final

from tests.corpus.documents.made.content import Content
from tests.corpus.documents.made.paper import A4, LETTER, STYLES, Paper
from tests.corpus.documents.made.parts import (
    bank,
    due_pair,
    heading,
    meta,
    parties,
    registration,
    table,
    terms,
    totals,
)

Layout = Callable[[Content], bytes]


def _paper(c: Content, size: tuple[float, float] = A4) -> Paper:
    return Paper(size, c.random.choice(STYLES))


def write_items(p: Paper, c: Content, y: float, left: float, right: float) -> float:
    heads, rows = table(c)
    columns = (left, right - 190, right - 100, right)
    for row, bold in ((heads, True), *((row, False) for row in rows)):
        p.write(columns[0], y, row[0], bold=bold)
        for x, text in zip(columns[1:], row[1:], strict=True):
            p.write(x, y, text, bold=bold, right=True)
        y += p.style.size * 1.6
    p.rule(left, y, right)
    return y + 8


def write_totals(p: Paper, c: Content, y: float, left: float, right: float, *, code: bool = False) -> float:
    pairs = totals(c, code=code or c.currency_form == "column")
    for at, (label, text) in enumerate(pairs):
        p.write(left, y, label, bold=at == len(pairs) - 1)
        y = p.write(right, y, text, right=True, bold=at == len(pairs) - 1) + 2
    return y


def _no_vat(c: Content) -> list[str]:
    return [c.phrase("no_vat")] if c.vat == "none" else []


def letter_left(c: Content) -> bytes:
    """DIN 5008: address window at the left, `label: value` at the right, bank details in footer columns."""
    p = _paper(c)
    parties(c)
    p.write(60, 50, c.issuer, size=14, bold=True)
    p.write(60, 130, ", ".join([c.issuer, *c.issuer_lines]), size=7)
    p.lines(60, 145, [c.recipient, *c.recipient_lines])
    y = 145.0
    for label, value in meta(c):
        y = p.write(350, y, f"{label}: {value}")
    p.write(60, 260, heading(c), size=14, bold=True)
    y = p.write(60, 290, c.phrase("intro"))
    y = write_items(p, c, y + 15, 60, 540)
    y = write_totals(p, c, y, 340, 540)
    y = p.lines(60, y + 20, [*_no_vat(c), *terms(c), "", c.phrase("thanks")])
    p.lines(60, 770, [c.issuer, *c.issuer_lines], size=7)
    p.lines(230, 770, bank(c), size=7)
    p.lines(410, 770, registration(c), size=7)
    return p.pdf()


def letter_right(c: Content) -> bytes:
    """Swiss window at the right; label and value in two columns at the left; title with the number."""
    p = _paper(c)
    parties(c)
    p.lines(60, 50, [c.issuer, *c.issuer_lines, *registration(c)])
    p.lines(340, 140, [c.recipient, *c.recipient_lines])
    c.says("invoice_number", c.number)
    p.write(60, 250, f"{heading(c)} {c.number}", size=14, bold=True)
    y = 280.0
    for label, value in meta(c, number=False):
        p.write(60, y, label)
        y = p.write(190, y, value)
    y = write_items(p, c, y + 20, 60, 540)
    y = write_totals(p, c, y, 330, 540, code=True)
    p.lines(60, y + 20, [*_no_vat(c), *terms(c), *bank(c)])
    return p.pdf()


def boxed(c: Content) -> bytes:
    """A box of cells with labels above values; the totals in a box too."""
    p = _paper(c)
    parties(c)
    p.write(40, 40, c.issuer, size=16, bold=True)
    p.lines(40, 62, [", ".join(c.issuer_lines), *registration(c)], size=8)
    p.write(400, 40, heading(c), size=18, bold=True)
    p.write(40, 130, c.label("bill_to"), bold=True)
    p.lines(40, 146, [c.recipient, *c.recipient_lines])
    pairs = meta(c, sure=True)[:5]
    if not any(value == c.date(c.due) for _, value in pairs):
        pairs = [*pairs[:4], due_pair(c)]
    for field, value in (("customer_number", c.customer), ("order_number", c.order)):
        if not any(shown == value for _, shown in pairs):
            c.truth.pop(field, None)
    if not any(shown == c.date(c.issued) for _, shown in pairs):
        pairs[1] = (c.label("date"), c.date(c.issued))
        for field, value in (("customer_number", c.customer), ("order_number", c.order)):
            if not any(shown == value for _, shown in pairs):
                c.truth.pop(field, None)
    width = 515 / len(pairs)
    for at, (label, value) in enumerate(pairs):
        p.box(40 + at * width, 230, width, 34)
        p.write(44 + at * width, 233, label, size=7, bold=True)
        p.write(44 + at * width, 246, value, size=9)
    y = write_items(p, c, 290, 40, 555)
    pairs = totals(c, code=c.currency_form == "column")
    width = 515 / len(pairs)
    for at, (label, value) in enumerate(pairs):
        p.box(40 + at * width, y + 10, width, 34)
        p.write(44 + at * width, y + 13, label, size=7, bold=True)
        p.write(36 + (at + 1) * width, y + 26, value, size=9, right=True)
    p.lines(40, y + 70, [*_no_vat(c), *terms(c), *bank(c)])
    return p.pdf()


def american(c: Content) -> bytes:
    """Big title, `Bill To` and `Ship To` side by side, a table of meta data, a balance at the end."""
    p = _paper(c, LETTER if c.locale.country == "US" else A4)
    parties(c)
    p.write(45, 40, c.issuer, size=15, bold=True)
    p.lines(45, 62, [*c.issuer_lines, *registration(c)], size=9)
    p.write(p.width - 45, 38, heading(c).upper(), size=22, right=True)
    y = 75.0
    for label, value in meta(c):
        p.write(430, y, label, bold=True, right=True)
        y = p.write(p.width - 45, y, value, right=True) + 1
    y = max(y, 170)
    p.write(45, y, c.label("bill_to"), bold=True)
    p.write(250, y, c.label("ship_to"), bold=True)
    p.lines(45, y + 15, [c.recipient, *c.recipient_lines])
    p.lines(250, y + 15, ["Warehouse 4", *c.recipient_lines[-2:]])
    y = write_items(p, c, y + 90, 45, p.width - 45)
    y = write_totals(p, c, y, p.width - 240, p.width - 45)
    p.lines(45, y + 25, [*_no_vat(c), *terms(c), *bank(c)])
    return p.pdf()


def shop_order(c: Content) -> bytes:
    """An online shop: a sentence as title, one column, labels and values in running lines."""
    p = _paper(c)
    parties(c, recipient=False)
    c.says("invoice_number", c.number)
    c.says("invoice_date", c.issued.isoformat())
    title = c.phrase("title_sentence", number=c.number, date=c.date(c.issued))
    if c.credit:
        # No shop sends its invoice's sentence with a credit note.
        title = f"{heading(c)} {c.number}, {c.date(c.issued)}"
    y = p.write(50, 40, title, size=15, bold=True)
    y = p.lines(50, y + 5, [f"{c.issuer} - {' - '.join(c.issuer_lines)}"], size=8)
    y = p.lines(50, y + 15, [c.recipient, *c.recipient_lines])
    if c.random.random() < 0.6:
        c.says("order_number", c.order)
        y = p.write(
            50,
            y + 10,
            f"{c.label('order')}: {c.order}    {c.label('order_date')}: {c.date(c.issued.replace(day=1))}",
        )
    y = write_items(p, c, y + 15, 50, 545)
    y = write_totals(p, c, y, 50, 545)
    p.lines(50, y + 20, [*_no_vat(c), *terms(c), *bank(c), *registration(c)])
    return p.pdf()


def utility(c: Content) -> bytes:
    """Electricity or telephone: a balance from before that was paid, an own box with sum and due date."""
    p = _paper(c)
    parties(c)
    p.lines(50, 40, [c.issuer, *c.issuer_lines])
    p.lines(50, 120, [c.recipient, *c.recipient_lines])
    pairs = meta(c, sure=True)
    for at, (label, value) in enumerate(pairs):
        p.write(330, 120 + at * 15, label)
        p.write(545, 120 + at * 15, value, right=True)
    p.write(50, 240, heading(c), size=14, bold=True)
    y = p.write(50, 265, c.label("previous"))
    p.write(545, y - p.style.size * 1.35, c.money(c.gross + 17), right=True)
    y = write_items(p, c, y + 15, 50, 545)
    y = write_totals(p, c, y, 300, 545)
    p.lines(50, y + 20, [*_no_vat(c), *bank(c), *registration(c), *terms(c)])
    return p.pdf()


def tax_table(c: Content) -> bytes:
    """A table of rates with base, VAT and sum before the total."""
    p = _paper(c)
    parties(c)
    p.write(545, 40, c.issuer, size=13, bold=True, right=True)
    p.lines(545, 60, [*c.issuer_lines, *registration(c)], right=True, size=8)
    p.write(50, 130, c.label("bill_to"), size=8)
    p.lines(50, 143, [c.recipient, *c.recipient_lines])
    c.says("invoice_number", c.number)
    c.says("invoice_date", c.issued.isoformat())
    p.write(50, 225, f"{heading(c)}  {c.number}", size=13, bold=True)
    p.write(400, 225, f"{c.label('date')} {c.date(c.issued)}")
    y = write_items(p, c, 260, 50, 545)
    if c.vat == "excluded":
        short = {"de": "MwSt.", "fr": "TVA", "it": "IVA", "en": "VAT"}[c.locale.language]
        for x, head in zip((60, 180, 300, 420), ("%", c.label("net"), short, c.label("gross")), strict=True):
            p.write(x, y, head, size=8, bold=True)
        y += 14
        for rate in c.rates:
            base, share = c.base_of(rate), c.vat_of(rate)
            for x, text in zip(
                (60, 180, 300, 420),
                (f"{c.rate(rate)} %", c.plain(base), c.plain(share), c.plain(base + share)),
                strict=True,
            ):
                p.write(x, y, text, size=8)
            y += 12
    y = write_totals(p, c, y + 10, 330, 545, code=True)
    p.lines(50, y + 15, [*_no_vat(c), *terms(c)])
    p.lines(50, 760, [*bank(c)], size=8)
    return p.pdf()


def two_columns(c: Content) -> bytes:
    """Issuer left, recipient right, label and value in two blocks side by side below."""
    p = _paper(c)
    parties(c)
    p.write(50, 40, heading(c), size=20, bold=True)
    p.lines(50, 75, [c.issuer, *c.issuer_lines, *registration(c)])
    p.write(320, 75, c.label("bill_to"), bold=True)
    p.lines(320, 90, [c.recipient, *c.recipient_lines])
    pairs = meta(c, sure=True)
    half = (len(pairs) + 1) // 2
    for at, (label, value) in enumerate(pairs):
        x, y = (50.0 if at < half else 320.0), 190.0 + (at % half) * 16
        p.write(x, y, label, size=9)
        p.write(x + 130, y, value, size=9, bold=True)
    y = write_items(p, c, 270, 50, 545)
    y = write_totals(p, c, y, 320, 545)
    p.lines(50, y + 20, [*_no_vat(c), *terms(c)])
    p.lines(50, 760, [" | ".join([c.issuer, *bank(c)])], size=7)
    return p.pdf()


def carried_over(c: Content) -> bytes:
    """Several pages with a sum at the end of each that is carried to the next."""
    p = _paper(c)
    parties(c)
    c.items = [*c.items, *c.items][:8]
    p.lines(60, 40, [c.issuer, *c.issuer_lines], size=9)
    p.lines(60, 130, [c.recipient, *c.recipient_lines])
    y = 130.0
    for label, value in meta(c):
        p.write(360, y, label)
        y = p.write(545, y, value, right=True)
    p.write(60, 240, heading(c), size=14, bold=True)
    _, rows = table(c)
    running = c.gross * 0
    y = 270.0
    carried = c.label("subtotal_page")
    for at, (row, item) in enumerate(zip(rows, c.items, strict=True)):
        if at == len(rows) // 2 and at:
            p.write(60, 760, carried)
            p.write(545, 760, c.plain(running), right=True)
            p.turn_page()
            p.write(60, 40, f"{c.issuer}    {c.label('page')} 2", size=8)
            p.write(60, 70, carried)
            p.write(545, 70, c.plain(running), right=True)
            y = 90.0
        for x, text, right in zip((60, 360, 450, 545), row, (False, True, True, True), strict=True):
            p.write(x, y, text, right=right)
        y += 18
        running += item.amount
    p.rule(60, y, 545)
    y = write_totals(p, c, y + 8, 340, 545)
    p.lines(60, y + 20, [*_no_vat(c), *terms(c), *bank(c), *registration(c)])
    return p.pdf()


def prose(c: Content) -> bytes:
    """A letter of a freelancer: no table, the sums in lines with dots."""
    p = _paper(c)
    parties(c)
    p.lines(70, 60, [c.issuer, *c.issuer_lines])
    p.lines(70, 150, [c.recipient, *c.recipient_lines])
    c.says("invoice_date", c.issued.isoformat())
    town = c.issuer_lines[-1].split(" ", 1)[-1].split(",")[0]
    p.write(540, 230, f"{town}, {c.date(c.issued)}", right=True)
    c.says("invoice_number", c.number)
    y = p.write(
        70,
        270,
        f"{heading(c)} {c.label('number').split()[-1] if c.random.random() < 0.3 else ''} {c.number}".replace(
            "  ", " "
        ),
        size=12,
        bold=True,
    )
    y = p.write(70, y + 20, c.phrase("intro"))
    for item in c.items:
        y = p.write(90, y + 4, f"- {item.quantity} x {item.name}: {c.money(item.amount)}")
    for label, text in totals(c, code=c.currency_form == "column"):
        dots = "." * max(3, 60 - len(label) - len(text))
        y = p.write(90, y + 4, f"{label} {dots} {text}")
    p.lines(
        70, y + 30, [*_no_vat(c), *terms(c), *bank(c), *registration(c), "", c.phrase("thanks"), "", c.issuer]
    )
    return p.pdf()


def side_bar(c: Content) -> bytes:
    """Everything about the issuer in a narrow column at the right, the invoice beside it."""
    p = _paper(c)
    parties(c)
    p.write(430, 50, c.issuer, size=11, bold=True)
    p.lines(430, 68, [*c.issuer_lines, "", *registration(c)], size=7)
    p.write(430, 190, c.label("bank"), size=7, bold=True)
    p.lines(430, 202, bank(c), size=6)
    y = 230.0
    for label, value in meta(c):
        y = p.write(430, y, label, size=7, bold=True)
        y = p.write(430, y, value, size=9) + 5
    p.lines(50, 120, [c.recipient, *c.recipient_lines])
    p.write(50, 220, heading(c), size=16, bold=True)
    y = write_items(p, c, 260, 50, 405)
    y = write_totals(p, c, y, 200, 405)
    p.lines(50, y + 20, [*_no_vat(c), *terms(c)])
    return p.pdf()


def dense_form(c: Content) -> bytes:
    """Small print, a header of two rows of cells, totals at the left of a box with the sum to pay."""
    p = _paper(c)
    parties(c)
    p.lines(40, 30, [c.issuer, " · ".join([*c.issuer_lines, *registration(c)])], size=7)
    p.write(40, 75, f"{c.label('bill_to')}:", size=8)
    p.lines(120, 75, [c.recipient, *c.recipient_lines], size=8)
    p.write(360, 75, heading(c), size=13, bold=True)
    pairs = meta(c, sure=True)
    for at, (label, value) in enumerate(pairs):
        x, y = 40.0 + (at % 4) * 130, 150.0 + (at // 4) * 32
        p.write(x, y, f"{label}:", size=6.5)
        p.write(x, y + 10, value, size=8)
    y = write_items(p, c, 240, 40, 555)
    y = write_totals(p, c, y, 40, 250)
    p.lines(300, y - 40, [*_no_vat(c), *terms(c)], size=7)
    p.lines(40, 790, ["  ".join(bank(c))], size=7)
    return p.pdf()


#: Layouts that rules may be tuned on, and those that are held out.
TUNED: Final[tuple[Layout, ...]] = (
    letter_left, letter_right, boxed, american, shop_order, utility, tax_table,
)  # fmt: skip
HELD_OUT: Final[tuple[Layout, ...]] = (two_columns, carried_over, prose, side_bar, dense_form)
