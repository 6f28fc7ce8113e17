"""From candidates to fields with verdicts. Pure: the same candidates give the same judgement on the same day.

`certain`: a structured source or a payment code says it, or an explicit label of a text layer, or a check
confirms it; and nothing speaks against it. `uncertain`: a check failed, or it was read where it may have been
misread. `contradicted`: two sources say different things; the more trusted one is shown, the other beside it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from services.documents.invoices.checks import is_amount, problem_of
from services.documents.invoices.values import amounts_in, dates_in, money
from services.documents.invoices.words import (
    AMOUNTS,
    DATES,
    FIELDS,
    SOURCE_NAMES,
    SOURCES,
    Candidate,
    Finding,
)
from shared.identifiers import is_qr_iban, is_qr_reference

#: Totals may differ by this: by cents where each position is rounded, by five where cash is.
_ROUNDING: Final = Decimal("0.05")
_TOTALS: Final = ("net_amount", "vat_amount", "gross_amount")
#: Names and free text are written in many ways: a difference there is no contradiction.
_COMPARED: Final = frozenset(FIELDS) - {
    "issuer_name", "recipient_name", "payee_name", "message", "customer_number", "order_number",
    "payee_street", "payee_building_number", "payee_postal_code", "payee_town", "buyer_reference",
    "issuer_tax_number",
}  # fmt: skip
#: What a page must show if it shows the invoice that its e-invoice tells of.
_SHOWN: Final = ("invoice_number", "gross_amount", "iban")


@dataclass(frozen=True, slots=True)
class Judged:
    """A field as it is reported."""

    chosen: Candidate
    #: `certain`, `uncertain` or `contradicted`.
    verdict: str
    #: What else was said.
    others: tuple[Candidate, ...] = ()

    def as_json(self) -> dict[str, Any]:
        one = self.chosen
        others = [{"value": other.value, "source": other.source} for other in self.others]
        return {
            "name": one.field, "value": one.value, "source": one.source, "confidence": one.confidence,
            "verdict": self.verdict, "page": one.page, "box": one.box, "others": others,
        }  # fmt: skip


def judge(
    candidates: Iterable[Candidate], shown: str | None, today: date
) -> tuple[dict[str, Judged], list[Finding]]:
    """Fields by name, in the order of `FIELDS`, and findings.

    `shown` is the text of the pages, None if it is not known; `today` is what dates are plausible against.
    """
    by_field: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_field.setdefault(candidate.field, []).append(candidate)
    findings: list[Finding] = []
    page = None if shown is None else _Page.of(shown)
    fields = {
        field: _judge_field(by_field[field], findings, page, today) for field in FIELDS if by_field.get(field)
    }
    _derive_due_date(fields, by_field.get("terms", ()), findings)
    _check_totals(fields, findings)
    _check_amount_to_pay(fields, findings)
    _check_dates(fields, findings)
    _check_reference(fields, findings)
    if page is not None:
        _check_shown(fields, findings, page)
    return fields, findings


@dataclass(frozen=True, slots=True)
class _Page:
    """What the pages show, in a form to look values up in."""

    letters: str
    amounts: frozenset[str]
    dates: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_Page":
        letters = re.sub(r"[\W_]", "", text).casefold()
        dates = frozenset(value for value, _, _ in dates_in(text))
        return cls(letters, frozenset(amounts_in(text)), dates)

    def shows(self, field: str, value: str) -> bool:
        if field in AMOUNTS:
            return value in self.amounts
        if field in DATES:
            return value in self.dates
        return re.sub(r"[\W_]", "", value).casefold() in self.letters


def _judge_field(
    candidates: Sequence[Candidate], findings: list[Finding], page: _Page | None, today: date
) -> Judged:
    ordered = sorted(candidates, key=lambda one: SOURCES.index(one.source))
    problems = [problem_of(one.field, one.value, today) for one in ordered]
    # A valid value of a less trusted source does not replace an invalid one silently: both are shown.
    chosen, problem = ordered[0], problems[0]
    others = _different(chosen, ordered[1:])
    field, name = chosen.field, FIELDS[chosen.field]
    if problem is not None:
        findings.append(Finding("check_failed", f"{name}: {problem}", (field,)))
        return Judged(replace(chosen, confidence=min(chosen.confidence, 30.0)), "uncertain", others)
    # A label that was read wrongly is no contradiction: where the pages show the value too, they agree.
    shown = page is not None and page.shows(field, chosen.value)
    opposed = [
        other
        for other in others
        if field in _COMPARED
        and other.source != chosen.source
        and (other.source != "text" or (other.explicit and not shown))
    ]
    if opposed:
        said = "; ".join(
            f"{SOURCE_NAMES[one.source]} gives the value {one.value}" for one in (chosen, *opposed)
        )
        findings.append(Finding("sources_contradict", f"{name}: {said}", (field,)))
        return Judged(chosen, "contradicted", others)
    if chosen.source == "text" and (not chosen.explicit or any(other.source == "text" for other in others)):
        if others:
            said = ", ".join(other.value for other in others[:3])
            findings.append(
                Finding("several_values", f"{name}: {chosen.value}, but the text names also {said}", (field,))
            )
        return Judged(chosen, "uncertain", others)
    if len({one.value for one in ordered if one.source == chosen.source}) > 1:
        source = SOURCE_NAMES[chosen.source]
        findings.append(Finding("several_values", f"{name}: {source} gives several values", (field,)))
        return Judged(chosen, "uncertain", others)
    return Judged(chosen, "certain", others)


def _different(chosen: Candidate, others: Iterable[Candidate]) -> tuple[Candidate, ...]:
    seen = {_comparable(chosen)}
    found = []
    for other in others:
        if (value := _comparable(other)) not in seen:
            seen.add(value)
            found.append(other)
    return tuple(found)


def _comparable(candidate: Candidate) -> str:
    if candidate.field in AMOUNTS and is_amount(candidate.value):
        return str(money(candidate.value).normalize())
    return re.sub(r"[\W_]", "", candidate.value).casefold()


def _derive_due_date(fields: dict[str, Judged], terms: Iterable[Candidate], findings: list[Finding]) -> None:
    """Where no due date is written: the date of the invoice and the days within which it is to be paid.

    As certain as both are. Days that count from the day of receipt give the earliest date, uncertain.
    """
    issued = fields.get("invoice_date")
    days = next(iter(sorted(terms, key=lambda one: SOURCES.index(one.source))), None)
    if "due_date" not in fields and issued is not None and days is not None and _is_date(issued):
        day = date.fromisoformat(issued.chosen.value) + timedelta(days=int(days.value))
        words = f"{issued.chosen.value} and {days.value} days: the document says {days.derived!r}"
        sure = issued.verdict == "certain" and days.explicit
        chosen = replace(
            days, field="due_date", value=day.isoformat(), derived=words,
            confidence=min(days.confidence, issued.chosen.confidence),
        )  # fmt: skip
        # In the order of `FIELDS`.
        found = {**fields, "due_date": Judged(chosen, "certain" if sure else "uncertain")}
        fields.clear()
        fields.update({name: found[name] for name in FIELDS if name in found})
    due = fields.get("due_date")
    if due is not None and due.chosen.derived is not None:
        findings.append(Finding("due_date_derived", f"due date: {due.chosen.derived}", ("due_date",)))


def _is_date(one: Judged) -> bool:
    try:
        date.fromisoformat(one.chosen.value)
    except ValueError:
        return False
    return True


def _check_totals(fields: dict[str, Judged], findings: list[Finding]) -> None:
    """Net and VAT must give gross. If they do, and there is VAT, text that says so was not misread."""
    totals = [fields[name] for name in _TOTALS if name in fields]
    if len(totals) < len(_TOTALS) or not all(is_amount(one.chosen.value) for one in totals):
        return
    net, vat, gross = (money(one.chosen.value) for one in totals)
    if abs(net + vat - gross) > _ROUNDING:
        words = f"net {net} and VAT {vat} give {net + vat}, but the gross amount is {gross}"
        findings.append(Finding("totals_differ", words, _TOTALS))
        _set(fields, _TOTALS, "uncertain", only=("certain",))
    elif vat != 0 and net + vat == gross:
        names = [one.chosen.field for one in totals if one.chosen.source == "text" and not one.others]
        _set(fields, names, "certain", only=("uncertain",), confidence=92.0)


def _check_amount_to_pay(fields: dict[str, Judged], findings: list[Finding]) -> None:
    """The amount of a payment code against the gross amount of another source."""
    gross, payable = fields.get("gross_amount"), fields.get("payable_amount")
    if gross is None or payable is None or gross.chosen.source == payable.chosen.source:
        return
    if not (is_amount(gross.chosen.value) and is_amount(payable.chosen.value)):
        return
    if money(gross.chosen.value) == money(payable.chosen.value):
        _set(fields, ("gross_amount",), "certain", only=("uncertain",), confidence=95.0)
        return
    asked, total = payable.chosen.value, gross.chosen.value
    if gross.chosen.source == "text" and gross.verdict != "certain":
        # The text may have been misread, or a part of the sum is to be paid: a person has to look.
        words = f"the payment code asks for {asked}, and the text seems to give a gross amount of {total}"
    else:
        words = f"the amount to pay is {asked}, but the gross amount is {total}"
    findings.append(Finding("amounts_contradict", words, ("gross_amount", "payable_amount")))
    _set(fields, ("gross_amount", "payable_amount"), "contradicted")


def _check_dates(fields: dict[str, Judged], findings: list[Finding]) -> None:
    issued, due = fields.get("invoice_date"), fields.get("due_date")
    if issued is not None and due is not None and due.chosen.value < issued.chosen.value:
        words = f"it is due on {due.chosen.value}, before its date, {issued.chosen.value}"
        findings.append(Finding("due_before_issued", words, tuple(sorted(DATES))))
        _set(fields, sorted(DATES), "uncertain", only=("certain",))


def _check_reference(fields: dict[str, Judged], findings: list[Finding]) -> None:
    """A QR-IBAN is paid with a QR reference, and only it is (Implementation Guidelines QR-bill, 4.2.2)."""
    iban, reference = fields.get("iban"), fields.get("reference")
    if iban is None or iban.chosen.value[:2] not in ("CH", "LI"):
        return
    has_qr_reference = reference is not None and is_qr_reference(reference.chosen.value)
    if is_qr_iban(iban.chosen.value) == has_qr_reference:
        return
    words = (
        "a QR reference goes with a QR-IBAN, and this IBAN is none"
        if has_qr_reference
        else "this is a QR-IBAN, which is paid with a QR reference, and there is none"
    )
    findings.append(Finding("iban_and_reference_differ", words, ("iban", "reference")))
    _set(fields, ("iban", "reference"), "uncertain", only=("certain",))


def _check_shown(fields: dict[str, Judged], findings: list[Finding], page: _Page) -> None:
    """What an e-invoice says should stand on the page that a person sees."""
    for name in _SHOWN:
        one = fields.get(name)
        if one is None or one.chosen.source != "e_invoice" or page.shows(name, one.chosen.value):
            continue
        words = f"{FIELDS[name]}: the e-invoice says {one.chosen.value}, which the pages do not show"
        findings.append(Finding("not_on_the_pages", words, (name,)))


def _set(
    fields: dict[str, Judged],
    names: Iterable[str],
    verdict: str,
    *,
    only: tuple[str, ...] = ("certain", "uncertain"),
    confidence: float | None = None,
) -> None:
    for name in names:
        one = fields.get(name)
        if one is not None and one.verdict in only:
            chosen = one.chosen if confidence is None else replace(one.chosen, confidence=confidence)
            fields[name] = replace(one, chosen=chosen, verdict=verdict)
