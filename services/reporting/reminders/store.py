"""SQL of reminders: planned before they are sent, dropped as long as they have not been.

What became of a mail stands in the ledger of effects alone. A mail that the ledger does not know was never
handed over; nor was one that a person said to send again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.reporting.reminders.core import Mail, Matter, Reminder

#: States of the ledger in which nothing was sent.
_UNSENT = "coalesce(e.state, 'released') = 'released'"
_WITH_LEDGER = "reminder_mails m left join effects e on e.client = m.client and e.effect = m.effect"


def effect_of(mail_id: UUID) -> str:
    """The mail's key in the ledger."""
    return f"reminders:{mail_id}"


@dataclass(frozen=True, slots=True)
class PlannedMail:
    mail_id: UUID
    mail: Mail


@dataclass(frozen=True, slots=True)
class Held:
    """A mail that another run began and has not ended."""

    mail_id: UUID
    recipient: str
    run_id: UUID
    #: Whether it waits for a person's decision.
    in_doubt: bool


async def lock_client(connection: Any, client: str) -> None:
    """Two runs of a client plan one after the other."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"reminders:{client}")


async def drop_unsent(connection: Any, client: str) -> None:
    """Forget mails that were planned and not sent. Whoever is about to send one looks again, after the ledger
    has it."""
    ids = await connection.fetch(
        "select m.mail_id from reminder_mails m where m.client = $1 and not exists (select from effects e"
        " where e.client = m.client and e.effect = m.effect and e.state = 'done') for update",
        client,
    )
    # A statement of its own: it sees what the ledger was told while the rows were waited for.
    await connection.execute(
        f"delete from reminder_mails where mail_id in (select m.mail_id from {_WITH_LEDGER}"  # noqa: S608
        f" where m.mail_id = any($1::uuid[]) and {_UNSENT})",
        [row["mail_id"] for row in ids],
    )


async def is_planned(connection: Any, mail_id: UUID) -> bool:
    """Whether nobody has dropped it. Waits for whoever is about to."""
    return bool(
        await connection.fetchval("select 1 from reminder_mails where mail_id = $1 for update", mail_id)
    )


async def known_reminders(connection: Any, client: str, *, unsent: bool) -> list[Reminder]:
    """What the client's people were reminded of, as far as invoices still wait; with `unsent` also what is
    only planned."""
    rows = await connection.fetch(
        "select r.document_id, r.matter, r.due, r.step, r.person from reminders r"  # noqa: S608
        " join invoices i using (document_id) join reminder_mails m using (mail_id) left join effects e"
        " on e.client = m.client and e.effect = m.effect"
        f" where r.client = $1 and i.state in ('waiting', 'questioned') and ($2 or not {_UNSENT})",
        client,
        unsent,
    )
    return [_reminder(row) for row in rows]


async def keep_plan(connection: Any, client: str, run_id: UUID, mails: Collection[Mail], day: date) -> None:
    for mail in mails:
        mail_id = mail.mail_id(client)
        await connection.execute(
            "insert into reminder_mails (mail_id, client, effect, run_id, recipient, planned_on)"
            " values ($1, $2, $3, $4, $5, $6)",
            mail_id, client, effect_of(mail_id), run_id, mail.recipient, day,
        )  # fmt: skip
        await connection.executemany(
            "insert into reminders (document_id, matter, due, step, person, client, mail_id)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            [(*reminder, client, mail_id) for reminder in mail.reminders],
        )


async def mails_of(connection: Any, client: str, run_id: UUID) -> list[PlannedMail]:
    """By recipient."""
    rows = await connection.fetch(
        "select m.recipient, r.mail_id, r.document_id, r.matter, r.due, r.step, r.person"
        " from reminder_mails m join reminders r using (mail_id) where m.client = $1 and m.run_id = $2"
        " order by m.recipient, r.mail_id, r.due, r.document_id, r.person",
        client,
        run_id,
    )
    mails: dict[UUID, tuple[str, list[Reminder]]] = {}
    for row in rows:
        mails.setdefault(row["mail_id"], (row["recipient"], []))[1].append(_reminder(row))
    return [PlannedMail(id, Mail(recipient, reminders)) for id, (recipient, reminders) in mails.items()]


async def held_by_others(connection: Any, client: str, run_id: UUID) -> list[Held]:
    rows = await connection.fetch(
        f"select m.mail_id, m.recipient, e.run_id, e.state from {_WITH_LEDGER}"  # noqa: S608
        " where m.client = $1 and e.run_id <> $2 and e.state in ('begun', 'unknown') order by m.mail_id",
        client,
        run_id,
    )
    return [Held(row["mail_id"], row["recipient"], row["run_id"], row["state"] == "unknown") for row in rows]


def _reminder(row: Any) -> Reminder:
    return Reminder(row["document_id"], Matter(row["matter"]), row["due"], row["step"], row["person"])
