"""A document that came by one way is known by the others: upload and attachment, in both orders."""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from shared import subjects
from shared.events import DocumentUploaded, decode_business_event
from shared.ids import document_id_of
from tests.integration.gateway.site import Site

NOTE = b"Die Lieferung kommt am Montag.\n"


@pytest.fixture
async def site(bare_site: Site) -> Site:
    """The gateway, and the services that work off what is uploaded."""
    await bare_site.start("status", "documents")
    await bare_site.start_gateway()
    return bare_site


def mail_with_the_note() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ada@example.org", "desk@example.org", "Lieferung"
    mail.set_content("Siehe Anhang.")
    mail.add_attachment(NOTE.decode(), filename="note.txt")
    return mail.as_bytes()


def attached_note() -> bytes:
    """The attachment, byte by byte as it is taken out of the mail."""
    mail = email.message_from_bytes(mail_with_the_note(), policy=email.policy.default)
    (part,) = mail.iter_attachments()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


async def upload(http: httpx.AsyncClient, name: str, content: bytes) -> dict[str, Any]:
    answer = await http.post("/documents", files={"file": (name, content)})
    assert answer.status_code in (200, 201), answer.text
    (file,) = answer.json()["files"]
    assert isinstance(file, dict)
    return file


async def records_of(http: httpx.AsyncClient, run_id: str) -> dict[str, str]:
    """Outcome by key, once the run has ended."""
    async with asyncio.timeout(60):
        while True:
            run = await http.get(f"/runs/{run_id}", params={"wait": 15})
            if run.status_code == 200 and run.json()["state"] == "succeeded":
                break
            await asyncio.sleep(0.05)
    items = (await http.get(f"/runs/{run_id}/records")).json()["items"]
    return {item["key"]: item["outcome"] for item in items}


async def arrived(site: Site, count: int) -> None:
    """Wait until the gateway knows so many documents."""
    assert site.server is not None
    assert site.server.gateway is not None
    async with asyncio.timeout(60):
        while await site.server.gateway.pool.fetchval("select count(*) from arrivals") < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def told(site: Site) -> list[DocumentUploaded]:
    messages = await site.bus.read(subjects.EVENTS, "event.document.uploaded")
    events = [decode_business_event(message.data) for message in messages]
    return [event for event in events if isinstance(event, DocumentUploaded)]


async def test_what_came_with_a_mail_is_a_duplicate_when_it_is_uploaded(site: Site) -> None:
    uma = await site.user("uma", roles=("uploader",))
    mail = await upload(uma, "mail.eml", mail_with_the_note())
    (run,) = mail["runs"]
    records = await records_of(uma, run["run_id"])
    (note,) = [key for key in records if key.startswith("document:") and not key.endswith("pdf")]
    assert records[note] == "created"
    await arrived(site, 2)

    again = await upload(uma, "note of mine.txt", attached_note())

    assert f"document:{again['document_id']}" == note
    assert again["duplicate"]
    attached = [event for event in await told(site) if event.about == [note]]
    assert [event.parent_id for event in attached] == [document_id_of("alpha", mail["sha256"])]
    assert again["event_id"] == str(attached[0].id)
    assert again["runs"], "it answers with the runs that the first arrival started"


async def test_what_was_uploaded_is_no_new_document_when_a_mail_brings_it(site: Site) -> None:
    uma = await site.user("uma", roles=("uploader",))
    note = await upload(uma, "note.txt", attached_note())
    assert not note["duplicate"]
    await records_of(uma, note["runs"][0]["run_id"])

    mail = await upload(uma, "mail.eml", mail_with_the_note())

    records = await records_of(uma, mail["runs"][0]["run_id"])
    assert records[f"document:{note['document_id']}"] == "unchanged"
    assert [event.file_name for event in await told(site)] == ["note.txt", "mail.eml"]
