"""Who is reminded of what: each person their own list, while they are away their substitute's. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.reporting.core import Invoice, InvoiceState
from services.reporting.reminders.rules import Rules
from shared.approving import CORRECTING, may_see
from shared.commands import Person
from shared.ids import derived_id


class Matter(StrEnum):
    """What a person has to do."""

    APPROVE = "approve"
    #: Somebody asked back.
    ANSWER = "answer"


class Reminder(NamedTuple):
    """What nobody gets twice."""

    document_id: UUID
    matter: Matter
    due: date
    #: From 1 on.
    step: int
    #: Id of the account whose duty it is.
    person: str


@dataclass(frozen=True, slots=True)
class Mail:
    """All that one person is reminded of."""

    recipient: str
    reminders: Sequence[Reminder]

    def mail_id(self, client: str) -> UUID:
        """The same reminders to the same person are the same mail."""
        parts = [":".join(map(str, reminder)) for reminder in sorted(self.reminders)]
        return derived_id("reminders", client, self.recipient, *parts)


@dataclass(frozen=True, slots=True)
class Unreached:
    """An invoice about which nobody can be reminded, and why."""

    document_id: UUID
    why: str


@dataclass(slots=True)
class Plan:
    mails: list[Mail] = field(default_factory=list)
    unreached: list[Unreached] = field(default_factory=list)
    #: Person -> why they cannot be reminded of what others are.
    passed_over: dict[str, str] = field(default_factory=dict)


def plan_reminders(
    invoices: Iterable[Invoice],
    people: Sequence[Person],
    rules: Rules,
    known: Collection[Reminder],
    today: date,
) -> Plan:
    """`known`: what was reminded before, or is in doubt."""
    plan, at_hand = Plan(), {one.principal.id: one for one in people}
    lists: defaultdict[str, list[Reminder]] = defaultdict(list)
    passed: defaultdict[str, str] = defaultdict(str)
    last = _last_steps(known)
    for invoice in invoices:
        due = invoice.approval_due
        step = None if due is None else rules.step_on(due, today)
        if due is None or step is None:
            continue
        reached, hindrances = False, {}
        for person in _whose(invoice, people, rules.roles_besides(step)):
            reminder = Reminder(invoice.document_id, matter_of(invoice), due, step, person.principal.id)
            if last.get(reminder._replace(step=0), 0) >= step:
                reached = True
                continue
            found = _recipient(person, invoice, at_hand, today)
            if isinstance(found, str):
                hindrances[person.principal.id] = found
            else:
                lists[found.principal.id].append(reminder)
                reached = True
        if reached:
            passed.update(hindrances)
        else:
            plan.unreached.append(Unreached(invoice.document_id, _why_nobody(invoice, hindrances)))
    plan.mails = [Mail(recipient, reminders) for recipient, reminders in sorted(lists.items())]
    plan.passed_over = dict(passed)
    return plan


def matter_of(invoice: Invoice) -> Matter:
    return Matter.ANSWER if invoice.state is InvoiceState.QUESTIONED else Matter.APPROVE


def _last_steps(known: Iterable[Reminder]) -> dict[Reminder, int]:
    last: dict[Reminder, int] = {}
    for reminder in known:
        matter = reminder._replace(step=0)
        last[matter] = max(last.get(matter, 0), reminder.step)
    return last


def _whose(invoice: Invoice, people: Sequence[Person], besides: frozenset[str]) -> list[Person]:
    """Those who have to act, and may see it: nobody is told of what they have no right to."""
    roles = _duty(invoice)
    able = [one for one in people if one.principal.roles & (roles | besides)]
    able = [one for one in able if may_see(one.principal, invoice.client, invoice.role)]
    if matter_of(invoice) is Matter.APPROVE:
        return [one for one in able if one.principal.id not in invoice.approved_by]
    # Who asked does not answer, unless nobody else could.
    return [one for one in able if one.principal.id != invoice.asked_by] or able


def _duty(invoice: Invoice) -> frozenset[str]:
    role = frozenset({invoice.role} if invoice.role else ())
    return role if matter_of(invoice) is Matter.APPROVE else CORRECTING | role


def _recipient(person: Person, invoice: Invoice, people: Mapping[str, Person], today: date) -> Person | str:
    """Who gets the mail: the person, or whoever stands in for them; or why nobody does."""
    passed: list[str] = []
    while person.contact.is_away(today):
        away, other = person.principal.id, person.contact.substitute
        passed.append(away)
        until = person.contact.absent_until
        if other is None:
            return f"{away} is away until {until} and has no substitute"
        if other in passed:
            return f"{' and '.join(passed)} are away and stand in for each other"
        if other not in people:
            return f"{away} is away until {until}, and the substitute {other} does not act for the client"
        person = people[other]
        if not may_see(person.principal, invoice.client, invoice.role):
            return f"{away} is away until {until}, and the substitute {other} may not see the invoice"
    if person.contact.email is None:
        return f"{person.principal.id} has no mail address"
    return person


def _why_nobody(invoice: Invoice, hindrances: Mapping[str, str]) -> str:
    if hindrances:
        return "; ".join(hindrances[name] for name in sorted(hindrances))
    roles = " or ".join(sorted(_duty(invoice)))
    return f"no active person who could act has the role {roles} for {invoice.client}"
