"""Approvals over HTTP: by roles and clients, each step told, audited and shown in the document's chain."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.gateway.site import Site
from tests.unit.documents.papers import lines_pdf


def invoice(number: str = "2026-0815") -> bytes:
    return lines_pdf(
        "Nordlicht Druck GmbH", f"Rechnung Nr. {number} vom 12.03.2026", "Nettobetrag|1.000,00 EUR",
        "19 % MwSt.|190,00 EUR", "Rechnungsbetrag|1.190,00 EUR", "IBAN|DE75 5121 0800 1245 1261 99",
    )  # fmt: skip


@pytest.fixture
async def paying_site(working_site: Site) -> Site:
    await working_site.start("documents")
    await working_site.knows("documents.convert-to-pdf")
    return working_site


async def arrived(client: httpx.AsyncClient, content: bytes | None = None) -> str:
    """Upload an invoice and wait for its approval to be requested."""
    uploaded = await client.post("/documents", files={"file": ("invoice.pdf", content or invoice())})
    document = str(uploaded.json()["files"][0]["document_id"])
    async with asyncio.timeout(60):
        while (await client.get(f"/approvals/{document}")).status_code != 200:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)
    return document


async def approval_of(client: httpx.AsyncClient, document: str) -> dict[str, Any]:
    answer = await client.get(f"/approvals/{document}")
    assert answer.status_code == 200, answer.text
    approval: dict[str, Any] = answer.json()
    return approval


async def test_from_upload_to_approval_with_question_correction_and_two_readings(paying_site: Site) -> None:
    site = paying_site
    uma = await site.user("uma", roles=("uploader",))
    ada = await site.user("ada", roles=("accounting",))
    bea = await site.user("bea", roles=("accounting",))
    document = await arrived(uma)
    [listed] = (await ada.get("/approvals", params={"state": "waiting"})).json()["items"]
    assert (listed["document_id"], listed["amount"], listed["currency"]) == (document, "1190.00", "EUR")
    # There is no rate, so four eyes: the strictest rule that may be meant.
    approval = await approval_of(ada, document)
    assert approval["note"].startswith("there is no rate to compare EUR with CHF")
    assert (approval["approvals_needed"], approval["doubtful"]) == (2, ["issuer_name"])
    seen = {"values_version": approval["values_version"]}

    asked = await ada.post(f"/approvals/{document}/ask", json={"question": "Was this delivered?"})
    assert asked.json()["approval"]["state"] == "questioned"
    early = await bea.post(f"/approvals/{document}/approve", json={**seen, "confirm": ["issuer_name"]})
    assert (early.status_code, early.json()["code"]) == (409, "question_open")
    answered = await uma.post(f"/approvals/{document}/answer", json={"answer": "Yes, on Monday."})
    assert answered.json()["approval"]["state"] == "waiting"

    doubted = await ada.post(f"/approvals/{document}/approve", json=seen)
    assert (doubted.status_code, doubted.json()["code"]) == (422, "fields_doubtful")
    assert [error["field"] for error in doubted.json()["errors"]] == ["issuer_name"]
    place = f"/documents/{document}/invoice/corrections"
    wrong = await ada.post(place, json={"fields": {"iban": "CH93 0000", "issuer_name": "Nordlicht"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "correction_invalid")
    assert [error["field"] for error in wrong.json()["errors"]] == ["iban"]
    body = {"fields": {"issuer_name": "Nordlicht Druck AG"}, "reason": "the commercial register"}
    corrected = await ada.post(place, json=body)
    assert corrected.status_code == 200, corrected.text
    stale = await ada.post(f"/approvals/{document}/approve", json=seen)
    assert (stale.status_code, stale.json()["code"]) == (409, "values_changed")
    assert stale.json()["errors"] == [
        {"field": "issuer_name", "message": "Nordlicht Druck GmbH → Nordlicht Druck AG"}
    ]

    now = {"values_version": corrected.json()["approval"]["values_version"]}
    for client, state in ((ada, "waiting"), (ada, "waiting"), (bea, "approved")):
        taken = await client.post(f"/approvals/{document}/approve", json=now)
        assert taken.json()["approval"]["state"] == state, taken.text
    late = await ada.post(place, json={"fields": {"gross_amount": "1"}})
    assert (late.status_code, late.json()["code"]) == (409, "invoice_approved")
    detail = (await ada.get(f"/documents/{document}")).json()
    assert detail["approval"]["approved_by"] == ["ada", "bea"]

    actions = [entry.action for entry in await site.audited("*", 6)]
    for action in ("invoice_questioned", "invoice_answered", "invoice_corrected", "invoice_approved"):
        assert action in actions
    async with asyncio.timeout(60):
        while True:
            chain = (await ada.get(f"/documents/{document}/chain")).json()
            jobs = [entry["job"] for entry in chain["entries"] if entry["job"]]
            if "documents.learn-from-correction" in jobs:
                break
            await asyncio.sleep(0.05)
    assert {"documents.ocr", "documents.analyse-invoice", "documents.start-workflow"} <= set(jobs)
    kinds = [entry["kind"] for entry in chain["entries"] if entry["kind"] != "run"]
    assert kinds == [
        "uploaded", "requested", "questioned", "answered", "corrected", "changed", "approved", "approved",
    ]  # fmt: skip
    assert [entry["at"] for entry in chain["entries"]] == sorted(entry["at"] for entry in chain["entries"])
    assert chain["approval"] == "approved"


async def test_who_lacks_the_role_is_refused_and_who_may_not_see_finds_nothing(paying_site: Site) -> None:
    site = paying_site
    uma = await site.user("uma", roles=("uploader",))
    viewer = await site.user("viewer", roles=("approvals-viewer",))
    plain = await site.user("plain", roles=())
    eve = await site.user("eve", roles=("accounting", "administrator"), clients=("beta",))
    document = await arrived(uma)
    version = (await approval_of(viewer, document))["values_version"]
    steps = {
        "approve": {"values_version": version},
        "reject": {"reason": "because"},
        "ask": {"question": "why?"},
        "answer": {"answer": "so"},
    }
    places = {f"/approvals/{document}/{step}": body for step, body in steps.items()}
    places[f"/documents/{document}/invoice/corrections"] = {"fields": {"issuer_name": "X GmbH"}}
    for place, body in places.items():
        refused = await viewer.post(place, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "access_refused"), place
        assert "accounting" in refused.json()["roles_wanted"]
        for client in (plain, eve):
            hidden = await client.post(place, json=body)
            assert (hidden.status_code, hidden.json()["code"]) == (404, "document_not_found"), place
    missing = document[:-4] + "0000"
    for client in (plain, eve):
        one, two = await client.get(f"/approvals/{document}"), await client.get(f"/approvals/{missing}")
        assert one.status_code == two.status_code == 404
        assert one.json()["detail"].replace(document, "") == two.json()["detail"].replace(missing, "")
        assert (await client.get("/approvals")).json()["items"] == []
    assert (await plain.get(f"/documents/{document}")).json()["approval"] is None
    entries = await site.audited("access_refused", len(places))
    assert {(e.concern, e.client) for e in entries if e.principal == "viewer"} == {
        (f"document:{document}", "alpha")
    }
    assert (await eve.get("/approvals?client=alpha")).status_code == 404
    assert (await approval_of(viewer, document))["state"] == "waiting"


async def test_pages_of_approvals_lead_to_the_end(paying_site: Site) -> None:
    ada = await paying_site.user("ada", roles=("accounting", "uploader"))
    for number in range(3):
        await arrived(ada, invoice(f"2026-081{number}"))
    first = (await ada.get("/approvals?limit=2")).json()
    rest = (await ada.get("/approvals", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    found = [item["document_id"] for item in first["items"] + rest["items"]]
    assert len(set(found)) == 3
    repeats = [item["duplicate_of"] for item in first["items"] + rest["items"]]
    assert repeats.count(None) == 1, "the same issuer, amount and date: the later ones seem to be duplicates"
    assert rest.get("next_cursor") is None


async def test_queries_that_make_no_sense_are_refused(paying_site: Site) -> None:
    for query in ("state=lost", "limit=0", "cursor=x", "client=%00", "overdue=perhaps"):
        refused = await paying_site.admin.get(f"/approvals?{query}")
        assert refused.status_code == 422, (query, refused.text)


async def test_an_approval_is_taken_back_by_who_gave_it_and_the_payment_is_held(paying_site: Site) -> None:
    site = paying_site
    await site.start("integrations")
    ada = await site.user("ada", roles=("accounting", "uploader"))
    bea = await site.user("bea", roles=("accounting",))
    document = await arrived(ada)
    approve = f"/approvals/{document}/approve"
    for client in (ada, bea):
        seen = {"values_version": (await approval_of(ada, document))["values_version"]}
        await client.post(approve, json={**seen, "confirm": ["issuer_name"]})
    assert (await approval_of(ada, document))["state"] == "approved"
    place = f"/approvals/{document}/withdraw"
    taken = await ada.post(place, json={"reason": "clicked the wrong one"})
    assert taken.status_code == 200, taken.text
    assert (taken.json()["approval"]["state"], taken.json()["approval"]["approved_by"]) == (
        "waiting", ["bea"],
    )  # fmt: skip
    async with asyncio.timeout(15):
        while not (items := (await ada.get("/payables")).json()["items"]):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)
    assert items[0]["held"] == "ada withdrew the approval: clicked the wrong one"
    again = await ada.post(place, json={"reason": "clicked the wrong one"})
    assert again.json()["changed"] is False
    other = await ada.post(place, json={"reason": "another reason"})
    assert (other.status_code, other.json()["code"]) == (409, "not_approved_by_you")
    assert "approval_withdrawn" in [entry.action for entry in await site.audited("*", 3)]


async def test_a_document_that_nobody_knew_as_an_invoice_becomes_one_by_what_a_person_says(
    paying_site: Site,
) -> None:
    ada = await paying_site.user("ada", roles=("accounting", "uploader"))
    letter = lines_pdf("Nordlicht Druck GmbH", "Sehr geehrte Frau Muster", "wie besprochen 50 Franken.")
    uploaded = await ada.post("/documents", files={"file": ("letter.pdf", letter)})
    document = str(uploaded.json()["files"][0]["document_id"])
    fields = {
        "issuer_name": "Nordlicht Druck GmbH", "gross_amount": "50", "currency": "CHF",
        "iban": "CH93 0076 2011 6238 5295 7",
    }  # fmt: skip
    place = f"/documents/{document}/invoice/corrections"
    async with asyncio.timeout(30):
        while (await ada.get(f"/documents/{document}")).json().get("page_count") is None:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)
    taken = await ada.post(place, json={"fields": fields, "reason": "agreed by telephone"})
    assert taken.status_code == 200, taken.text
    async with asyncio.timeout(30):
        while (await ada.get(f"/approvals/{document}")).status_code != 200:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)
    seen = {"values_version": (await approval_of(ada, document))["values_version"]}
    approved = await ada.post(f"/approvals/{document}/approve", json=seen)
    assert approved.json()["approval"]["state"] == "approved", approved.text
    invoice = (await ada.get(f"/documents/{document}")).json()["invoice"]
    assert (invoice["source"], {field["source"] for field in invoice["fields"]}) == ("person", {"person"})
