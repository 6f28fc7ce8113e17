"""A due-date report from events to a mail that a real server takes, and what is told of it."""

import re
from typing import Any
from uuid import uuid5

import pytest

from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.commands import ReportQuery, ReportRow, ReportsPage, ReportsQuery, Scope
from shared.errors import TagwerkError
from shared.events import Call, Called, InvoiceApproved, InvoicePaid, Record
from shared.files import Files, open_store
from shared.words import CallOutcome, Outcome, RunState
from tests.integration.reporting.conftest import DOCUMENTS, Installation
from tests.support.engine import Told


def outcomes(told: Told) -> dict[str, str]:
    return {
        re.sub(r"[0-9a-f-]{36}", "<id>", record.label or record.key): record.outcome.value
        for record in told.records
    }


def record_of(told: Told, label: str) -> Record:
    (record,) = [record for record in told.records if record.label == label]
    return record


def calls_of(told: Told) -> list[Call]:
    return [call for event in told.events if isinstance(event, Called) for call in event.calls]


async def test_a_report_is_made_stored_mailed_and_put_into_the_folder_once(
    installation: Installation,
) -> None:
    await installation.start()
    await installation.invoice(1, days=-5)
    await installation.invoice(2, days=5, gross_amount="99.00")
    await installation.invoice(3, days=60)
    await installation.invoice(4, days=1, client="other")
    wish: dict[str, Any] = {
        "recipients": ["anna@example.com", "ANNA@example.com", "ben@example.com"],
        "folder": True,
    }

    told = await installation.run(formats=["csv", "pdf"], **wish)

    assert told.end.state is RunState.SUCCEEDED, told.end
    assert list(outcomes(told).values()) == ["created"] * 6, outcomes(told)
    mails = {caught.recipient: caught.mail for caught in installation.catcher.mails}
    assert sorted(mails) == ["anna@example.com", "ben@example.com"]
    page = await installation.bus.ask(
        subjects.query("reporting", "reports"), ReportsQuery(client="acme"), ReportsPage
    )
    (report,) = page.items
    assert (report.items, report.run_id) == (2, told.run_id)
    totals = [(total.currency, str(total.overdue), str(total.due)) for total in report.totals]
    assert totals == [("CHF", "120.50", "99.00")]
    files = Files(open_store(f"file://{installation.folder}/files"), "acme")
    stored = [await files.get(f"reports/{report.report_id}.{file.format}") for file in report.files]
    for mail in mails.values():
        assert [part.get_payload(decode=True) for part in mail.iter_attachments()] == stored
    folder = installation.folder / "reports" / "acme"
    assert sorted(path.read_bytes() for path in folder.iterdir() if path.is_file()) == sorted(stored)
    assert b"R-1," in stored[1]
    assert b"R-3," not in stored[1]
    assert {(call.system, call.outcome) for call in calls_of(told)} == {
        ("mail-server", CallOutcome.SUCCEEDED)
    }

    # The same again: nothing has changed, so nobody is told again.
    again = await installation.run(formats=["pdf", "csv"], **wish)
    assert (again.end.state, set(outcomes(again).values())) == (RunState.SUCCEEDED, {"unchanged"})
    assert len(installation.catcher.mails) == 2

    # An invoice is paid meanwhile: that is another report.
    await installation.tell(
        InvoicePaid(
            client="acme", principal="ada", document_id=uuid5(DOCUMENTS, "acme/1"), amount="120.50",
            currency="CHF", booked_on="2026-03-30", account="CH1", transaction="bank-transaction:1",
            matched_by="payment_id",
        )
    )  # fmt: skip
    await installation.knows("select exists(select from invoices where state = 'paid')")
    changed = await installation.run(formats=["csv"], recipients=["anna@example.com"])
    assert set(outcomes(changed).values()) == {"created"}
    assert len(installation.catcher.mails) == 3
    assert len({caught.id for caught in installation.catcher.mails}) == 3

    # Who does not act for the client finds nothing.
    for scope in (Scope(clients=frozenset({"other"})), Scope(jobs=frozenset())):
        query = ReportQuery(report_id=report.report_id, scope=scope)
        with pytest.raises(TagwerkError, match="there is no such report"):
            await installation.bus.ask(subjects.query("reporting", "report"), query, ReportRow)

    # The password went to the mail server and nowhere else.
    for stream in (subjects.RUNS, subjects.EVENTS, subjects.AUDIT):
        for message in await installation.bus.read(stream, subjects.STREAMS[stream][0]):
            assert b"s3cret" not in message.data


async def test_what_becomes_of_each_recipient_is_told_apart(installation: Installation) -> None:
    await installation.start()
    await installation.invoice(1, days=3)
    installation.catcher.refused["gone@example.com"] = "550 no such user"
    installation.catcher.broken.add("lost@example.com")
    recipients = ["gone@example.com", "lost@example.com", "anna@example.com"]

    foreseen = await installation.run(recipients=recipients, dry_run=True)
    assert set(outcomes(foreseen).values()) == {"skipped"}
    assert not installation.catcher.mails

    told = await installation.run(formats=["csv"], recipients=recipients)
    gone, lost = record_of(told, "gone@example.com"), record_of(told, "lost@example.com")
    assert gone.failure is not None
    assert (gone.outcome, gone.failure.code) == (Outcome.FAILED, "mail_refused")
    assert "550 no such user" in gone.failure.cause
    assert lost.failure is not None
    assert (lost.outcome, lost.failure.code) == (Outcome.UNKNOWN, "effect_in_doubt")
    assert record_of(told, "anna@example.com").outcome is Outcome.CREATED
    assert told.end.state is RunState.INTERRUPTED
    assert [doubt.record for doubt in told.end.in_doubt] == ["recipient:lost@example.com"]
    assert [caught.recipient for caught in installation.catcher.mails] == [
        "lost@example.com",
        "anna@example.com",
    ]


async def test_wrong_credentials_are_said_and_told_to_nobody(installation: Installation) -> None:
    wrong = installation.catcher.url.replace("s3cret", "wr0ng")
    await installation.start(smtp_url=wrong, mail_domains="example.com, example.org")
    await installation.tell(
        InvoiceApproved(
            client="acme", principal="ada", document_id=uuid5(DOCUMENTS, "acme/9"), kind="invoice",
            values={"gross_amount": "1.00"}, approved_by=["ada"],
        )
    )  # fmt: skip
    await installation.knows("select exists(select from invoices where state = 'to_pay')")
    told = await installation.run(formats=["csv"], recipients=["anna@example.com"])
    failure = record_of(told, "anna@example.com").failure
    assert failure is not None
    assert failure.code == "credentials_rejected"
    assert not any("wr0ng" in str(event) for event in told.events)

    elsewhere = await installation.run(recipients=["anna@evil.example"])
    assert elsewhere.end.failure is not None
    assert (elsewhere.end.failure.code, list(elsewhere.records)) == ("recipient_not_allowed", [])


async def test_a_kept_report_is_sent_to_more_people_and_to_nobody_twice(installation: Installation) -> None:
    await installation.start()
    ada = Principal(id="ada", name="Ada", roles=frozenset({"accounting"}), clients=frozenset({"*"}))
    await Bucket(installation.bus, subjects.PRINCIPALS, Principal).put("ada", ada)
    await installation.invoice(1, days=3)
    await installation.run(formats=["csv"], recipients=["anna@example.com"])
    job, both = "reporting.send-now", ["ANNA@example.com", "ben@example.com"]

    missing = await installation.run("other", job=job, recipients=both)
    assert missing.end.failure is not None
    assert missing.end.failure.code == "report_not_found"
    nobody = await installation.run(job=job)
    assert nobody.end.failure is not None
    assert nobody.end.failure.code == "nobody_to_send_to"
    foreseen = await installation.run(job=job, recipients=both, again="It was lost", dry_run=True)
    said = {record.label: record.message or "" for record in foreseen.records}
    assert said["ben@example.com"] == "it would be sent"
    assert said["ANNA@example.com"].endswith("it would be sent again: It was lost")

    # Ben has not had it; Anna has, and nobody says why she should have it again.
    sent = await installation.run(job=job, recipients=both)
    assert outcomes(sent) == {"ANNA@example.com": "unchanged", "ben@example.com": "created"}
    assert "has had this report before, on " in (record_of(sent, "ANNA@example.com").message or "")
    assert len(installation.catcher.mails) == 2

    # For a reason she has it once more, and only once for the same.
    page = await installation.bus.ask(
        subjects.query("reporting", "reports"), ReportsQuery(kind="due-dates"), ReportsPage
    )
    (report,) = page.items
    wish: dict[str, Any] = {"report": str(report.report_id), "again": "It was lost", "folder": True}
    again = await installation.run(job=job, recipients=["anna@example.com"], **wish)
    assert set(outcomes(again).values()) == {"created"}
    assert "sent again: It was lost" in (record_of(again, "anna@example.com").message or "")
    same = await installation.run(job=job, recipients=["anna@example.com"], **wish)
    # Carla is sent it for the first time, in a request that gives a reason: the same request changes nothing.
    first = await installation.run(job=job, recipients=["carla@example.com"], again="It was lost")
    assert "sent, Message-ID" in (record_of(first, "carla@example.com").message or "")
    wishes: list[dict[str, Any]] = [{"again": "It was lost"}, {}]
    for again_or_not in wishes:
        told = await installation.run(job=job, recipients=["carla@example.com"], **again_or_not)
        assert outcomes(told) == {"carla@example.com": "unchanged"}
    assert set(outcomes(same).values()) == {"unchanged"}
    assert len({caught.id for caught in installation.catcher.mails}) == len(installation.catcher.mails) == 4
    row = await installation.bus.ask(
        subjects.query("reporting", "report"), ReportQuery(report_id=report.report_id), ReportRow
    )
    mails = [(mail.address.lower(), mail.again, mail.run_id) for mail in row.mails]
    assert mails[:2] == [
        ("carla@example.com", None, first.run_id), ("anna@example.com", "It was lost", again.run_id),
    ]  # fmt: skip
    assert [one[:2] for one in mails[2:]] == [("ben@example.com", None), ("anna@example.com", None)]
    nothing = await installation.bus.ask(
        subjects.query("reporting", "reports"), ReportsQuery(kind="audit"), ReportsPage
    )
    assert nothing.items == []

    # What one may not see is not there.
    await Bucket(installation.bus, subjects.PRINCIPALS, Principal).put(
        "ada", ada.model_copy(update={"roles": frozenset()})
    )
    hidden = await installation.run(job=job, recipients=["eve@example.com"])
    assert hidden.end.failure is not None
    assert hidden.end.failure.code == "report_not_found"
