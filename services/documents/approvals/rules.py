"""Which approval an invoice needs: rules in their order, the first that fits decides. Pure.

An amount that cannot be compared (no rate for its currency, or no amount) may fit any limit: then the
strictest of the rules that may be meant decides, and the approval says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from services.documents.approvals.currencies import Converted

Convert = Callable[[Decimal, str, str], Converted | None]


@dataclass(frozen=True, slots=True)
class AmountLimits:
    """From `at_least` on, and less than `below`, in `currency`."""

    currency: str
    at_least: Decimal | None = None
    below: Decimal | None = None

    def hold(self, amount: Decimal) -> bool:
        return (self.at_least is None or amount >= self.at_least) and (
            self.below is None or amount < self.below
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """For which invoices (a condition that is left out always holds), and what they need."""

    name: str
    role: str
    approvals: int = 1
    #: Any of these. Names of suppliers are patterns: `nordlicht*`.
    clients: frozenset[str] = frozenset()
    supplier_names: tuple[str, ...] = ()
    supplier_vat_ids: frozenset[str] = frozenset()
    supplier_ibans: frozenset[str] = frozenset()
    cost_centers: frozenset[str] = frozenset()
    amount: AmountLimits | None = None
    #: Business days before the invoice's due date by which it is to be approved.
    days_before_due: int = 3
    #: Business days from the request where there is no due date.
    days_without_due: int = 5
    #: For invoices of which nobody has said another.
    cost_center: str | None = None

    @property
    def fits_all(self) -> bool:
        return self.amount is None and not (
            self.clients or self.supplier_names or self.supplier_vat_ids or self.supplier_ibans
            or self.cost_centers
        )  # fmt: skip


#: Where no rules file is named: four eyes from 5000 francs on.
DEFAULT_RULES: Final = (
    Rule(
        "four eyes from 5000 CHF",
        role="accounting",
        approvals=2,
        amount=AmountLimits("CHF", at_least=Decimal(5000)),
    ),
    Rule("every other invoice", role="accounting"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules look at."""

    client: str
    supplier_name: str | None = None
    supplier_vat_id: str | None = None
    iban: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    cost_center: str | None = None
    due_date: date | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What an invoice needs before it may be paid."""

    rule: str
    role: str
    approvals: int
    due: date
    cost_center: str | None = None
    #: What the rules could not decide, or decided with the help of a rate.
    note: str | None = None


def demand_for(subject: Subject, rules: Sequence[Rule], convert: Convert, today: date) -> Demand:
    """The demand of the first rule that fits. `rules` end with one that fits everything."""
    possible: list[Rule] = []
    notes: list[str] = []
    for rule in rules:
        if not _fits_but_for_amount(rule, subject):
            continue
        verdict, note = _amount_fits(rule, subject, convert)
        if note is not None and note not in notes:
            notes.append(note)
        if verdict is not False:
            possible.append(rule)
        if verdict is True:
            break
    chosen = max(possible, key=lambda rule: rule.approvals)
    if len(possible) > 1:
        notes.append("the strictest of the rules that may be meant applies")
    return Demand(
        rule=chosen.name,
        role=chosen.role,
        approvals=chosen.approvals,
        due=due_for(subject.due_date, chosen, today),
        cost_center=subject.cost_center or chosen.cost_center,
        note="; ".join(notes) or None,
    )


def _fits_but_for_amount(rule: Rule, subject: Subject) -> bool:
    name = (subject.supplier_name or "").casefold()
    conditions = (
        not rule.clients or subject.client in rule.clients,
        not rule.supplier_names
        or any(fnmatchcase(name, pattern.casefold()) for pattern in rule.supplier_names),
        not rule.supplier_vat_ids or subject.supplier_vat_id in rule.supplier_vat_ids,
        not rule.supplier_ibans or subject.iban in rule.supplier_ibans,
        not rule.cost_centers or subject.cost_center in rule.cost_centers,
    )
    return all(conditions)


def _amount_fits(rule: Rule, subject: Subject, convert: Convert) -> tuple[bool | None, str | None]:
    """Whether the amount lies within the rule's limits, None where nobody knows; and what is to be said."""
    if rule.amount is None:
        return True, None
    if subject.amount is None or subject.currency is None:
        return None, "the amount or its currency is not known"
    wanted = rule.amount.currency
    converted = convert(subject.amount, subject.currency, wanted)
    if converted is None:
        return None, f"there is no rate to compare {subject.currency} with {wanted}"
    note = None
    if converted.by is not None:
        note = f"{subject.amount} {subject.currency} are {converted.amount:.2f} {wanted} ({converted.by})"
    return rule.amount.hold(converted.amount), note


def due_for(due_date: date | None, rule: Rule, today: date) -> date:
    """Some business days before the payment is due, but not in the past; without a due date, some business
    days from today."""
    if due_date is None:
        return business_days(today, rule.days_without_due)
    return max(business_days(due_date, -rule.days_before_due), today)


def business_days(start: date, count: int) -> date:
    """`count` days from Monday to Friday after `start`, before it if negative."""
    step = timedelta(days=1 if count > 0 else -1)
    day = start
    for _ in range(abs(count)):
        day += step
        while day.weekday() >= 5:
            day += step
    return day
