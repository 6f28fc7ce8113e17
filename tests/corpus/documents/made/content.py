"""What a made invoice says, and the truth about it: everything from one seed."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from stdnum import iban as iban_check
from stdnum.ch import esr, uid
from stdnum.eu import vat

from tests.corpus.documents.made.locales import LOCALES, MONTHS, Locale

CENT = Decimal("0.01")


@dataclass
class Item:
    name: str
    quantity: int
    price: Decimal
    rate: str

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.price


@dataclass
class Content:
    """One invoice: what it says in its own words, and `truth` as the product should report it."""

    seed: int
    random: random.Random
    locale: Locale
    #: Whether labels come from the held-out wordings.
    held_out: bool
    issuer: str
    issuer_lines: list[str]
    recipient: str
    recipient_lines: list[str]
    number: str
    issued: date
    due: date
    days: int
    customer: str
    order: str
    items: list[Item]
    credit: bool
    #: `excluded`, `included` in the prices, or `none`.
    vat: str
    discount: Decimal
    shipping: Decimal
    vat_id: str
    iban: str
    reference: str
    date_form: str
    grouping: str
    currency_form: str
    truth: dict[str, str] = field(default_factory=dict)

    def label(self, key: str) -> str:
        tuned, held_out = self.locale.labels[key]
        return self.random.choice(held_out if self.held_out else tuned)

    def phrase(self, key: str, **values: object) -> str:
        tuned, held_out = self.locale.phrases[key]
        return self.random.choice(held_out if self.held_out else tuned).format(**values)

    def says(self, name: str, value: str) -> None:
        """The document shows this field."""
        self.truth[name] = value

    def date(self, day: date) -> str:
        month = MONTHS[self.locale.language][day.month - 1]
        form = self.date_form
        for token, text in (
            ("YYYY", f"{day:%Y}"), ("YY", f"{day:%y}"), ("MMMM", "\0"), ("MMM", "\1"), ("MM", f"{day:%m}"),
            ("DD", f"{day:%d}"), ("D", str(day.day)),
        ):  # fmt: skip
            form = form.replace(token, text)
        return form.replace("\0", month).replace("\1", month[:3])

    def plain(self, amount: Decimal) -> str:
        """An amount without its currency."""
        whole, _, cents = f"{abs(amount):.2f}".partition(".")
        groups: list[str] = []
        while len(whole) > 3:
            whole, last = whole[:-3], whole[-3:]
            groups.insert(0, last)
        text = f"{self.grouping.join([whole, *groups])}{self.locale.decimal}{cents}"
        return f"-{text}" if amount < 0 else text

    def money(self, amount: Decimal) -> str:
        """An amount with its currency, as this invoice writes it."""
        text, code = self.plain(amount), self.locale.currency
        sign = {"EUR": "€", "GBP": "£", "USD": "$"}.get(code, code)
        match self.currency_form:
            case "before":
                return f"{code} {text}"
            case "Fr.":
                return f"Fr. {text}"
            case "behind":
                return f"{text} {code}"
            case "sign":
                return f"{text} {sign}"
            case "sign_before" | "dollar":
                return f"{sign}{text}"
            case "euro_before":
                return f"€ {text}"
            case _:
                return text

    def rate(self, rate: str) -> str:
        return rate.replace(".", self.locale.decimal)

    @property
    def net(self) -> Decimal:
        return self.gross - self.vat_amount

    @property
    def rates(self) -> list[str]:
        return sorted({item.rate for item in self.items}, key=lambda rate: -_number(rate))

    def vat_of(self, rate: str) -> Decimal:
        base = sum((item.amount for item in self.items if item.rate == rate), Decimal(0))
        if rate == self.rates[0]:
            base += self.shipping - self.discount
        return _vat(base, rate, self.vat)

    def base_of(self, rate: str) -> Decimal:
        base = sum((item.amount for item in self.items if item.rate == rate), Decimal(0))
        if rate == self.rates[0]:
            base += self.shipping - self.discount
        return base - (self.vat_of(rate) if self.vat == "included" else 0)

    @property
    def vat_amount(self) -> Decimal:
        return sum((self.vat_of(rate) for rate in self.rates), Decimal(0))

    @property
    def gross(self) -> Decimal:
        total = sum((item.amount for item in self.items), Decimal(0)) + self.shipping - self.discount
        return total + (self.vat_amount if self.vat == "excluded" else 0)


def _number(rate: str) -> Decimal:
    return Decimal(rate.replace(",", "."))


def _vat(base: Decimal, rate: str, kind: str) -> Decimal:
    share = _number(rate) / 100
    if kind == "none":
        return Decimal(0)
    amount = base * share if kind == "excluded" else base - base / (1 + share)
    return amount.quantize(CENT, ROUND_HALF_UP)


def made_content(seed: int, *, held_out: bool, locale: Locale | None = None) -> Content:
    chance = random.Random(seed)
    places = [one for one in LOCALES if held_out or not one.held_out]
    place = locale or chance.choice(places)
    issuer, recipient = chance.sample(place.firms, 2)
    person = chance.choice(place.people)
    streets, towns = [chance.choice(place.streets) for _ in "ab"], [chance.choice(place.towns) for _ in "ab"]
    issued = date(2026, 1, 3) + timedelta(days=chance.randrange(280))
    days = chance.choice([10, 14, 20, 30, 30, 60])
    several = chance.random() < 0.25 and len(place.rates) > 1
    items = [
        Item(
            chance.choice(place.items), chance.choice([1, 1, 2, 3, 5, 12]),
            Decimal(chance.randrange(500, 90_000)) / 100 * chance.choice([1, 1, 1, 4]),
            chance.choice(place.rates[:2]) if several else place.rates[0],
        )
        for _ in range(chance.randrange(1, 6))
    ]  # fmt: skip
    at = chance.randrange(10, 9999)
    forms = [
        f"{issued:%Y}-{at:04}",
        f"RE{at + 10_000}",
        f"{at * 97 + 100_000}",
        f"INV-{at}",
        f"{issued:%y}/{at}",
    ]
    number = chance.choice([*forms, f"F{issued:%Y%m}{at}"])
    kind = chance.choices(["excluded", "included", "none"], [75, 15, 10])[0]
    return Content(
        seed=seed, random=chance, locale=place, held_out=held_out, issuer=issuer,
        issuer_lines=[streets[0], towns[0]], recipient=recipient,
        recipient_lines=[*([person] if chance.random() < 0.5 else []), streets[1], towns[1]],
        number=number, issued=issued, due=issued + timedelta(days=days), days=days,
        customer=chance.choice([f"{chance.randrange(1000, 99_999)}", f"K-{chance.randrange(100, 9999)}"]),
        order=chance.choice([f"B{at * 3}", f"{40_000 + at}-{at % 9}", f"PO-{at % 900 + 100}"]),
        items=items, credit=chance.random() < 0.06, vat=kind,
        discount=Decimal(chance.randrange(100, 500)) / 100 if chance.random() < 0.2 else Decimal(0),
        shipping=Decimal(chance.choice(["9.50", "12.00", "4.90"])) if chance.random() < 0.3 else Decimal(0),
        vat_id=_vat_id(chance, place.country), iban=_iban(chance, place.country),
        reference=_reference(chance) if place.country == "CH" else "", date_form=chance.choice(place.dates),
        grouping=chance.choice(place.thousands), currency_form=chance.choice(place.currency_forms),
    )  # fmt: skip


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _vat_id(chance: random.Random, country: str) -> str:
    """A valid one: made up until its check digits are right."""
    while True:
        match country:
            case "CH":
                found = f"CHE{chance.choice('123456789')}{_digits(chance, 8)}"
                if uid.is_valid(found):
                    return found
                continue
            case "US":
                return ""
            case "GB":
                from stdnum.gb import vat as british

                found = _digits(chance, 9)
                if british.is_valid(found):
                    return f"GB{found}"
                continue
            case "AT":
                found = f"ATU{_digits(chance, 8)}"
            case "FR":
                found = f"FR{_digits(chance, 11)}"
                siren = found[4:]
                found = f"FR{(12 + 3 * (int(siren) % 97)) % 97:02}{siren}"
            case "IT":
                found = f"IT0{_digits(chance, 10)}"
            case _:
                found = f"DE{chance.choice('123456789')}{_digits(chance, 8)}"
        if vat.is_valid(found):
            return found


def _iban(chance: random.Random, country: str) -> str:
    if country == "US":
        return ""
    shapes = {
        "CH": lambda: f"{chance.randrange(8000, 9000):05}{_digits(chance, 12)}",
        "DE": lambda: _digits(chance, 18),
        "AT": lambda: _digits(chance, 16),
        "FR": lambda: _digits(chance, 23),
        "IT": lambda: f"{chance.choice('ABCXYZ')}{_digits(chance, 22)}",
        "GB": lambda: f"NWBK{_digits(chance, 14)}",
    }
    account = shapes[country]()
    return f"{country}{iban_check.calc_check_digits(f'{country}00{account}')}{account}"


def _reference(chance: random.Random) -> str:
    digits = _digits(chance, 26)
    return digits + esr.calc_check_digit(digits)


def spaced(iban: str) -> str:
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))


def written_vat_id(content: Content) -> str:
    """As its country writes it."""
    value = content.vat_id
    if content.locale.country == "CH":
        ending = {"de": "MWST", "fr": "TVA", "it": "IVA"}[content.locale.language]
        return f"CHE-{value[3:6]}.{value[6:9]}.{value[9:]} {ending}"
    if content.locale.country == "GB":
        return f"GB {value[2:5]} {value[5:9]} {value[9:]}"
    if content.locale.country == "FR":
        return f"FR {value[2:4]} {value[4:7]} {value[7:10]} {value[10:]}"
    return value
