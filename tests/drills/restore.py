"""`make restore-drill`: a backup taken while the installation works, everything killed, the disk lost, and
restored.

Checked: every run that was accepted before the backup began is there, those that had ended with the same
answers; files are the same byte by byte; an approval and a schedule are there; the items that runs stored
are exactly those that they tell of; the audit log proves itself and misses nothing; the projection is what
a rebuild makes of it; runs that were at work end; new work succeeds.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from rich.console import Console

from deploy.backup.doubts import Doubts
from deploy.backup.take import Taken
from deploy.local.backup import backup_state, places_of_running, restore_state
from deploy.local.state import remove_state
from tests.drills.machine import Machine
from tests.drills.work import Load, all_ended, all_runs, answer, api, approve, start, until, upload
from tests.support.folders import remove_folder, temporary_folder

SAMPLES = ("invoice-zugferd.pdf", "invoice-scanned.pdf", "offer-with-text-layer.pdf")
SCHEDULE = "lab.noop.drill"
CLIENTS = 2

console = Console(highlight=False)


@dataclass
class Known:
    """What was known when the backup began."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: dict[str, list[str]] = field(default_factory=dict)
    #: Document id -> content of its original.
    documents: dict[str, bytes] = field(default_factory=dict)
    #: Of an invoice that somebody approved.
    approval: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)


def tell(name: str, value: str) -> None:
    console.print(f"  {name:<44} {value}")


async def drill(folder: Path) -> None:
    state, backups, new = folder / "state", folder / "backups", folder / "restored"
    began = time.monotonic()
    known = Known()
    machine = Machine(state)
    try:
        tell("stack ready, new", f"{machine.ready_after:.1f} s")
        taken, load = await _work_and_back_up(machine, backups, known)
    finally:
        killed = machine.kill()
    remove_state(state)
    tell("processes killed, state folder removed", str(killed))
    restoring = time.monotonic()
    doubts = await restore_state(backups, new)
    tell("restore", f"{time.monotonic() - restoring:.1f} s")
    machine = Machine(new)
    try:
        tell("stack ready, restored", f"{machine.ready_after:.1f} s")
        async with machine.http() as http:
            await _check(http, new, known, taken, load, doubts)
    finally:
        machine.stop()
    tell("the whole drill", f"{time.monotonic() - began:.0f} s")


async def _work_and_back_up(machine: Machine, backups: Path, known: Known) -> tuple[Taken, Load]:
    async with machine.http() as http:
        for name in SAMPLES:
            document = await upload(http, name)
            known.documents[document] = await _original(http, document)
        document = next(iter(known.documents))
        await approve(http, document)
        known.approval = await answer(http, f"/approvals/{document}")
        body = {"rule": {"every": 10, "catchup": "none"}, "reason": "the drill"}
        (await http.put(api(f"/schedules/{SCHEDULE}"), json=body)).raise_for_status()
        load = Load()
        async with load.working(http, CLIENTS):
            await load.reaches(20)
            known.accepted = dict(load.accepted)
            for run in await all_runs(http, state="succeeded"):
                known.runs[run["run_id"]] = await answer(http, f"/runs/{run['run_id']}")
            known.schedule = (await answer(http, f"/schedules/{SCHEDULE}"))["schedule"]["rule"]
            taking = time.monotonic()
            accepted = len(load.accepted)
            taken = await backup_state(machine.state, backups)
            seconds = time.monotonic() - taking
            tell("backup, under load", f"{seconds:.2f} s, writers waited {taken.locked * 1000:.0f} ms")
            tell("runs accepted meanwhile", f"{len(load.accepted) - accepted} ({seconds:.2f} s)")
            again = await backup_state(machine.state, backups)
            tell("a second backup", f"{again.new_contents} of {again.manifest.files} contents copied")
            await load.reaches(len(load.accepted) + 20)
        return again, load


async def _original(http: httpx.AsyncClient, document: str) -> bytes:
    found = await http.get(api(f"/documents/{document}/files/original"))
    found.raise_for_status()
    return found.content


async def _check(
    http: httpx.AsyncClient, state: Path, known: Known, taken: Taken, load: Load, doubts: Doubts
) -> None:
    tell("runs unfinished at the moment", str(len(doubts.runs)))
    for run_id, before in known.runs.items():
        assert await answer(http, f"/runs/{run_id}") == before, run_id
    tell("ended runs with the same answers", str(len(known.runs)))
    rows = await all_ended(http, job="lab.store")
    found = {row["run_id"] for row in rows}
    assert set(known.accepted) <= found <= set(load.accepted), "runs are missing, or nobody asked for them"
    assert all((row["state"], row["counts"]) == ("succeeded", {"created": 3}) for row in rows)
    tell("runs kept, of those accepted before the end", f"{len(found)} of {len(load.accepted)}")
    told = {key for run_id in found for key in load.accepted[run_id]}
    assert await _stored(state) == told, "rows and runs tell different things"
    tell("items that runs tell of, and that are there", str(len(told)))
    for document, content in known.documents.items():
        assert await _original(http, document) == content
    tell("documents, byte by byte", str(len(known.documents)))
    document = known.approval["document_id"]
    assert await answer(http, f"/approvals/{document}") == known.approval
    await _check_schedule(http, known, taken.manifest.moment)
    await _check_audit(http)
    await _check_new_work(http)
    projected = await all_ended(http)
    await http.delete(api(f"/schedules/{SCHEDULE}"))
    (await http.post(api("/rebuild"), timeout=300)).raise_for_status()
    rebuilt = {row["run_id"]: row for row in await all_runs(http)}
    assert all(rebuilt[row["run_id"]] == row for row in projected)
    tell("rows equal to those of a rebuild", str(len(projected)))


async def _stored(state: Path) -> set[str]:
    connection = await asyncpg.connect(places_of_running(state).database_url)
    try:
        assert await connection.fetchval("select count(*) from lab.outbox") == 0
        return {key for (key,) in await connection.fetch("select key from lab.items")}
    finally:
        await connection.close()


async def _check_schedule(http: httpx.AsyncClient, known: Known, moment: datetime) -> None:
    assert (await answer(http, f"/schedules/{SCHEDULE}"))["schedule"]["rule"] == known.schedule

    async def fired() -> bool:
        runs = await all_runs(http, job="lab.noop")
        return any(datetime.fromisoformat(run["requested_at"]) > moment for run in runs)

    restored = datetime.now(UTC)
    await until(fired, "the schedule fires again")
    tell("the schedule fires again after", f"{(datetime.now(UTC) - restored).total_seconds():.1f} s")


async def _check_audit(http: httpx.AsyncClient) -> None:
    run_id = await start(http, "audit.verify-log", "after the restore")
    await _succeeded(http, run_id)
    missing = await answer(http, "/audit/entries", kind="history_missing")
    assert missing["items"] == []
    tell("entries of the audit log, verified", str((await answer(http, "/audit/state"))["entries"]))


async def _check_new_work(http: httpx.AsyncClient) -> None:
    run_id = await start(http, "lab.store", "after the restore", keys=["new"])
    await _succeeded(http, run_id)
    document = await upload(http, "qr-bill-scanned.pdf")

    async def read() -> bool:
        return "text" in (await answer(http, f"/documents/{document}"))["files"]

    await until(read, "the text of a new document")
    tell("new work", "a run and a document")


async def _succeeded(http: httpx.AsyncClient, run_id: str) -> None:
    async def ended() -> bool:
        found = await http.get(api(f"/runs/{run_id}"), params={"wait": 10})
        return found.status_code == 200 and found.json()["finished_at"] is not None

    await until(ended, f"run {run_id}")
    run = await answer(http, f"/runs/{run_id}")
    assert run["state"] == "succeeded", json.dumps(run["failure"])


def main() -> None:
    folder = temporary_folder()
    try:
        asyncio.run(drill(folder))
    finally:
        for state in ("state", "restored"):
            remove_state(folder / state)
        remove_folder(folder)
    console.print("Nothing is lost that was accepted before the backup began.", style="bold green")


if __name__ == "__main__":
    main()
