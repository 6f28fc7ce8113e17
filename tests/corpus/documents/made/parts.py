"""The parts of an invoice as pairs of label and text; each part tells the truth about what it shows."""

from datetime import timedelta

from tests.corpus.documents.made.content import Content, spaced, written_vat_id

Pair = tuple[str, str]


def heading(c: Content) -> str:
    return c.label("credit" if c.credit else "title")


def meta(c: Content, *, number: bool = True, sure: bool = False) -> list[Pair]:
    """Number and dates with their labels, and numbers and dates of other things between them.

    `sure`: the due date and the customer's number are among them.
    """
    pairs = []
    if number:
        c.says("invoice_number", c.number)
        pairs.append((c.label("number"), c.number))
    c.says("invoice_date", c.issued.isoformat())
    pairs.append((c.label("date"), c.date(c.issued)))
    if sure or c.random.random() < 0.6:
        c.says("customer_number", c.customer)
        pairs.append((c.label("customer"), c.customer))
    if c.random.random() < 0.4:
        c.says("order_number", c.order)
        pairs.append((c.label("order"), c.order))
    if c.random.random() < 0.35:
        pairs.append((c.label("order_date"), c.date(c.issued - timedelta(days=9))))
    if c.random.random() < 0.35:
        pairs.append((c.label("delivery_date"), c.date(c.issued - timedelta(days=2))))
    if c.random.random() < 0.25:
        pairs.append((c.label("phone"), "+41 44 512 33 10"))
    head, rest = pairs[:1], pairs[1:]
    if c.random.random() < 0.5:
        c.random.shuffle(rest)
    pairs = head + rest
    if sure or c.random.random() < 0.5:
        pairs.append(due_pair(c))
    return pairs


def due_pair(c: Content) -> Pair:
    c.says("due_date", c.due.isoformat())
    return c.label("due"), c.date(c.due)


def terms(c: Content) -> list[str]:
    """Sentences below the totals: when to pay, unless that was said, and days of other things."""
    said = []
    if "due_date" not in c.truth:
        kind = c.random.choice(["terms", "terms", "due_sentence", "discount_terms", "none"])
        if kind != "none":
            c.says("due_date", c.due.isoformat())
            said.append(c.phrase(kind, days=c.days, due=c.date(c.due)))
    if c.random.random() < 0.3:
        said.append(c.phrase("late"))
    return said


def totals(c: Content, *, code: bool = False) -> list[Pair]:
    """The sums from the first to the last, which is what is to be paid."""
    pairs = []
    goods = sum((item.amount for item in c.items), start=c.net * 0)
    if c.discount or c.shipping:
        if c.vat != "excluded" or c.random.random() < 0.5:
            pairs.append(
                (
                    {"de": "Warenwert", "fr": "Total articles", "it": "Totale merce", "en": "Items"}[
                        c.locale.language
                    ],
                    c.money(goods),
                )
            )
        if c.discount:
            pairs.append((c.label("discount"), c.money(-c.discount)))
        if c.shipping:
            pairs.append((c.label("shipping"), c.money(c.shipping)))
    c.says("gross_amount", f"{c.gross:.2f}")
    if c.vat == "excluded":
        c.says("net_amount", f"{c.net:.2f}")
        c.says("vat_amount", f"{c.vat_amount:.2f}")
        pairs.append((c.label("net"), c.money(c.net)))
        pairs += [(vat_label(c, rate), c.money(c.vat_of(rate))) for rate in c.rates]
    last = c.label("gross")
    pairs.append(
        (f"{last} {c.locale.currency}" if code else last, c.plain(c.gross) if code else c.money(c.gross))
    )
    if c.vat == "included" and len(c.rates) == 1:
        c.says("vat_amount", f"{c.vat_amount:.2f}")
        pairs.append((c.phrase("included", rate=c.rate(c.rates[0])), c.money(c.vat_amount)))
    if code or c.currency_form != "column":
        c.says("currency", c.locale.currency)
    return pairs


def vat_label(c: Content, rate: str) -> str:
    tuned, held_out = c.locale.vat_label
    return c.random.choice(held_out if c.held_out else tuned).format(rate=c.rate(rate))


def table(c: Content) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the items."""
    amount = c.label("amount")
    if c.currency_form == "column":
        c.says("currency", c.locale.currency)
        amount = f"{amount} {c.locale.currency}"
    heads = [c.label("item"), c.label("quantity"), c.label("price"), amount]
    rows = [[item.name, str(item.quantity), c.plain(item.price), c.plain(item.amount)] for item in c.items]
    return heads, rows


def bank(c: Content) -> list[str]:
    """Account and bank, as lines."""
    if not c.iban:
        return []
    c.says("iban", c.iban)
    form = c.random.choice(["IBAN: {}", "IBAN {}", "IBAN {}"])
    said = [form.format(spaced(c.iban) if c.random.random() < 0.8 else c.iban)]
    if c.random.random() < 0.5:
        c.says("bic", c.random.choice(["SOLADEST600", "POFICHBEXXX", "BCVLCH2L"]))
        said.append(f"{c.random.choice(['BIC:', 'BIC/SWIFT:', 'BIC'])} {c.truth['bic']}")
    if c.locale.country == "CH" and c.random.random() < 0.3:
        c.says("reference", c.reference)
        r = c.reference
        said.append(f"{c.label('reference')}: {r[:2]} {' '.join(r[at : at + 5] for at in range(2, 27, 5))}")
    return said


def registration(c: Content) -> list[str]:
    said = []
    if c.vat_id and c.vat != "none":
        c.says("issuer_vat_id", c.vat_id)
        said.append(f"{c.label('vat_id')}: {written_vat_id(c)}")
    if c.random.random() < 0.4:
        said.append(f"{c.label('phone')}: 044 512 33 10")
    if c.random.random() < 0.3:
        said.append(
            f"www.{''.join(letter for letter in c.issuer.lower().split()[0] if letter.isalpha())}.example.com"
        )
    return said


def parties(c: Content, *, recipient: bool = True) -> None:
    c.says("issuer_name", c.issuer)
    if recipient:
        c.says("recipient_name", c.recipient)
