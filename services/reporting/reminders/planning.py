"""What one run has to remind whom of: planned in the database first, so that nobody is reminded twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from services.reporting.core import Invoice
from services.reporting.reminders import store
from services.reporting.reminders.core import Plan, plan_reminders
from services.reporting.reminders.rules import Rules
from services.reporting.reminders.store import Held, PlannedMail
from services.reporting.store import waiting_invoices
from shared import subjects
from shared.bus import Bus
from shared.commands import People, PeopleQuery, Person
from shared.outbox import Outbox
from shared.runner.context import RunContext


def person_key(person: str) -> str:
    return f"person:{person}"


def invoice_key(document_id: UUID) -> str:
    return f"invoice:{document_id}"


@dataclass(frozen=True, slots=True)
class Work:
    """What a run has to do, and what its mails are made of."""

    plan: Plan
    #: All mails of the run, also those that an earlier attempt sent.
    mails: Sequence[PlannedMail]
    held: Sequence[Held]
    people: Mapping[str, Person]
    invoices: Mapping[UUID, Invoice]


class Planning(Protocol):
    """Of one run."""

    async def plan(self) -> Work:
        """Plan what is to be reminded of now, and keep it. Raises `service_unavailable` (retryable)."""

    async def foresee(self) -> Plan:
        """What would be reminded of now."""


class KeptPlanning:
    def __init__(self, outbox: Outbox, context: RunContext, bus: Bus, rules: Rules, today: date) -> None:
        self._outbox = outbox
        self._context = context
        self._bus = bus
        self._rules = rules
        self._today = today

    async def plan(self) -> Work:
        client, run_id = self._context.client, self._context.run_id
        people = await self._people()
        async with self._outbox.transaction() as tx:
            await store.lock_client(tx.connection, client)
            await store.drop_unsent(tx.connection, client)
            invoices = await waiting_invoices(tx.connection, client)
            known = await store.known_reminders(tx.connection, client, unsent=True)
            plan = plan_reminders(invoices, people, self._rules, known, self._today)
            # A person gets one mail from a run; what has come up since its first attempt waits for the next.
            served = {one.mail.recipient for one in await store.mails_of(tx.connection, client, run_id)}
            plan.mails = [
                mail
                for mail in plan.mails
                if mail.recipient not in served and self._context.wants(person_key(mail.recipient))
            ]
            await store.keep_plan(tx.connection, client, run_id, plan.mails, self._today)
            return Work(
                plan=plan,
                mails=await store.mails_of(tx.connection, client, run_id),
                held=await store.held_by_others(tx.connection, client, run_id),
                people={one.principal.id: one for one in people},
                invoices={one.document_id: one for one in invoices},
            )

    async def foresee(self) -> Plan:
        people = await self._people()
        async with self._outbox.transaction() as tx:
            invoices = await waiting_invoices(tx.connection, self._context.client)
            known = await store.known_reminders(tx.connection, self._context.client, unsent=False)
        return plan_reminders(invoices, people, self._rules, known, self._today)

    async def _people(self) -> list[Person]:
        query = PeopleQuery(client=self._context.client)
        return (await self._bus.ask(subjects.query("gateway", "people"), query, People)).items
