"""From a real upload to its text, through the documents service, as the command line does it."""

import asyncio
from pathlib import Path

import httpx
from httpx_sse import aconnect_sse

from tests.integration.gateway.site import Site

SAMPLES = Path(__file__).parents[3] / "samples"


async def follow(client: httpx.AsyncClient, run_id: str) -> list[str]:
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events", params={"wait": 15}) as source:
        assert source.response.status_code == 200
        return [event.event async for event in source.aiter_sse()]


async def test_an_upload_starts_its_run_by_itself_and_ends_in_a_text(working_site: Site) -> None:
    site = working_site
    await site.start("documents")
    await site.knows("documents.convert-to-pdf")
    uma = await site.user("uma", roles=("uploader",))
    sample = SAMPLES / "offer-with-text-layer.pdf"
    with sample.open("rb") as file:
        uploaded = await uma.post("/documents", files={"file": (sample.name, file, "application/pdf")})
    assert uploaded.status_code == 201, uploaded.text
    [document] = uploaded.json()["files"]
    [run] = document["runs"]
    assert run["job"] == "documents.convert-to-pdf"
    # Asked at once: the run is not requested yet.
    seen = await follow(uma, run["run_id"])
    assert seen[0] == "requested"
    assert seen[-2:] == ["finished", "end"]
    detail = (await uma.get(f"/runs/{run['run_id']}", params={"wait": 10})).json()
    assert detail["state"] == "succeeded", detail["failure"]
    assert detail["principal"] == "uma"
    assert detail["trigger"] == "event"
    assert detail["cause"]["event_id"] == document["event_id"]
    assert detail["about"] == [f"document:{document['document_id']}"]

    about = {"about": f"document:{document['document_id']}"}
    async with asyncio.timeout(60):
        while len(runs := (await uma.get("/runs", params=about)).json()["items"]) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    analysis, ocr, conversion = runs
    assert conversion["run_id"] == run["run_id"]
    assert (ocr["job"], analysis["job"]) == ("documents.ocr", "documents.analyse-invoice")
    assert ocr["cause"]["run_id"] == conversion["run_id"], "the chain of a document is linked by cause"
    assert analysis["cause"]["run_id"] == ocr["run_id"]
    ended = (await uma.get(f"/runs/{analysis['run_id']}", params={"wait": 15})).json()
    assert ended["state"] == "succeeded", ended["failure"]

    place = f"/documents/{document['document_id']}"
    known = (await uma.get(place)).json()
    assert known["page_count"] == len(known["pages"]) > 0
    assert known["invoice"] is None, "an offer is no invoice"
    text = await uma.get(f"{place}/files/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(text.text.split()) > 20
    pdf = await uma.get(f"{place}/files/searchable-pdf")
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-disposition"].startswith('attachment; filename="offer-with-text-layer')
    # What an upload answers with are the runs that it starts itself.
    with sample.open("rb") as file:
        again = await uma.post("/documents", files={"file": (sample.name, file, "application/pdf")})
    assert again.json()["files"][0]["runs"] == document["runs"]


async def test_uploaded_twice_at_once_by_two_people_it_is_one_run(working_site: Site) -> None:
    site = working_site
    await site.start("documents")
    await site.knows("documents.convert-to-pdf")
    uma, ugo = await site.user("uma", roles=("uploader",)), await site.user("ugo", roles=("uploader",))
    content = (SAMPLES / "offer-with-text-layer.pdf").read_bytes()
    responses = await asyncio.gather(
        *(client.post("/documents", files={"file": ("offer.pdf", content)}) for client in (uma, ugo) * 3)
    )
    assert sorted(response.status_code for response in responses) == [200] * 5 + [201]
    [run_id] = {response.json()["files"][0]["runs"][0]["run_id"] for response in responses}
    for client in (uma, ugo):
        detail = (await client.get(f"/runs/{run_id}", params={"wait": 15})).json()
        assert detail["state"] == "succeeded"
    listed = (await ugo.get("/runs", params={"job": "documents.convert-to-pdf"})).json()["items"]
    assert len(listed) == 1
