"""Payments over HTTP: confirmed by a person, made, seen by who may, downloaded, answered by the bank."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.demo.bank import status_report
from deploy.local.accounts import EXAMPLE
from services.integrations.app import build as build_integrations
from shared.events import InvoiceApproved
from tests.integration.gateway.site import Site
from tests.support.payments import approved

CREATE, UPDATE = "integrations.create-payment-file", "integrations.update-payment-status"


@pytest.fixture
async def payments_site(site: Site, tmp_path: Path) -> AsyncIterator[Site]:
    """The integrations service runs with accounts of the client alpha."""
    file = tmp_path / "accounts.toml"
    file.write_text(EXAMPLE.replace("clients.main", "clients.alpha"))
    service = build_integrations(site.settings("integrations", accounts_file=file))
    await service.start()
    await site.knows("integrations.create-payment-file")
    yield site
    await service.stop()


async def known(client: httpx.AsyncClient, event: InvoiceApproved) -> None:
    """Wait until the service knows the approval."""
    async with asyncio.timeout(60):
        while not any(  # noqa: ASYNC110  (nobody tells)
            item["document_id"] == str(event.document_id)
            for item in (await client.get("/payables")).json()["items"]
        ):
            await asyncio.sleep(0.05)


async def run(client: httpx.AsyncClient, job: str, **body: Any) -> dict[str, Any]:
    started = await client.post(f"/jobs/{job}/runs", json={"client": "alpha", **body})
    assert started.status_code == 202, started.text
    ended: dict[str, Any] = (await client.get(f"/runs/{started.json()['run_id']}?wait=30")).json()
    return ended


async def test_from_a_confirmed_start_to_the_answer_of_the_bank(payments_site: Site) -> None:
    ada = await payments_site.user("ada", roles=("accounting",))
    event = approved("qrr", client="alpha")
    await payments_site.bus.publish("event.invoice.approved", event.encode(), msg_id=str(event.id))
    await known(ada, event)

    refused = await ada.post(f"/jobs/{CREATE}/runs", json={"client": "alpha"})
    assert refused.json()["code"] == "confirmation_required"
    ended = await run(ada, CREATE, confirm=CREATE, reason="weekly payments")
    assert (ended["state"], ended["counts"]) == ("succeeded", {"created": 2})
    (file,) = (await ada.get("/payments/files")).json()["items"]
    place = f"/payments/files/{file['file_id']}"
    content = await ada.get(f"{place}/content")
    assert content.headers["content-disposition"] == f'attachment; filename="{file["file_id"]}.xml"'
    assert (len(content.content), content.content[:5]) == (file["size"], b"<?xml")

    report = status_report(content.content, {f"{event.document_id.hex}-01": "AC04"})
    upload = await ada.post("/files", files={"file": ("s.xml", report)}, data={"client": "alpha"})
    ended = await run(ada, UPDATE, parameters={"file": upload.json()["reference"]})
    assert ended["counts"] == {"updated": 1}
    (order,) = (await ada.get(place)).json()["orders"]
    assert (order["state"], order["reason"]) == ("rejected", "AC04: the account is closed")
    (payable,) = (await ada.get("/payables?state=open")).json()["items"]
    assert payable["held"] == "the bank rejected its payment: AC04: the account is closed"

    await others_see_nothing(payments_site, place)


async def others_see_nothing(site: Site, place: str) -> None:
    """Files are seen by who sees the job, invoices by who acts for the client."""
    eve = await site.user("eve", roles=("accounting",), clients=("beta",))
    assert (await eve.get("/payables")).json()["items"] == []
    assert (await eve.get("/payments/files")).json()["items"] == []
    for path in (place, f"{place}/content"):
        answer = await eve.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "payment_file_not_found")
    for path in ("/payables?client=alpha", "/payments/files?client=alpha"):
        assert (await eve.get(path)).json()["code"] == "client_not_found"
    plain = await site.user("plain", roles=())
    assert (await plain.get("/payables")).status_code == 200
    for path in ("/payments/files", place, f"{place}/content"):
        assert (await plain.get(path)).json()["code"] == "job_not_found", path


async def test_queries_that_make_no_sense_are_refused(payments_site: Site) -> None:
    for query in ("/payables?state=lost", "/payables?cursor=x", "/payments/files?limit=0"):
        refused = await payments_site.admin.get(query)
        assert refused.status_code == 422, (query, refused.text)


async def test_without_the_service_the_answer_says_so(site: Site) -> None:
    refused = await site.admin.get("/payables")
    assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
