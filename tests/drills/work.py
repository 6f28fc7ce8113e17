"""Work as people and machines ask for it, remembered, so that it can be asked for afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.installation import FINAL, sample


def api(path: str) -> str:
    return f"/api/v1{path}"


async def answer(http: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    found = await http.get(api(path), params=parameters)
    if found.is_error:
        raise RuntimeError(f"{path}: {found.status_code} {found.text}")
    return found.json()


async def start(http: httpx.AsyncClient, job: str, key: str, **parameters: Any) -> str:
    """Start a run, again until somebody answers; its id."""
    while True:
        try:
            told = await http.post(
                api(f"/jobs/{job}/runs"), json={"parameters": parameters}, headers={"Idempotency-Key": key}
            )
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if told.status_code in (200, 202):
            return str(told.json()["run_id"])
        if told.status_code < 500:
            raise AssertionError(told.text)
        await asyncio.sleep(0.1)


@dataclass
class Load:
    """Clients that store items through runs, in steps, for as long as they may."""

    #: Run id -> the keys that it is to store.
    accepted: dict[str, list[str]] = field(default_factory=dict)
    stopped: bool = False
    pause: float = 0.02

    async def client(self, http: httpx.AsyncClient, name: str) -> None:
        number = 0
        while not self.stopped:
            number += 1
            keys = [f"{name}-{number}-{part}" for part in range(3)]
            run_id = await start(http, "lab.store", f"{name}-{number}", keys=keys, pause=self.pause)
            self.accepted[run_id] = keys

    @asynccontextmanager
    async def working(self, http: httpx.AsyncClient, clients: int) -> AsyncIterator[None]:
        """So many at once, within the block."""
        tasks = [asyncio.create_task(self.client(http, f"c{number}")) for number in range(clients)]
        try:
            yield
        finally:
            self.stopped = True
            await asyncio.gather(*tasks)

    async def reaches(self, count: int) -> None:
        """Wait until so many runs are accepted."""

        async def enough() -> bool:
            return len(self.accepted) >= count

        await until(enough, "load")


async def upload(http: httpx.AsyncClient, name: str, content: bytes | None = None) -> str:
    """The document's id."""
    files = {"files": (name, sample(name) if content is None else content, "application/pdf")}
    told = await http.post(api("/documents"), files=files)
    told.raise_for_status()
    return str(told.json()["files"][0]["document_id"])


async def approve(http: httpx.AsyncClient, document: str) -> None:
    """Once it waits for that, with all that is doubtful confirmed."""
    await until(lambda: waits(http, document), f"approval of {document}")
    approval = await answer(http, f"/approvals/{document}")
    body: dict[str, Any] = {"values_version": approval["values_version"]}
    told = await http.post(api(f"/approvals/{document}/approve"), json=body)
    if told.status_code == 422:
        body["confirm"] = [error["field"] for error in told.json()["errors"]]
        told = await http.post(api(f"/approvals/{document}/approve"), json=body)
    assert told.status_code == 200, told.text


async def waits(http: httpx.AsyncClient, document: str) -> bool:
    return (await http.get(api(f"/approvals/{document}"))).status_code == 200


async def until(condition: Any, what: str, timeout: float = 120.0) -> None:
    try:
        async with asyncio.timeout(timeout):
            while not await condition():  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {timeout:.0f} s") from None


async def all_runs(http: httpx.AsyncClient, **wanted: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await answer(http, "/runs", limit="1000", **wanted, **cursor)
        rows += page["items"]
        if not page.get("next_cursor"):
            return rows
        cursor = {"cursor": page["next_cursor"]}


async def all_ended(http: httpx.AsyncClient, **wanted: str) -> list[dict[str, Any]]:
    async def ended() -> bool:
        return all(row["state"] in FINAL for row in await all_runs(http, **wanted))

    await until(ended, "the end of every run", 240)
    return await all_runs(http, **wanted)
