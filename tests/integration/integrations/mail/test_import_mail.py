"""Mailboxes on a real IMAP server become documents: each mail once, and moved only when it is stored."""

import asyncio
import email.message
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.local.ports import free_port
from shared import subjects
from shared.commands import ProbeAnswer, ProbeQuery
from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    Called,
    DocumentUploaded,
    Finished,
    Logged,
    Requested,
    decode_business_event,
    decode_run_event,
)
from shared.files import Files, open_store
from shared.ids import new_id
from shared.intake import original_key
from shared.requests import request_run
from shared.subjects import RunSubjects
from shared.words import CheckVerdict, Lane, Outcome, RunState, Trigger
from tests.integration.integrations.conftest import Installation
from tests.support.engine import Told
from tests.support.mail_server import PASSWORD, MailServer

JOB = "integrations.import-mail"


def mail(subject: str, size: int = 0) -> bytes:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.org", "desk@example.org", subject
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@example.org>"
    message.set_content("See the attachment.\n" + "x" * size)
    message.add_attachment(f"Invoice {subject}", filename="invoice.txt")
    message.set_boundary("the same each time")
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


class Desk:
    """A client with a mailbox of its own, and what became of its mails."""

    def __init__(self, installation: Installation, server: MailServer, folder: Path) -> None:
        self.installation = installation
        self.server = server
        self.client = f"c{uuid4().hex[:8]}"
        self._folder = folder

    async def start(self, *, settings: dict[str, Any] | None = None, **changes: str) -> None:
        """The service, with `changes` in its file of mailboxes."""
        path = self.server.mailboxes(self._folder / "mailboxes.toml", self.client, **changes)
        await self.installation.start(mailboxes_file=path, **(settings or {}))

    def deliver(self, *mails: bytes, folder: str = "inbox") -> None:
        self.server.deliver(f"{self.client}-{folder}", *mails)

    def holds(self) -> dict[str, int]:
        """How many mails lie where."""
        return {
            name: len(self.server.holds(f"{self.client}-{name}")) for name in ("inbox", "imported", "refused")
        }

    async def run(self) -> Told:
        run_id = await self.installation.request(job=JOB, client=self.client)
        return await self.installation.ended(run_id, job=JOB)

    async def rerun(self, of: Told, key: str) -> Told:
        request = Requested(
            run_id=new_id(), job=JOB, client=self.client, principal="ada", effective_principal="ada",
            trigger=Trigger.RERUN, rerun_of=of.run_id, only_records=[key],
        )  # fmt: skip
        await request_run(self.installation.bus, request, Lane.INTERACTIVE)
        return await self.installation.ended(request.run_id, job=JOB)

    async def failure(self, run_id: UUID) -> tuple[Failure, bool]:
        """Why the first attempt failed, and whether another one follows."""
        while True:
            messages = await self.installation.bus.read(subjects.RUNS, RunSubjects(JOB, run_id).all)
            for event in (decode_run_event(message.data) for message in messages):
                if isinstance(event, AttemptFailed):
                    return event.failure, True
                if isinstance(event, Finished):
                    assert event.failure is not None
                    return event.failure, False
            await asyncio.sleep(0.05)

    async def uploads(self) -> list[DocumentUploaded]:
        messages = await self.installation.bus.read(subjects.EVENTS, "event.document.uploaded")
        events = [decode_business_event(message.data) for message in messages]
        return [one for one in events if isinstance(one, DocumentUploaded) and one.client == self.client]

    def files(self) -> Files:
        return Files(open_store(self.installation.settings().files_url), self.client)


@pytest.fixture
def desk(installation: Installation, mail_server: MailServer, tmp_path: Path) -> Desk:
    return Desk(installation, mail_server, tmp_path)


def calls_of(told: Told, operation: str) -> int:
    return sum(
        call.operation == operation
        for event in told.events
        if isinstance(event, Called)
        for call in event.calls
    )


def outcomes(told: Told) -> dict[str | None, Outcome]:
    return {record.label: record.outcome for record in told.records}


async def test_a_mail_becomes_a_document_once_and_what_is_none_is_refused_with_its_reason(desk: Desk) -> None:
    broken, large = b"\xff\xd8\xff no mail", mail("Large", 60_000)
    desk.deliver(mail("Invoice 4711"), broken, large, mail("Offer: 3/4"))
    await desk.start(settings={"upload_limit": 50_000})
    told = await desk.run()

    assert told.end.state is RunState.PARTIALLY_FAILED
    assert {record.label: record.failure and record.failure.code for record in told.records} == {
        "Invoice 4711.eml": None,
        "mail.eml": "mail_malformed",
        "Large.eml": "mail_too_large",
        "Offer 3 4.eml": None,
    }
    assert desk.holds() == {"inbox": 0, "imported": 2, "refused": 2}
    first, _ = await desk.uploads()
    assert (first.file_name, first.media_type, first.run_id) == (
        "Invoice 4711.eml", "message/rfc822", told.run_id,
    )  # fmt: skip
    assert await desk.files().get(original_key(first.document_id)) == mail("Invoice 4711")
    assert calls_of(told, "fetch mail") == 3, "one was too large to be fetched"

    # Again, and again with the same mail that somebody forwards unchanged.
    assert (await desk.run()).records == []
    desk.deliver(mail("Invoice 4711"))
    assert outcomes(await desk.run()) == {"Invoice 4711.eml": Outcome.UNCHANGED}
    assert len(await desk.uploads()) == 2

    # What a person moves back is read again, with whatever limit there is now.
    await desk.installation.stop()
    await desk.start()
    desk.deliver(large)
    assert outcomes(await desk.run()) == {"Large.eml": Outcome.CREATED}


async def test_a_rerun_of_failed_mails_finds_them_among_the_refused_ones(desk: Desk) -> None:
    desk.deliver(mail("Large", 60_000), b"no mail at all")
    await desk.start(settings={"upload_limit": 50_000})
    told = await desk.run()
    (key,) = [record.key for record in told.records if record.label == "Large.eml"]
    await desk.installation.stop()
    await desk.start()
    desk.deliver(mail("Another"))
    again = await desk.rerun(told, key)
    assert outcomes(again) == {"Large.eml": Outcome.CREATED}
    assert desk.holds() == {"inbox": 1, "imported": 1, "refused": 1}


async def test_a_mail_that_cannot_be_moved_stays_and_is_not_fetched_again(desk: Desk) -> None:
    # A folder that only holds others takes no mails.
    desk.deliver(folder="closed/below")
    desk.deliver(mail("One"), mail("Two"))
    await desk.start(imported=f"{desk.client}-closed")
    told = await desk.run()
    assert told.end.state is RunState.SUCCEEDED
    assert outcomes(told) == {"One.eml": Outcome.CREATED, "Two.eml": Outcome.CREATED}
    lines = [line for event in told.events if isinstance(event, Logged) for line in event.lines]
    assert [line.message for line in lines] == ["mails cannot be moved, and stay where they are"]

    desk.deliver(mail("Three"))
    told = await desk.run()
    assert (outcomes(told), calls_of(told, "fetch mail")) == ({"Three.eml": Outcome.CREATED}, 1)

    # The same numbers mean other mails in a folder that was made anew: all are read, none is new.
    desk.server.make_anew(f"{desk.client}-inbox")
    told = await desk.run()
    assert (set(outcomes(told).values()), calls_of(told, "fetch mail")) == ({Outcome.UNCHANGED}, 3)
    assert len(await desk.uploads()) == 3

    # Once the server takes them, they are moved without being read.
    await desk.installation.stop()
    await desk.start()
    told = await desk.run()
    assert (told.records, calls_of(told, "fetch mail"), calls_of(told, "move mail")) == ([], 0, 3)
    assert desk.holds() == {"inbox": 0, "imported": 3, "refused": 0}


def change_port(path: Path) -> None:
    path.write_text(path.read_text().replace("port = ", f"port = {free_port()} # "))


def change_password(path: Path) -> None:
    (path.parent / "mail.password").write_text("another-s3cret")


def no_password(path: Path) -> None:
    (path.parent / "mail.password").unlink()


@pytest.mark.parametrize(
    ("changes", "meddle", "code", "retried"),
    [
        ({}, change_password, "credentials_rejected", False),
        ({}, no_password, "mail_password_missing", False),
        ({"folder": "nowhere"}, None, "mail_folder_missing", False),
        ({"security": "starttls"}, None, "mail_server_untrusted", False),
        ({}, change_port, "external_system_unavailable", True),
    ],
)
async def test_a_mailbox_that_cannot_be_read_says_why_before_a_start_and_in_the_run_and_never_the_password(
    desk: Desk,
    tmp_path: Path,
    changes: dict[str, str],
    meddle: Callable[[Path], None] | None,
    code: str,
    retried: bool,
) -> None:
    desk.deliver(mail("One"))
    path = desk.server.mailboxes(tmp_path / "mailboxes.toml", desk.client, **changes)
    if meddle is not None:
        meddle(path)
    await desk.installation.start(mailboxes_file=path)
    probed = await desk.installation.bus.ask(
        subjects.probe("integrations"), ProbeQuery(client=desk.client, names=["mail-server"]), ProbeAnswer
    )
    assert [(one.verdict, one.code) for one in probed.items] == [(CheckVerdict.WARNING, code)]
    run_id = await desk.installation.request(job=JOB, client=desk.client)
    failure, tried_again = await desk.failure(run_id)
    assert (failure.code, tried_again) == (code, retried)
    everything = [
        message.data
        for stream in (subjects.RUNS, subjects.EVENTS, subjects.AUDIT)
        for message in await desk.installation.bus.read(stream, ">")
    ]
    said = b"".join(everything).decode() + probed.model_dump_json()
    assert code in said
    assert PASSWORD not in said
    assert "another-s3cret" not in said


async def test_a_mailbox_over_tls_is_read_and_tells_before_a_start_what_waits(desk: Desk) -> None:
    desk.deliver(mail("One"), mail("Two"))
    await desk.start(security="starttls", ca_file="mail-authority.pem")
    probed = await desk.installation.bus.ask(
        subjects.probe("integrations"), ProbeQuery(client=desk.client, names=["mail-server"]), ProbeAnswer
    )
    assert [(one.verdict, one.words) for one in probed.items] == [
        (CheckVerdict.OK, "signed in; 2 mails wait")
    ]
    told = await desk.run()
    assert set(outcomes(told).values()) == {Outcome.CREATED}


async def test_a_client_without_a_mailbox_has_nothing_to_do(desk: Desk) -> None:
    await desk.installation.start()
    told = await desk.run()
    assert (told.end.state, told.records) == (RunState.SUCCEEDED, [])
