"""Uploads and downloads: stored once, told once, refused with reasons, and only for the own client."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared import subjects
from shared.access import Access
from shared.events import DocumentUploaded, decode_business_event
from shared.files import Files, open_store
from shared.ids import document_id_of, run_id_of
from shared.intake import original_key
from shared.words import Level
from tests.integration.gateway.site import Site

PDF = b"%PDF-1.7\n" + b"x" * 300
PNG = b"\x89PNG\r\n\x1a\n" + b"y" * 300
#: What nobody makes a document of.
PROGRAM = b"MZ\x90\x00" + bytes(60)
OCR = "desk.ocr"


@pytest.fixture
async def site(bare_site: Site) -> Site:
    """The gateway alone, and a job that uploads start."""
    await bare_site.start_gateway()
    access = Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"}))
    await bare_site.offer(OCR, on="event.document.uploaded", access=access)
    return bare_site


@pytest.fixture
async def clara(site: Site) -> httpx.AsyncClient:
    return await site.user("clara", roles=("clerk",))


async def upload(
    http: httpx.AsyncClient, *files: tuple[str, bytes], expected: int = 201, **fields: str
) -> dict[str, Any]:
    response = await http.post(
        "/documents", files=[("file", (name, content)) for name, content in files], data=fields
    )
    assert response.status_code == expected, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def told(site: Site) -> list[DocumentUploaded]:
    """Every upload event in the stream, once the outbox is empty."""
    async with asyncio.timeout(30):
        while True:
            assert site.server is not None
            assert site.server.gateway is not None
            if not await site.server.gateway.pool.fetchval("select count(*) from outbox"):
                break
            await asyncio.sleep(0.02)
    messages = await site.bus.read(subjects.EVENTS, "event.>")
    events = [decode_business_event(message.data) for message in messages]
    return [event for event in events if isinstance(event, DocumentUploaded)]


async def test_a_name_with_quotation_marks_and_a_line_end_is_read_as_it_was_meant(
    clara: httpx.AsyncClient,
) -> None:
    [file] = (await upload(clara, ('offer "A"\n100%.pdf', PDF)))["files"]
    assert file["file_name"] == 'offer "A"100%.pdf'


async def test_an_upload_is_stored_told_and_names_its_run(site: Site, clara: httpx.AsyncClient) -> None:
    answer = await upload(clara, ("invoice.pdf", PDF))
    [file] = answer["files"]
    sha256 = hashlib.sha256(PDF).hexdigest()
    document_id = document_id_of("alpha", sha256)
    assert file["document_id"] == str(document_id)
    assert (file["duplicate"], file["media_type"], file["size"]) == (False, "application/pdf", len(PDF))
    assert file["sha256"] == sha256
    [event] = await told(site)
    assert str(event.id) == file["event_id"]
    assert (event.client, event.principal, event.file_name) == ("alpha", "clara", "invoice.pdf")
    assert event.interactive
    assert event.traceparent is not None
    [run] = file["runs"]
    assert run["job"] == OCR
    assert run["run_id"] == str(run_id_of("alpha", "clara", OCR, str(event.id)))
    stored = await Files(open_store(f"file://{site.folder}/files"), "alpha").get(original_key(document_id))
    assert stored == PDF


async def test_the_same_bytes_again_are_the_same_document(site: Site, clara: httpx.AsyncClient) -> None:
    [first] = (await upload(clara, ("invoice.pdf", PDF)))["files"]
    [again] = (await upload(clara, ("copy.pdf", PDF), expected=200))["files"]
    assert again["duplicate"]
    assert (again["document_id"], again["event_id"]) == (first["document_id"], first["event_id"])
    assert again["runs"] == first["runs"]
    assert len(await told(site)) == 1


async def test_the_same_upload_many_times_at_once_is_one_document_and_one_event(
    site: Site, clara: httpx.AsyncClient
) -> None:
    carl = await site.user("carl", roles=("clerk",))
    content = PDF + b"z" * 200_000
    answers = await asyncio.gather(
        *(
            (clara, carl)[number % 2].post("/documents", files={"file": (f"{number}.pdf", content)})
            for number in range(16)
        )
    )
    assert sorted(a.status_code for a in answers) == [200] * 15 + [201]
    files = [a.json()["files"][0] for a in answers]
    assert len({(f["document_id"], f["event_id"], f["runs"][0]["run_id"]) for f in files}) == 1
    assert len(await told(site)) == 1


async def test_two_clients_have_a_document_each(site: Site) -> None:
    berta = await site.user("berta", roles=("clerk",), clients=("alpha", "beta"))
    [a] = (await upload(berta, ("invoice.pdf", PDF), client="alpha"))["files"]
    [b] = (await upload(berta, ("invoice.pdf", PDF), client="beta"))["files"]
    assert a["document_id"] != b["document_id"]
    assert (await upload(berta, ("invoice.pdf", PDF), expected=422))["code"] == "client_ambiguous"


async def test_a_bad_file_does_not_refuse_the_others(site: Site, clara: httpx.AsyncClient) -> None:
    answer = await upload(
        clara, ("good.pdf", PDF), ("bad.exe", PROGRAM), ("empty.pdf", b""), ("scan.png", PNG),
        ("huge.pdf", b"%PDF-" + b"0" * 1_000_000), interactive="false",
    )  # fmt: skip
    problems = [file.get("problem", {}).get("code") for file in answer["files"]]
    assert problems == [None, "file_type_unsupported", "file_empty", None, "file_too_large"]
    assert "1,000,005 bytes" in answer["files"][4]["problem"]["detail"]
    events = await told(site)
    assert [event.file_name for event in events] == ["good.pdf", "scan.png"]
    assert not any(event.interactive for event in events)


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("notes.exe", PROGRAM, 415, "file_type_unsupported"),
        ("empty.pdf", b"", 422, "file_empty"),
        ("huge.pdf", b"%PDF-" + b"0" * 1_000_000, 413, "file_too_large"),
        ("liar.png", PDF, 422, "file_type_mismatch"),
    ],
)
async def test_a_single_bad_file_is_told_as_what_it_is(
    clara: httpx.AsyncClient, name: str, content: bytes, status: int, code: str
) -> None:
    problem = await upload(clara, (name, content), expected=status)
    assert problem["code"] == code
    assert problem["files"][0]["problem"]["next_step"]


async def test_several_bad_files_are_told_together(site: Site, clara: httpx.AsyncClient) -> None:
    problem = await upload(clara, ("a.exe", PROGRAM), ("b.exe", PROGRAM), expected=422)
    assert problem["code"] == "upload_refused"
    assert [file["file_name"] for file in problem["files"]] == ["a.exe", "b.exe"]
    assert await told(site) == []


async def test_a_form_without_a_file_or_with_unknown_fields_is_refused(clara: httpx.AsyncClient) -> None:
    response = await clara.post("/documents", files={"client": (None, "alpha"), "cleint": (None, "x")})
    assert response.status_code == 422
    assert {error["field"] for error in response.json()["errors"]} == {"file", "cleint"}
    response = await clara.post("/documents", json={})
    assert response.status_code == 415
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await clara.post("/documents", content=b"--y\r\nnonsense", headers=broken)
    assert response.status_code == 422, response.text


async def test_a_request_beyond_every_limit_is_refused_before_it_is_read(
    site: Site, clara: httpx.AsyncClient
) -> None:
    """It says that it sends 10 GB, and sends nothing: the answer comes anyway."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n"
        + f"Authorization: Bearer {site.admin_token}\r\n\r\n".encode()
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert head.startswith(b"HTTP/1.1 413")
    writer.close()


async def test_nothing_of_an_upload_stays_on_disk(
    site: Site, clara: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    await upload(clara, ("a.pdf", PDF))
    await upload(clara, ("a.exe", PROGRAM), expected=415)

    async def broken() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-'
        raise ConnectionError("the client goes away")

    with pytest.raises(ConnectionError):
        await clara.post(
            "/documents", content=broken(), headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
    async with asyncio.timeout(30):
        while list(folder.iterdir()):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.02)


async def test_others_are_served_while_large_files_arrive(site: Site, clara: httpx.AsyncClient) -> None:
    content = b"%PDF-" + b"0" * 900_000
    files = [("file", (f"{n}.pdf", content + str(n).encode())) for n in range(8)]
    uploads = [asyncio.create_task(clara.post("/documents", files=files)) for _ in range(4)]
    served = 0
    while not all(task.done() for task in uploads):
        await clara.get("/me")
        served += 1
        await asyncio.sleep(0.01)
    assert all(task.result().status_code in (200, 201) for task in uploads)
    assert served >= 3


async def test_whoever_no_job_would_run_for_may_not_upload(site: Site) -> None:
    otto = await site.user("otto")
    problem = await upload(otto, ("invoice.pdf", PDF), expected=403)
    assert problem["code"] == "access_refused"
    assert "clerk" in problem["detail"]
    [entry] = [e for e in await site.audited("access_refused") if e.principal == "otto"]
    assert entry.client == "alpha"


async def test_a_client_that_is_not_mine_is_not_there(site: Site, clara: httpx.AsyncClient) -> None:
    for client in ("beta", "../alpha", "no-such", "alpha/../beta"):
        problem = await upload(clara, ("invoice.pdf", PDF), expected=404, client=client)
        assert problem["code"] == "client_not_found"
    for client in ("../x", "a/b", "", "."):
        response = await site.admin.post(
            "/documents", files={"file": ("a.pdf", PDF)}, data={"client": client}
        )
        assert response.status_code in ((201, 200) if client == "" else (404,))


async def test_a_document_can_be_read_and_downloaded_right_after_its_upload(
    site: Site, clara: httpx.AsyncClient
) -> None:
    """The documents service learns of it later; what the gateway stored is there already."""
    await site.start("documents")
    [file] = (await upload(clara, ('Rechnung März; 1".pdf', PDF)))["files"]
    place = f"/documents/{file['document_id']}"
    detail = await clara.get(place)
    assert detail.status_code == 200
    assert detail.json()["sha256"] == file["sha256"]
    original = await clara.get(f"{place}/files/original")
    assert original.content == PDF
    assert original.headers["content-type"] == "application/pdf"
    assert original.headers["x-content-type-options"] == "nosniff"
    assert original.headers["content-length"] == str(len(PDF))
    disposition = original.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=")
    assert "filename*=UTF-8''Rechnung%20M%C3%A4rz" in disposition
    assert "\n" not in disposition
    missing = await clara.get(f"{place}/files/text")
    assert missing.json()["code"] == "file_not_ready"
    assert (await clara.get(f"{place}/files/secrets")).status_code == 404


async def test_a_foreign_document_looks_like_a_missing_one(site: Site, clara: httpx.AsyncClient) -> None:
    await site.start("documents")
    [file] = (await upload(clara, ("invoice.pdf", PDF)))["files"]
    sam = await site.user("sam", roles=("clerk",), clients=("beta",))
    missing = UUID(int=4711)
    for path in ("", "/files/original", "/files/text"):
        foreign = await sam.get(f"/documents/{file['document_id']}{path}")
        none = await sam.get(f"/documents/{missing}{path}")
        assert foreign.status_code == none.status_code == 404
        assert _without_ids(foreign, file["document_id"]) == _without_ids(none, str(missing))
    entries = [e for e in await site.audited("access_refused", 3) if e.principal == "sam"]
    assert {e.concern for e in entries} == {f"document:{file['document_id']}"}


def _without_ids(response: httpx.Response, id: str) -> str:
    return response.text.replace(id, "ID").replace(response.json()["trace_id"], "TRACE")


async def test_no_document_runs_in_our_origin(site: Site, clara: httpx.AsyncClient) -> None:
    """Whatever is in it, and whatever it calls itself: it is a download, of the type that was found, and a
    browser that shows it all the same runs none of it."""
    await site.start("documents")
    script = b"<script>fetch('/api/v1/me')</script>"
    taken = 0
    for name, content in (
        ("page.html", b"<!doctype html><html><body>" + script + b"</body></html>"),
        ("picture.svg", b'<svg xmlns="http://www.w3.org/2000/svg">' + script + b"</svg>"),
        ("page.pdf", b"<!doctype html><html>" + script + b"</html>"),
        ("text.txt", b"<html>" + script),
    ):
        sent = await clara.post("/documents", files={"file": (name, content, "text/html")})
        if sent.status_code != 201:
            assert sent.status_code in (415, 422), sent.text
            continue
        taken += 1
        document = sent.json()["files"][0]["document_id"]
        file = await clara.get(f"/documents/{document}/files/original", headers={"Accept": "text/html"})
        assert file.content == content
        assert file.headers["content-disposition"].startswith("attachment; filename="), name
        assert file.headers["x-content-type-options"] == "nosniff"
        assert file.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert file.headers["cross-origin-resource-policy"] == "same-origin"
    assert taken, "nothing was taken, so nothing is proved"
