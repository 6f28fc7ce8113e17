"""Sending reminders: each mail once, or it is in doubt."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from typing import Protocol

from services.reporting.reminders import store
from services.reporting.reminders.letter import compose, letter_for
from services.reporting.reminders.planning import Work, person_key
from services.reporting.reminders.store import PlannedMail, effect_of
from shared.clients.smtp import MailServer, SmtpSystem
from shared.effects import Effects
from shared.errors import NotDone, TagwerkError
from shared.events import Record, now
from shared.outbox import Outbox
from shared.runner.context import Calls, RunContext
from shared.words import Outcome


class Dropped(NotDone):
    """Another run has planned these reminders anew, and sends them."""

    def __init__(self) -> None:
        super().__init__(
            "reminders_planned_anew",
            "another run has taken these reminders over before they were sent",
            next_step="Nothing: the other run sends them.",
        )


class Sender(Protocol):
    """Open while mails are sent."""

    async def send(self, planned: PlannedMail, work: Work) -> Record:
        """Send a mail, unless it was sent; the record of that. Raises `Dropped`, `recipient_not_allowed`, and
        what `SmtpSystem.send` does as long as nothing was sent."""


class Post(Protocol):
    def open(self) -> AbstractAsyncContextManager[Sender]:
        """Raises `mail_server_missing`."""


@dataclass(frozen=True, slots=True)
class RealPost:
    """By SMTP."""

    effects: Effects
    outbox: Outbox
    context: RunContext
    calls: Calls
    server: MailServer | None
    #: Those that mails may go to; None for all.
    domains: frozenset[str] | None
    #: Where browsers reach the pages; None where nobody has said.
    address: str | None
    today: date

    def open(self) -> "SmtpSender":
        if self.server is None:
            raise TagwerkError(
                "mail_server_missing",
                "there are people to remind, and no mail server is set",
                concern="mail-server",
                next_step="Set TAGWERK_SMTP_URL and TAGWERK_MAIL_FROM and start the service again.",
            )
        return SmtpSender(self, SmtpSystem(self.server, self.calls))


class SmtpSender:
    """Sends by one connection."""

    def __init__(self, post: RealPost, system: SmtpSystem) -> None:
        self._post = post
        self._system = system

    async def __aenter__(self) -> "SmtpSender":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._system.__aexit__(None, None, None)

    async def send(self, planned: PlannedMail, work: Work) -> Record:
        mail = planned.mail
        record = Record(
            key=person_key(mail.recipient),
            outcome=Outcome.CREATED,
            label=mail.recipient,
            message=f"reminded of {_counted(planned)}, Message-ID {self._message_id(planned)}",
        )
        async with self._post.effects.once(effect_of(planned.mail_id), record=record.key) as effect:
            if effect.needed:
                # The ledger has it now: whoever drops plans looks there before.
                if not await self._is_planned(planned):
                    raise Dropped
                address = work.people[mail.recipient].contact.email
                assert address is not None, "nobody without an address is written to"
                self._expect_allowed(address, mail.recipient)
                await self._system.send(self._mail(planned, work, address), address, named=mail.recipient)
        return effect.result(record)

    def _mail(self, planned: PlannedMail, work: Work, address: str) -> EmailMessage:
        post = self._post
        letter = letter_for(
            planned.mail, post.context.client, work.people, work.invoices, post.today, post.address
        )
        return compose(
            letter,
            sender=self._system.server.sender,
            recipient=address,
            message_id=self._message_id(planned),
            written=now(),
        )

    def _message_id(self, planned: PlannedMail) -> str:
        return f"<{planned.mail_id}@{self._system.server.domain}>"

    def _expect_allowed(self, address: str, person: str) -> None:
        domain = address.rpartition("@")[2].lower()
        if self._post.domains is not None and domain not in self._post.domains:
            raise NotDone(
                "recipient_not_allowed",
                f"no mail may go to {domain}",
                concern=person_key(person),
                next_step="Correct the address of the account, or add its domain to TAGWERK_MAIL_DOMAINS.",
            )

    async def _is_planned(self, planned: PlannedMail) -> bool:
        async with self._post.outbox.transaction() as tx:
            return await store.is_planned(tx.connection, planned.mail_id)


def _counted(planned: PlannedMail) -> str:
    count = len({one.document_id for one in planned.mail.reminders})
    steps = ", ".join(str(step) for step in sorted({one.step for one in planned.mail.reminders}))
    return f"{count} {'invoice' if count == 1 else 'invoices'} (step {steps})"
