"""Which open invoice a payment pays: by our payment id, by a reference, by amount and party. Never by a
guess. Pure.

What fits several invoices is told with all of them and matched to none. A reference finds an invoice
whatever was paid of it; an amount finds it only together with the party, and near its due date if there
are several.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from stdnum import iso11649
from stdnum.ch import esr

from services.integrations.bank.core import Entry, money, signs

#: Days around the due date in which a payment without any reference can belong to an invoice.
_EARLIEST: Final = 60
_LATEST: Final = 120
#: An invoice due so near is the one, if every other is due further away than twice that.
_NEAR: Final = 10
#: Letters and digits from which on an invoice number in a text speaks for itself.
_TELLING: Final = 8
#: Shorter ones are no invoice numbers.
_SHORTEST: Final = 3
#: Words of a text that may form one invoice number, `RE 2026 0815`.
_WORDS: Final = 4
#: Words that say nothing about who somebody is.
_LEGAL_FORMS: Final = frozenset(
    ("AG", "SA", "GMBH", "SARL", "SAGL", "LTD", "LIMITED", "INC", "LLC", "KG", "OHG", "GBR", "EG", "EK", "EV",
     "MBH", "CO", "UND", "AND", "THE", "DER", "DIE", "DAS", "BV", "NV", "SPA", "SRL", "SE", "UG")
)  # fmt: skip


@dataclass(slots=True)
class Payable:
    """An approved invoice that no bank transaction has paid in full yet."""

    document_id: UUID
    invoice_number: str | None
    payee_name: str | None
    iban: str | None
    reference: str | None
    amount: Decimal | None
    currency: str | None
    due_date: date | None
    #: Of earlier partial payments.
    paid: Decimal = Decimal(0)
    #: End-to-end ids under which we ordered its payment.
    payment_ids: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What a person calls it."""
        number = self.invoice_number or str(self.document_id)
        return f"{number} of {self.payee_name}" if self.payee_name else number

    @property
    def open(self) -> Decimal | None:
        return None if self.amount is None else self.amount - self.paid


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that left an account, as far as it says what for."""

    #: Positive.
    amount: Decimal
    currency: str
    #: As it was ordered in another currency.
    instructed: Decimal | None
    instructed_currency: str | None
    booked: date
    payment_id: str | None
    references: Sequence[str]
    documents: Sequence[str]
    text: str
    party: str | None
    party_account: str | None

    def amount_in(self, currency: str | None) -> Decimal | None:
        """What was paid in this currency; None if nobody says."""
        if currency is None or currency == self.currency:
            return self.amount
        return self.instructed if currency == self.instructed_currency else None


@dataclass(frozen=True, slots=True)
class Match:
    """A payment of one invoice."""

    payable: Payable
    #: In the currency of the invoice.
    amount: Decimal
    #: `payment_id`, `reference`, `amount_and_party`.
    by: str

    @property
    def settles(self) -> bool:
        """Whether nothing is left to pay. An invoice without an amount is paid by what names it."""
        return self.payable.open is None or self.amount >= self.payable.open

    @property
    def sentence(self) -> str:
        """`pays INV-7 of Muster AG`, and what is too much or too little."""
        words = f"pays {self.payable.name}"
        currency, left = self.payable.currency, self.payable.open
        if left is not None and self.amount < left:
            return f"{words} in part: {money(left - self.amount)} {currency} are still open"
        if left is not None and self.amount > left:
            return f"{words}, {money(self.amount - left)} {currency} too much"
        return words


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A payment that fits several invoices."""

    by: str
    candidates: tuple[Payable, ...]

    @property
    def sentence(self) -> str:
        names = ", ".join(sorted(one.name for one in self.candidates)[:5])
        more = f" and {len(self.candidates) - 5} more" if len(self.candidates) > 5 else ""
        return f"not matched: by {self.by.replace('_', ' ')} it could pay {names}{more}"


def payments_in(entry: Entry) -> list[Payment | None]:
    """What an entry pays, one for each of its details; None for a detail that pays nothing."""
    if entry.amount >= 0 or entry.reversal:
        return [None] * len(entry.details)
    if not entry.details:
        return [_payment(entry, {}, -entry.amount)]
    found: list[Payment | None] = []
    for detail in entry.details:
        told = detail.get("amount")
        amount = -Decimal(told) if told is not None else (-entry.amount if len(entry.details) == 1 else None)
        pays = amount is not None and amount > 0 and "return_reason" not in detail
        found.append(_payment(entry, detail, amount) if pays and amount is not None else None)
    return found


def _payment(entry: Entry, detail: Mapping[str, Any], amount: Decimal) -> Payment:
    instructed = detail.get("instructed")
    alone = len(entry.details) <= 1
    texts = (
        detail.get("text"),
        detail.get("info"),
        detail.get("customer_ref"),
        entry.text if alone else None,
    )
    return Payment(
        amount=amount,
        currency=detail.get("currency", entry.currency),
        instructed=None if instructed is None else Decimal(instructed),
        instructed_currency=detail.get("instructed_currency"),
        booked=entry.booked,
        payment_id=detail.get("payment_id"),
        references=detail.get("references", ()),
        documents=detail.get("documents", ()),
        text=" ".join(text for text in texts if text),
        party=detail.get("party"),
        party_account=detail.get("party_account"),
    )


class OpenInvoices:
    """The open invoices of one client, found by what a payment says."""

    def __init__(self, payables: Iterable[Payable]) -> None:
        self._by_payment: dict[str, Payable] = {}
        self._by_reference: dict[str, dict[UUID, Payable]] = defaultdict(dict)
        self._by_number: dict[str, dict[UUID, Payable]] = defaultdict(dict)
        self._by_amount: dict[tuple[Decimal, str | None], dict[UUID, Payable]] = defaultdict(dict)
        #: Those that nothing is to pay any more.
        self._gone: set[UUID] = set()
        self._any = False
        self.add(payables)

    def add(self, payables: Iterable[Payable]) -> None:
        """Know these as open, as they are now."""
        for one in payables:
            self._any = True
            id = one.document_id
            self._gone.discard(id)
            for payment_id in one.payment_ids:
                self._by_payment[signs(payment_id)] = one
            if one.reference:
                self._by_reference[_plain_reference(one.reference)][id] = one
            if one.invoice_number and len(number := signs(one.invoice_number)) >= _SHORTEST:
                self._by_number[number][id] = one
            if one.open is not None:
                self._by_amount[one.open, one.currency][id] = one

    def __bool__(self) -> bool:
        return self._any

    def settled(self, payable: Payable) -> None:
        """Nothing pays it any more."""
        self._gone.add(payable.document_id)

    def find(self, payment: Payment) -> Match | Ambiguous | None:
        """The invoice that it pays; None if there is none."""
        if payment.payment_id:
            ours = self._by_payment.get(signs(payment.payment_id))
            if ours is not None and ours.document_id not in self._gone:
                return _match(payment, ours, "payment_id")
        named = self._left(self._named_by(payment))
        if named:
            return self._one_of(payment, named, "reference")
        similar = self._left(self._similar_to(payment))
        if similar:
            return self._one_of(payment, similar, "amount_and_party")
        return None

    def _left(self, payables: Iterable[Payable]) -> list[Payable]:
        unique = {one.document_id: one for one in payables}
        return [one for id, one in unique.items() if id not in self._gone]

    def _named_by(self, payment: Payment) -> Iterator[Payable]:
        references = [_plain_reference(one) for one in payment.references]
        if not references and payment.text:
            references = list(references_in(payment.text))
        for reference in references:
            yield from self._by_reference.get(reference, {}).values()
        for number in (*payment.documents, *payment.references):
            yield from self._by_number.get(signs(number), {}).values()
        if self._by_number:
            for number in _numbers_in(payment.text):
                for one in self._by_number.get(number, {}).values():
                    # A short number, or a year, stands in many texts by chance.
                    if len(number) >= _TELLING or _fits(payment, one) or _agrees(payment, one) is True:
                        yield one

    def _similar_to(self, payment: Payment) -> Iterator[Payable]:
        amounts: set[tuple[Decimal, str | None]] = {(payment.amount, payment.currency)}
        if payment.instructed is not None:
            amounts.add((payment.instructed, payment.instructed_currency))
        for amount in amounts:
            for one in self._by_amount.get(amount, {}).values():
                if _fits(payment, one) and _agrees(payment, one) and _in_time(payment, one):
                    yield one

    def _one_of(self, payment: Payment, candidates: list[Payable], by: str) -> Match | Ambiguous | None:
        """The only candidate that is left when the others fit worse."""
        for better in (_fits, _agrees_surely, _agrees):
            if len(candidates) > 1:
                candidates = [one for one in candidates if better(payment, one)] or candidates
        if len(candidates) > 1 and by == "amount_and_party":
            candidates = _nearest_due(payment, candidates)
        if len(candidates) > 1:
            return Ambiguous(by, tuple(candidates))
        return _match(payment, candidates[0], by)


def _match(payment: Payment, payable: Payable, by: str) -> Match:
    amount = payment.amount_in(payable.currency)
    if amount is None:
        # Paid in another currency, and named by a reference: the bank alone knows the rate.
        amount = payable.open if payable.open is not None else payment.amount
    return Match(payable, amount, by)


def _fits(payment: Payment, payable: Payable) -> bool:
    """Whether it is the amount that is open."""
    return payable.open is not None and payment.amount_in(payable.currency) == payable.open


def _agrees(payment: Payment, payable: Payable) -> bool | None:
    """Whether it goes to the payee; None if nobody says to whom it goes."""
    if payment.party_account and payable.iban:
        if signs(payment.party_account) == signs(payable.iban):
            return True
        # An account of another kind says nothing against it: a QR-IBAN is shown as the IBAN behind it.
        return bool(payment.party and payable.payee_name and same_party(payment.party, payable.payee_name))
    if payment.party and payable.payee_name:
        return same_party(payment.party, payable.payee_name)
    if payable.payee_name and payment.text:
        return _words_of(payable.payee_name) <= _words_of(payment.text) or None
    return None


def _agrees_surely(payment: Payment, payable: Payable) -> bool:
    return bool(
        payment.party_account and payable.iban and signs(payment.party_account) == signs(payable.iban)
    )


def _in_time(payment: Payment, payable: Payable) -> bool:
    if payable.due_date is None:
        return True
    days = (payment.booked - payable.due_date).days
    return -_EARLIEST <= days <= _LATEST


def _nearest_due(payment: Payment, candidates: list[Payable]) -> list[Payable]:
    """Only the one that is due near the payment, if all others are due far from it."""

    def distance(one: Payable) -> int:
        return abs((payment.booked - one.due_date).days) if one.due_date else 0

    near = [one for one in candidates if distance(one) <= 2 * _NEAR]
    return near if len(near) == 1 and distance(near[0]) <= _NEAR else candidates


def same_party(one: str, other: str) -> bool:
    """Whether two names are of the same: all words of the one in the other, legal forms and towns apart."""
    first, second = _words_of(one), _words_of(other)
    if not first or not second:
        return False
    return first <= second or second <= first


def _words_of(name: str) -> frozenset[str]:
    folded = name.upper().translate(_FOLDED)
    return frozenset(re.findall(r"[A-Z0-9]{2,}", folded)) - _LEGAL_FORMS


#: Banks write names without umlauts and accents, each in its way.
_FOLDED: Final = str.maketrans(
    {"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS", "É": "E", "È": "E", "Ê": "E", "À": "A", "Â": "A", "Ç": "C",
     "Ô": "O", "Î": "I", "Ï": "I", "Û": "U", "Ù": "U", "Ñ": "N", "Á": "A", "Í": "I", "Ó": "O", "Ú": "U",
     "Ø": "O", "Å": "A"}
)  # fmt: skip


def _plain_reference(written: str) -> str:
    """Without blanks, and without the zeros with which QR references are filled up."""
    plain = signs(written)
    return plain.lstrip("0") if plain.isdigit() else plain


def references_in(text: str) -> Iterator[str]:
    """Creditor references in a text: of QR-bills (27 digits, modulo 10 recursive) and RF ones (ISO 11649)."""
    for found in re.finditer(r"(?<!\d)\d(?:[ \n]?\d){25,26}(?!\d)", text):
        digits = re.sub(r"\s", "", found[0])
        if esr.is_valid(digits):
            yield _plain_reference(digits)
    for found in re.finditer(r"\bRF\d{2}(?: ?[A-Z0-9]){1,21}\b", text.upper()):
        candidate = re.sub(r"\s", "", found[0])
        if iso11649.is_valid(candidate):
            yield candidate


def _numbers_in(text: str) -> Iterator[str]:
    """Everything in a text that could be an invoice number: up to four words in a row that hold a digit."""
    words = re.findall(r"[A-Z0-9]+", text.upper())
    for start in range(len(words)):
        joined = ""
        for word in words[start : start + _WORDS]:
            joined += word
            if len(joined) >= _SHORTEST and any(sign.isdigit() for sign in joined):
                yield joined
