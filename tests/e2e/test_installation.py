"""The whole installation: documents and runs go through it while its processes are killed."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pikepdf
import psutil
import pytest

from deploy.local.config import SERVICES
from tests.support.installation import Installation, sample

pytestmark = pytest.mark.asyncio(loop_scope="module")


def scan(name: str) -> bytes:
    """The scanned sample with other bytes at its end, so that it is a document of its own."""
    return sample("invoice-scanned.pdf") + f"\n% {name}\n".encode()


def many_pages(copies: int) -> bytes:
    """The scanned sample several times in one document."""
    document = pikepdf.new()
    with pikepdf.open(io.BytesIO(sample("invoice-scanned.pdf"))) as source:
        for _ in range(copies):
            document.pages.extend(source.pages)
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def encrypted() -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(sample("offer-with-text-layer.pdf"))) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="owner", user="secret"))
    return out.getvalue()


def page_bomb() -> bytes:
    """A scan on a page as large as a house: 200,000 points each way."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(sample("invoice-scanned.pdf"))) as document:
        document.pages[0].MediaBox = pikepdf.Array([0, 0, 200_000, 200_000])
        document.save(out)
    return out.getvalue()


async def run_of(installation: Installation, document: str, job: str) -> str:
    """The run of `job` that follows the upload of a document by itself; its id, as soon as there is one."""
    about = {"about": f"document:{document}", "job": job}
    async with asyncio.timeout(60):
        while not (items := (await installation.http.get("/api/v1/runs", params=about)).json()["items"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    run_id = items[0]["run_id"]
    assert isinstance(run_id, str)
    return run_id


async def test_the_same_upload_twice_at_the_same_moment_is_one_document_and_one_run(
    installation: Installation,
) -> None:
    content = scan("twice")
    answers = await asyncio.gather(*(installation.upload("twice.pdf", content) for _ in range(4)))
    files = [answer.json()["files"][0] for answer in answers]
    assert len({file["document_id"] for file in files}) == 1
    assert len({file["event_id"] for file in files}) == 1
    runs = {run["run_id"] for file in files for run in file["runs"]}
    assert len(runs) == 1
    assert sorted(file["duplicate"] for file in files) == [False, True, True, True]
    run = await installation.ended(runs.pop())
    assert run["state"] == "succeeded"
    workflow = await run_of(installation, files[0]["document_id"], "documents.start-workflow")
    await installation.ended(workflow)
    listed = await installation.http.get(
        "/api/v1/runs", params={"about": f"document:{files[0]['document_id']}"}
    )
    jobs = sorted(item["job"] for item in listed.json()["items"])
    assert jobs == [
        "documents.analyse-invoice",
        "documents.convert-to-pdf",
        "documents.ocr",
        "documents.start-workflow",
    ], "one of each"


async def test_a_worker_killed_in_mid_run_leaves_no_page_twice_and_the_answers_tell_of_it(
    installation: Installation,
) -> None:
    document = await installation.uploaded("long.pdf", many_pages(5))
    run_id = await run_of(installation, document["document_id"], "documents.ocr")

    async def until(condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            run = await installation.run(run_id)
            if run is not None and condition(run):
                return run
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def kept() -> dict[int, Any]:
        """Page -> when its result was kept."""
        connection = await asyncpg.connect(installation.stack.database_url("documents"))
        rows = await connection.fetch(
            "select page, kept_at from pages where document_id = $1", UUID(document["document_id"])
        )
        await connection.close()
        return {row["page"]: row["kept_at"] for row in rows}

    await until(lambda run: 1 <= sum(run["counts"].values()) < 5)
    installation.stack.kill("documents")
    before = await kept()
    run = await installation.ended(run_id)
    assert run["state"] == "succeeded"
    assert [attempt["outcome"] for attempt in run["attempts"]] == ["crashed", "succeeded"]
    records = await installation.records(run_id)
    assert sorted(record["key"].rsplit(":", 1)[1] for record in records) == ["1", "2", "3", "4", "5"]
    assert {record["outcome"] for record in records} == {"created"}
    after = await kept()
    assert {page: after[page] for page in before} == before, "what attempt 1 kept was not recognized again"
    assert 0 < len(before) < len(after) == 5
    assert "interrupted" in installation.told(run, "finished")
    text = await installation.http.get(f"/api/v1/documents/{document['document_id']}/files/text")
    assert text.status_code == 200
    assert text.text.count("Sonnhalde") >= 5
    pages = text.text.strip("\f\n").split("\f")
    assert len(pages) == 5


async def test_a_bus_killed_under_load_loses_nothing_that_it_acknowledged(
    installation: Installation,
) -> None:
    acknowledged: list[str] = []
    stop = asyncio.Event()

    async def client(number: int) -> None:
        attempt = 0
        while not stop.is_set():
            attempt += 1
            try:
                answer = await installation.http.post(
                    "/api/v1/jobs/lab.store/runs",
                    json={"parameters": {"keys": [f"bus-{number}-{attempt}"]}},
                    headers={"Idempotency-Key": f"bus-{number}-{attempt}"},
                )
            except httpx.TransportError:
                continue
            if answer.status_code in (200, 202):
                acknowledged.append(answer.json()["run_id"])
            await asyncio.sleep(0.01)

    clients = [asyncio.create_task(client(number)) for number in range(8)]
    async with asyncio.timeout(90):
        while len(acknowledged) < 30:  # noqa: ASYNC110  (other tasks fill it)
            await asyncio.sleep(0.01)
        before = len(acknowledged)
        installation.stack.kill("nats")
        # Requests are accepted again after the restart.
        while len(acknowledged) < before + 30:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*clients)
    for run_id in acknowledged:
        run = await installation.ended(run_id)
        assert run["state"] == "succeeded", run["sentence"]
        assert run["counts"] == {"created": 1}


async def test_a_database_killed_under_load_loses_nothing_either(installation: Installation) -> None:
    runs = [await installation.start("lab.store", keys=[f"db-{n}-{k}" for k in range(5)], pause=0.05)
            for n in range(10)]  # fmt: skip
    installation.stack.kill("postgres")
    for run_id in runs:
        run = await installation.ended(run_id)
        assert run["state"] == "succeeded", run["sentence"]
        assert run["counts"] == {"created": 5}


@pytest.mark.parametrize(("server", "check"), [("nats", "bus"), ("postgres", "database")])
async def test_services_live_on_and_are_not_ready_while_a_server_is_away(
    installation: Installation, server: str, check: str
) -> None:
    stack = installation.stack
    ports = stack.plan.health
    processes = {name: stack.process(name).pid for name in ports}

    async def asked(service: str, path: str) -> httpx.Response:
        return await installation.http.get(f"http://127.0.0.1:{ports[service]}/{path}")

    concerned = {service for service in ports if check in (await asked(service, "readyz")).json()["checks"]}
    assert concerned, "no service needs it"
    unaware = set(concerned)
    async with asyncio.timeout(60):
        while unaware:
            if stack.process(server).pid is not None:
                # Again and again: it is started anew at once.
                stack.kill(server)
            for service in sorted(unaware):
                ready = await asked(service, "readyz")
                if not ready.json()["checks"][check]["ok"]:
                    assert (ready.status_code, (await asked(service, "livez")).status_code) == (503, 200)
                    unaware.remove(service)
            await asyncio.sleep(0.05)
        await stack.wait_ready(server)
        for service in ports:
            while (await asked(service, "readyz")).status_code != 200:  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.1)
    assert {name: stack.process(name).pid for name in ports} == processes, "none of them had to start anew"


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("broken.pdf", lambda: b"%PDF-1.7\n" + b"nothing that a reader could use\n" * 40, "pdf_broken"),
        ("encrypted.pdf", encrypted, "pdf_encrypted"),
        ("house.pdf", page_bomb, "document_too_large"),
    ],
)
async def test_a_bad_document_fails_with_its_own_reason_and_disturbs_nobody(
    installation: Installation, name: str, make: Callable[[], bytes], code: str
) -> None:
    bad = await installation.uploaded(name, make())
    good = await installation.uploaded("good.pdf", scan(f"beside {name}"))
    worker = installation.stack.process("documents").pid
    failed = await installation.ended(bad["runs"][0]["run_id"])
    assert failed["state"] == "failed"
    failures = [
        failed["failure"],
        *(record["failure"] for record in await installation.records(failed["run_id"])),
    ]
    assert code in [failure["code"] for failure in failures if failure]
    assert all(failure["next_step"] for failure in failures if failure)
    assert (await installation.ended(good["runs"][0]["run_id"]))["state"] == "succeeded"
    assert installation.stack.process("documents").pid == worker


async def test_a_file_that_lies_about_its_type_is_refused_at_the_door(installation: Installation) -> None:
    answer = await installation.upload("photo.png", sample("offer-with-text-layer.pdf"), "image/png")
    assert answer.status_code == 422
    assert "file_type_mismatch" in answer.text
    empty = await installation.upload("empty.pdf", b"")
    assert "file_empty" in empty.text
    word = await installation.upload("letter.doc", b"\xd0\xcf\x11\xe0 a letter", "application/msword")
    assert "file_type_mismatch" in word.text
    content = b"MZ\x90\x00" + b"\x00" * 200
    program = await installation.upload("setup.exe", content, "application/octet-stream")
    assert "file_type_unsupported" in program.text


async def test_what_a_failed_run_tells_can_be_rerun_for_its_failed_records_only(
    installation: Installation,
) -> None:
    run_id = await installation.start("lab.records", count=5, fail=[2, 4])
    assert (await installation.ended(run_id))["state"] == "partially_failed"
    answer = await installation.http.post(f"/api/v1/runs/{run_id}/rerun", json={"only": "failed"})
    assert answer.status_code in (201, 202), answer.text
    again = await installation.ended(answer.json()["run_id"])
    assert again["rerun_of"] == run_id
    assert [record["key"] for record in await installation.records(again["run_id"])] == ["item:2", "item:4"]


async def test_an_effect_in_doubt_waits_for_a_person_and_is_done_again_only_as_decided(
    installation: Installation, tmp_path: Path
) -> None:
    run_id = await installation.start(
        "lab.send", letters=["one", "two"], folder=str(tmp_path), mode="lost-answer"
    )
    run = await installation.ended(run_id)
    assert (run["state"], run["action_required"]) == ("interrupted", True)
    assert [effect["effect"] for effect in run["in_doubt"]] == ["send:one"]
    early = await installation.http.post(f"/api/v1/runs/{run_id}/rerun", json={})
    assert (early.status_code, early.json()["code"]) == (409, "effect_in_doubt")
    decision = {"effect": "send:one", "decision": "repeat", "reason": "the post has no letter one"}
    answer = await installation.http.post(f"/api/v1/runs/{run_id}/decisions", json=decision)
    assert answer.status_code in (200, 202), answer.text
    decided = await installation.http.get(
        f"/api/v1/runs/{run_id}", params={"at_least": answer.json()["sequence"]}
    )
    assert decided.json()["action_required"] is False
    sure = {"only": "failed", "confirm": "lab.send", "reason": "letter one is missing"}
    again = await installation.http.post(f"/api/v1/runs/{run_id}/rerun", json=sure)
    assert (await installation.ended(again.json()["run_id"]))["state"] == "succeeded"
    assert (tmp_path / "sent").read_text().split() == ["one", "two", "one"]
    twice = await installation.http.post(f"/api/v1/runs/{run_id}/decisions", json=decision)
    assert twice.status_code == 409, twice.text


async def test_no_secret_stands_in_a_command_line_a_log_or_a_message(installation: Installation) -> None:
    """After all that went wrong above."""
    state = installation.stack.state
    secrets = {
        password.encode()
        for group in json.loads((state / "secrets.json").read_text()).values()
        for password in group.values()
    }
    secrets |= {file.read_bytes().strip() for file in (state / "nats" / "keys").iterdir()}
    secrets |= {
        installation.stack.token.encode(),
        *(state / "audit" / "key.pem").read_bytes().split(b"\n")[1:2],
    }
    assert len(secrets) > 2 * len(SERVICES)
    assert min(map(len, secrets)) >= 24
    # Whoever cannot reach the servers says so, without the password.
    installation.stack.kill("postgres")
    installation.stack.kill("nats")
    await installation.stack.wait_ready()
    command_lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command_lines.append("\0".join(process.cmdline()).encode())
    logs = [file.read_bytes() for file in (state / "logs").iterdir()]
    messages = [file.read_bytes() for file in (state / "nats" / "jetstream").rglob("*.blk")]
    assert any(b"services.gateway" in line for line in command_lines)
    assert any(b"ready" in log for log in logs)
    assert any(b"document.uploaded" in message for message in messages)
    for place in (command_lines, logs, messages):
        assert [secret for secret in secrets if any(secret in text for text in place)] == []
