"""Reminders from events to mails that a real server takes: each once, to whom it concerns."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from services.reporting.day import Today
from shared import subjects
from shared.commands import (
    Decide,
    Person,
    Published,
    RemindersOfInvoice,
    RemindersQuery,
    ReportsPage,
    ReportsQuery,
    Scope,
)
from shared.events import ApprovalRequested, InvoiceQuestioned
from shared.files import Files, open_store
from shared.words import Decision, Outcome, RunState
from tests.integration.reporting.conftest import DOCUMENTS, ZONE, Installation
from tests.support.engine import Told
from tests.support.people import known_people, person

JOB = "reporting.overdue-reminders"


async def waiting(installation: Installation, number: int, *, days: int, role: str = "accounting") -> None:
    """An invoice that is to be approved so many days from today."""
    await installation.invoice(number, days=30)
    due = Today.in_zone(ZONE).day + timedelta(days=days)
    document = uuid5(DOCUMENTS, f"acme/{number}")
    await installation.tell(
        ApprovalRequested(
            client="acme", principal="ada", document_id=document, rule="all", role=role, approvals_needed=1,
            due=due,
        )
    )  # fmt: skip
    await installation.knows(
        "select exists(select from invoices where document_id = $1 and state = 'waiting'"
        " and approval_due = $2)", document, due,
    )  # fmt: skip


def outcomes(told: Told) -> dict[str, str]:
    return {record.key: record.outcome.value for record in told.records}


def mailed(installation: Installation) -> list[tuple[str, list[str]]]:
    """To whom, and which invoices, in the order of the mails."""
    return [
        (one.recipient.partition("@")[0], sorted(set(re.findall(r"\bR-\d+", _text(one.mail)))))
        for one in installation.catcher.mails
    ]


def _text(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


async def run(installation: Installation, people: Sequence[Person], **wishes: Any) -> Told:
    async with known_people(installation.bus_url, people):
        return await installation.run(job=JOB, **wishes)


async def test_everybody_is_reminded_once_of_what_is_theirs(installation: Installation) -> None:
    await installation.start(public_url="https://tagwerk.example")
    today = Today.in_zone(ZONE).day
    people = [
        person("ada", language="de"), person("ben", "chief"), person("cleo", "clerk"),
        person("dora", absent_from=today, absent_until=today + timedelta(days=9), substitute="ada"),
        person("tom", "trustee"), person("zoe", client="other"), person("mute", email=None),
    ]  # fmt: skip
    await waiting(installation, 1, days=0)
    await waiting(installation, 2, days=-60, role="chief")
    await waiting(installation, 3, days=5)
    await waiting(installation, 4, days=-1, role="nobody")

    foreseen = await run(installation, people, dry_run=True)
    assert outcomes(foreseen)["person:ada"] == "skipped"
    assert not installation.catcher.mails

    told = await run(installation, people)
    lost = f"invoice:{uuid5(DOCUMENTS, 'acme/4')}"
    assert outcomes(told) == {
        "person:ada": "created", "person:ben": "created", "person:tom": "created", "person:mute": "skipped",
        lost: "failed",
    }  # fmt: skip
    assert told.end.state is RunState.PARTIALLY_FAILED
    assert {record.failure.code for record in told.records if record.failure} == {"nobody_to_remind"}
    # The third step tells the trustee too; the list of who is away goes to the substitute, once.
    assert mailed(installation) == [("ada", ["R-1"]), ("ben", ["R-2"]), ("tom", ["R-2"])]
    german = installation.catcher.mails[0].mail
    assert german["Subject"] == "acme: 1 Rechnung wartet auf Sie"
    assert f"https://tagwerk.example/approvals/{uuid5(DOCUMENTS, 'acme/1')}" in _text(german)

    # The same again: nobody hears of it twice. Who comes back is reminded on their own only of what is new.
    again = await run(installation, [*people[:3], person("dora"), person("nina", "nobody")])
    assert outcomes(again) == {"person:nina": "created"}
    assert again.end.state is RunState.SUCCEEDED
    await installation.tell(
        InvoiceQuestioned(
            client="acme", principal="ben", document_id=uuid5(DOCUMENTS, "acme/2"), question="why so much?"
        )
    )  # fmt: skip
    await installation.knows("select exists(select from invoices where state = 'questioned')")
    asked = await run(installation, [*people, person("nina", "nobody")])
    assert outcomes(asked) == {
        "person:ada": "created", "person:tom": "created", "person:mute": "skipped",
    }  # fmt: skip
    assert "A question to answer" in _text(installation.catcher.mails[-1].mail)

    report = await installation.run(job="reporting.reminder-report", formats=["csv", "pdf"])
    assert report.end.state is RunState.SUCCEEDED
    page = await installation.bus.ask(
        subjects.query("reporting", "reports"), ReportsQuery(client="acme"), ReportsPage
    )
    (kept,) = page.items
    files = Files(open_store(f"file://{installation.folder}/files"), "acme")
    written = (await files.get(f"reports/{kept.report_id}.csv")).decode()
    told_of = Counter(
        (row["result"], row["person"], row["sent_to"], row["invoice_number"], row["step"])
        for row in csv.DictReader(written.splitlines())
    )
    assert told_of == Counter(
        [
            # Approved by nobody: the question came in between.
            ("done", "ben", "ben", "R-2", "3"), ("done", "tom", "tom", "R-2", "3"),
            ("open", "ada", "ada", "R-2", "3"), ("open", "dora", "ada", "R-2", "3"),
            ("open", "tom", "tom", "R-2", "3"),
            ("open", "ada", "ada", "R-1", "1"), ("open", "dora", "ada", "R-1", "1"),
            ("open", "nina", "nina", "R-4", "1"),
        ]
    )  # fmt: skip

    document = uuid5(DOCUMENTS, "acme/1")
    for clients, people_told in ((["acme"], [("ada", "ada", 1), ("dora", "ada", 1)]), (["other"], [])):
        query = RemindersQuery(document_id=document, scope=Scope(clients=frozenset(clients)))
        answer = await installation.bus.ask(
            subjects.query("reporting", "reminders"), query, RemindersOfInvoice
        )
        assert [(one.person, one.recipient, one.step) for one in answer.items] == people_told

    # No event holds an address.
    addresses = [f"{one.principal.id}@example.com".encode() for one in people]
    for stream in (subjects.RUNS, subjects.EVENTS, subjects.AUDIT):
        for message in await installation.bus.read(stream, subjects.STREAMS[stream][0]):
            assert not [address for address in addresses if address in message.data]


async def test_what_is_in_doubt_is_named_until_somebody_decides(installation: Installation) -> None:
    await installation.start()
    await waiting(installation, 1, days=0)
    people = [person(name) for name in ("anna", "ben", "gone", "lost")]
    installation.catcher.broken.add("lost@example.com")
    installation.catcher.refused["gone@example.com"] = "550 gone@example.com is unknown"

    told = await run(installation, people)
    assert outcomes(told) == {
        "person:anna": "created", "person:ben": "created", "person:gone": "failed", "person:lost": "unknown",
    }  # fmt: skip
    assert told.end.state is RunState.INTERRUPTED
    (doubt,) = told.end.in_doubt
    assert doubt.record == "person:lost"
    refused = next(record for record in told.records if record.key == "person:gone")
    assert refused.failure is not None
    assert refused.failure.cause == "the mail server refuses a mail to gone: 550 gone is unknown"

    # The next run sends what was refused, and names what waits for a decision.
    installation.catcher.refused.clear()
    installation.catcher.broken.clear()
    following = await run(installation, people)
    assert {key: outcome for key, outcome in outcomes(following).items() if key.startswith("person")} == {
        "person:gone": "created"
    }
    (held,) = [record for record in following.records if record.key.startswith("mail:")]
    assert held.failure is not None
    assert (held.outcome, held.failure.code) == (Outcome.FAILED, "effect_in_doubt")
    assert str(told.run_id) in held.failure.next_step

    await installation.bus.ask(
        subjects.decide("reporting"),
        Decide(
            run_id=told.run_id, job=JOB, effect=doubt.effect, decision=Decision.REPEAT, principal="ada",
            reason="nothing has arrived",
        ),
        Published,
    )  # fmt: skip
    assert outcomes(await run(installation, people)) == {"person:lost": "created"}
    assert [name for name, _ in mailed(installation)] == ["anna", "ben", "lost", "gone", "lost"]


@pytest.mark.parametrize("missing", ["smtp_url", "people"])
async def test_without_what_it_needs_it_says_so_and_nothing_is_lost(
    installation: Installation, missing: str
) -> None:
    changes: dict[str, Any] = {"smtp_url": None} if missing == "smtp_url" else {}
    await installation.start(**changes)
    await waiting(installation, 1, days=0)
    people = [] if missing == "people" else [person("ada")]
    told = await run(installation, people)
    codes = {record.failure.code for record in told.records if record.failure}
    if missing == "people":
        assert codes == {"nobody_to_remind"}
        assert outcomes(await run(installation, [person("ada")])) == {"person:ada": "created"}
    else:
        assert told.end.failure is not None
        assert told.end.failure.code == "mail_server_missing"
