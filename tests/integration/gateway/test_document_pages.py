"""The list, the pages and the pictures of documents as a browser and a program get them."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from services.documents import handlers
from shared.database import Pool
from shared.events import DocumentUploaded
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_approvals import arrived, invoice, paying_site
from tests.integration.gateway.test_pages import browser
from tests.integration.gateway.test_sessions import csrf, set_password, signed_in
from tests.unit.documents.papers import encrypted, typed_pdf

__all__ = ["paying_site"]

PROGRAM = b"MZ\x90\x00" + bytes(60)


def page_of(site: Site, client: httpx.AsyncClient) -> httpx.AsyncClient:
    return browser(site, client.headers["Authorization"].removeprefix("Bearer "))


async def shows(page: httpx.AsyncClient, path: str, words: str) -> str:
    """Load a page again until it says so."""
    async with asyncio.timeout(60):
        while True:
            answer = await page.get(path)
            if words in answer.text:
                return answer.text
            await asyncio.sleep(0.05)


def sent(*files: tuple[str, bytes]) -> dict[str, Any]:
    return {"files": [("file", (name, content)) for name, content in files]}


async def test_a_document_is_listed_shown_and_pictured(paying_site: Site) -> None:
    site = paying_site
    ada = await site.user("ada", roles=("accounting", "uploader"))
    page = page_of(site, ada)
    document = await arrived(ada)
    place = f"/documents/{document}"

    [listed] = (await ada.get("/documents", params={"stage": "invoice", "text": "INVOICE"})).json()["items"]
    assert (listed["document_id"], listed["amount"], listed["approval"]) == (document, "1190.00", "waiting")
    assert (await ada.get("/documents", params={"kind": "mail"})).json() == {"items": [], "next_cursor": None}
    for wrong in (
        {"kind": "paper"},
        {"stage": "lost"},
        {"colour": "red"},
        {"parent": "x"},
        {"client": "beta"},
    ):
        assert (await ada.get("/documents", params=wrong)).status_code == (404 if "client" in wrong else 422)
    overview = (await page.get("/documents")).text
    assert f'href="{place}"' in overview
    assert "waiting for approval" in overview
    assert 'href="/documents" aria-current="page"' in overview
    assert "No document fits" in (await page.get("/documents?text=nothing+so")).text

    await shows(page, place, "It waits for approval by the role accounting")
    # On a busy machine the picture is not there as fast as the rest.
    text = await shows(page, place, "<rect data-places")
    assert 'data-moving="false"' in text
    assert 'data-field="iban"' in text
    assert "DE75 5121 0800 1245 1261 99" in text, "an IBAN is read in groups"
    assert re.search(r'<rect data-places="[^"]*\binvoice_number\b[^"]*"[^>]* x="\d', text), (
        "the place of a field is marked"
    )
    assert f"/approvals/{document}" in text
    assert f"p.document={document}" in text, "a step can be started again"
    assert re.search(r'<img src="/api/v1/documents/[^"]+/pages/1/image\?width=900"[^>]* width="900"', text)
    german = (await page.get(place, headers={"Accept-Language": "de-CH"})).text
    assert "Es wartet auf die Freigabe durch die Rolle accounting" in german
    fragment = (await page.get(place, params={"fragment": "true"})).text
    assert fragment.lstrip().startswith('<div id="document"')
    found = re.search(r'href="(/runs/[0-9a-f-]{36})"', text)
    assert found is not None
    assert f'href="{place}"' in (await page.get(found[1])).text, "a run leads to its document"
    assert f'href="{place}"' in (await page.get("/search?q=invoice.pdf")).text
    approval = (await page.get(f"/approvals/{document}")).text
    assert f"/api/v1/documents/{document}/pages/1/image" in approval

    image = await ada.get(f"{place}/pages/1/image")
    assert (image.status_code, image.headers["content-type"]) == (200, "image/webp")
    assert image.content[8:12] == b"WEBP"
    assert int(image.headers["content-length"]) == len(image.content)
    assert image.headers["cache-control"] == "private, no-cache"
    assert image.headers["x-content-type-options"] == "nosniff"
    known = await ada.get(f"{place}/pages/1/image", headers={"If-None-Match": image.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    close = await ada.get(f"{place}/pages/1/image", params={"width": 1800})
    assert close.headers["etag"] != image.headers["etag"]
    assert (await ada.get(f"{place}/pages/1/image", params={"width": 5000})).status_code == 422
    beyond = (await ada.get(f"{place}/pages/2/image")).json()
    assert (beyond["code"], beyond["status"]) == ("page_not_found", 404)


async def test_a_foreign_document_has_no_page_and_no_picture(paying_site: Site) -> None:
    site = paying_site
    ada = await site.user("ada", roles=("accounting", "uploader"))
    document = await arrived(ada)
    sam = await site.user("sam", roles=("accounting",), clients=("beta",))
    missing = UUID(int=4711)
    for path in ("", "/pages/1/image", "/pages/9/image"):
        foreign, none = [await sam.get(f"/documents/{id}{path}") for id in (document, missing)]
        assert foreign.status_code == none.status_code == 404
        assert foreign.json()["code"] == none.json()["code"] == "document_not_found"
    page = page_of(site, sam)
    assert (await page.get(f"/documents/{document}")).status_code == 404
    assert document not in (await page.get("/documents")).text
    assert (await sam.get("/documents")).json()["items"] == []
    entries = [e for e in await site.audited("access_refused", 4) if e.principal == "sam"]
    assert {entry.concern for entry in entries} == {f"document:{document}"}
    # Whoever may not upload sees no place for it, and is refused.
    otto = page_of(site, await site.user("otto"))
    read = await otto.get("/documents")
    assert document in read.text
    assert 'id="drop"' not in read.text
    refused = await otto.post("/documents", **sent(("a.pdf", typed_pdf("a"))))
    assert refused.status_code == 403
    assert "You may not do this" in refused.text


async def test_a_broken_document_says_why_it_was_not_read(paying_site: Site) -> None:
    site = paying_site
    uma = await site.user("uma", roles=("uploader",))
    page = page_of(site, uma)
    content = encrypted(typed_pdf("secret"), user="secret", owner="secret")
    [file] = (await uma.post("/documents", **sent(("locked.pdf", content)))).json()["files"]
    place = f"/documents/{file['document_id']}"
    text = await shows(page, place, "No PDF could be made of it")
    assert "the PDF is protected by a password" in text
    assert "save or print it without one" in text
    assert "not reached" in text
    assert "/pages/1/image" not in text
    listed = (await page.get("/documents")).text
    assert "could not be read" in listed
    assert "Why?" in listed
    # It is what needs attention, beside one that does not.
    fine = await arrived(uma)
    troubled = (await page.get("/documents?attention=true")).text
    assert f'id="row-{file["document_id"]}"' in troubled
    assert f'id="row-{fine}"' not in troubled
    nothing = (await page.get("/documents?attention=true&text=another")).text
    assert ("row-" in nothing, "No document fits" in nothing) == (False, True)
    early = (await uma.get(f"{place}/pages/1/image")).json()
    assert (early["code"], early["status"]) == ("file_not_ready", 404)


async def test_documents_can_be_looked_at_while_nobody_tells_of_runs(bare_site: Site) -> None:
    site = bare_site
    await site.start_gateway()
    await site.start("documents")
    await site.knows("documents.convert-to-pdf")
    uma = await site.user("uma", roles=("uploader",))
    [file] = (await uma.post("/documents", **sent(("letter.pdf", typed_pdf("a letter"))))).json()["files"]
    page = page_of(site, uma)
    text = await shows(page, f"/documents/{file['document_id']}", "/pages/1/image")
    assert "Its runs cannot be read now" in text
    listed = await page.get("/documents")
    assert (listed.status_code, "letter.pdf" in listed.text) == (200, True)


async def test_files_are_uploaded_without_scripts(paying_site: Site) -> None:
    site = paying_site
    ada = await site.user("ada", roles=("accounting", "uploader"), clients=("alpha", "beta"))
    page = page_of(site, ada)
    assert "For the client" in (await page.get("/documents")).text
    unclear = await page.post("/documents", **sent(("invoice.pdf", invoice())))
    assert unclear.status_code == 422
    assert "The client is not clear" in unclear.text
    one = await page.post("/documents", data={"client": "beta"}, **sent(("invoice.pdf", invoice())))
    assert one.status_code == 303
    place = one.headers["location"]
    # Nobody may have been told of it yet.
    assert "invoice.pdf" in (await page.get(place)).text
    again = await page.post("/documents", data={"client": "beta"}, **sent(("copy.pdf", invoice())))
    assert again.status_code == 200
    assert "was there already: the same content is the same document" in again.text
    assert f'href="{place}"' in again.text
    both = await page.post(
        "/documents", data={"client": "alpha"}, **sent(("new.pdf", typed_pdf("new")), ("<b>.exe", PROGRAM))
    )
    assert both.status_code == 200
    assert "was taken" in both.text
    assert "&lt;b&gt;.exe" in both.text
    assert "<b>.exe" not in both.text
    assert "a Windows program" in both.text
    assert "Next step" in both.text
    bad = await page.post("/documents", data={"client": "alpha"}, **sent(("a.exe", PROGRAM)))
    assert bad.status_code == 422
    alone = await page.post("/documents?fragment=true", data={"client": "alpha"}, **sent(("a.exe", PROGRAM)))
    assert (alone.status_code, "<html" in alone.text) == (200, False)
    assert 'data-outcome="refused"' in alone.text
    german = {"Accept-Language": "de-CH"}
    whole = await page.post("/documents?fragment=true", headers=german, **sent(("new.pdf", typed_pdf("new"))))
    assert whole.status_code == 422
    assert 'data-outcome="refused"' in whole.text
    assert "wurde nicht angenommen" in whole.text
    nothing = await page.post("/documents", files={"client": (None, "alpha")})
    assert nothing.status_code == 422
    assert "at least one file" in nothing.text


async def test_an_invoice_that_was_not_found_is_entered_by_hand(paying_site: Site) -> None:
    site = paying_site
    ada = await site.user("ada", roles=("accounting", "uploader"))
    page = page_of(site, ada)
    [file] = (await ada.post("/documents", **sent(("receipt.pdf", typed_pdf("Quittung"))))).json()["files"]
    place = f"/documents/{file['document_id']}"
    assert "It is an invoice: enter what it says" in await shows(page, place, "No invoice was found in this")
    said = {
        "issuer_name": "Bäckerei <Korn>",
        "payable_amount": "12.50",
        "currency": "CHF",
        "iban": "CH93 0000",
    }
    nothing = await page.post(f"{place}/invoice", data={"issuer_name": " "})
    assert (nothing.status_code, "none is filled in" in nothing.text) == (422, True)
    uma = page_of(site, await site.user("uma", roles=("uploader",)))
    assert (await uma.post(f"{place}/invoice", data=said)).status_code == 403
    wrong = await page.post(f"{place}/invoice", data=said)
    assert wrong.status_code == 422
    assert 'id="enter-iban-error"' in wrong.text
    assert 'value="Bäckerei &lt;Korn&gt;"' in wrong.text
    right = await page.post(f"{place}/invoice", data={**said, "iban": "CH93 0076 2011 6238 5295 7"})
    assert (right.status_code, right.headers["location"]) == (303, place)
    text = await shows(page, place, "It waits for approval by the role accounting")
    assert "a person" in text
    assert "enter what it says" not in text
    foreign = page_of(site, await site.user("sam", roles=("accounting",), clients=("beta",)))
    assert (await foreign.post(f"{place}/invoice", data=said)).status_code == 404


async def test_a_form_with_files_needs_the_token_of_its_session(site: Site) -> None:
    await site.start("documents")
    await site.knows("documents.convert-to-pdf")
    await site.user("ada", roles=("uploader",))
    await set_password(site, "ada")
    client = await signed_in(site)
    accept = {"Accept": "text/html"}
    read = await client.get("/documents", headers=accept)
    found = re.search(r'action="(/documents\?csrf_token=[^"]+)"', read.text)
    assert found is not None
    action = found[1].replace("&amp;", "&")
    for path in ("/documents", "/documents?csrf_token=forged"):
        refused = await client.post(path, headers=accept, **sent(("a.pdf", typed_pdf("a"))))
        assert refused.status_code == 403
        assert "request_forged" in refused.text or "not made by a page" in refused.text
    origin = {"Origin": "https://evil.example", **accept}
    foreign = await client.post(action, headers=origin, **sent(("a.pdf", typed_pdf("a"))))
    assert foreign.status_code == 403
    taken = await client.post(action, headers=accept, **sent(("a.pdf", typed_pdf("a"))))
    assert taken.status_code == 303
    assert re.fullmatch(r"/documents/[0-9a-f-]{36}", urlsplit(taken.headers["location"]).path)
    # A script of the page says it in a header.
    scripted = await client.post("/api/v1/documents", headers=csrf(client), **sent(("a.pdf", typed_pdf("a"))))
    assert scripted.json()["files"][0]["duplicate"]


async def test_what_was_just_uploaded_is_never_invisible(
    bare_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = bare_site
    told = asyncio.Event()
    record = handlers.record_document_uploaded

    async def late(pool: Pool, event: DocumentUploaded) -> None:
        """The documents service does not come to the event yet."""
        await told.wait()
        await record(pool, event)

    monkeypatch.setattr(handlers, "record_document_uploaded", late)
    await site.start("status")
    await site.start_gateway()
    await site.start("documents")
    await site.knows("documents.convert-to-pdf")
    uma = await site.user("uma", roles=("uploader",))
    [file] = (await uma.post("/documents", **sent(("late.pdf", typed_pdf("late"))))).json()["files"]
    place = f"/documents/{file['document_id']}"

    async def listed(client: httpx.AsyncClient, **wanted: str) -> list[tuple[str, str]]:
        answer = await client.get("/documents", params=wanted)
        return [(row["document_id"], row["stage"]) for row in answer.json()["items"]]

    there = [(file["document_id"], "uploaded")]
    assert await listed(uma) == await listed(uma, text="LATE", stage="uploaded", kind="pdf") == there
    assert await listed(uma, text="early") == await listed(uma, stage="read") == []
    assert await listed(await site.user("sam", roles=("uploader",), clients=("beta",))) == []
    page = page_of(site, uma)
    assert "late.pdf" in (await page.get("/documents")).text
    text = (await page.get(place)).text
    assert "It has come in; what is to be done with it starts by itself." in text
    assert 'data-moving="true"' in text
    early = (await uma.get(f"{place}/pages/1/image")).json()
    assert (early["code"], early["retryable"]) == ("file_not_ready", True)

    told.set()
    await shows(page, place, "It was read. No invoice was found in it.")
    assert await listed(uma) == [(file["document_id"], "read")], "and not twice"
