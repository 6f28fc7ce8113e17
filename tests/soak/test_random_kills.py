"""For minutes: load on the whole installation, and every process killed at random, again and again.

`TAGWERK_SOAK_SECONDS` (180) says how long, `TAGWERK_SOAK_SEED` repeats the choices of another run.
"""

import asyncio
import os
import random
import time
from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.config import SERVICES, StackConfig
from deploy.local.stack import LocalStack
from tests.support.folders import remove_folder, temporary_folder
from tests.support.installation import FINAL, Installation

SECONDS = float(os.environ.get("TAGWERK_SOAK_SECONDS", "180"))
SEED = int(os.environ.get("TAGWERK_SOAK_SEED", str(random.SystemRandom().randrange(10**6))))

pytestmark = [pytest.mark.soak, pytest.mark.timeout(SECONDS + 600)]


class Load:
    """Clients that start runs, send them again when no answer came, and remember what was accepted."""

    def __init__(self, installation: Installation, until: float) -> None:
        self._installation = installation
        self._until = until
        #: Run id -> the keys that it is to store.
        self.accepted: dict[str, list[str]] = {}

    async def client(self, name: str) -> None:
        number = 0
        while time.monotonic() < self._until:
            number += 1
            keys = [f"{name}-{number}-{part}" for part in range(3)]
            run_id = await self._start(f"{name}-{number}", keys)
            self.accepted[run_id] = keys

    async def _start(self, key: str, keys: list[str]) -> str:
        while True:
            try:
                answer = await self._installation.http.post(
                    "/api/v1/jobs/lab.store/runs",
                    json={"parameters": {"keys": keys, "pause": 0.02}},
                    headers={"Idempotency-Key": key},
                )
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code in (200, 202):
                run_id = answer.json()["run_id"]
                assert isinstance(run_id, str)
                return run_id
            assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)


async def kill_at_random(stack: LocalStack, chance: random.Random, until: float) -> Counter[str]:
    kills: Counter[str] = Counter()
    while time.monotonic() < until:
        await asyncio.sleep(chance.uniform(0.5, 4.0))
        name = chance.choice(sorted(stack.processes))
        if stack.process(name).ready.is_set():
            stack.kill(name)
            kills[name] += 1
    return kills


async def all_runs(installation: Installation) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        parameters = {"limit": "1000", "job": "lab.store"} | ({"cursor": cursor} if cursor else {})
        answer = await installation.http.get("/api/v1/runs", params=parameters)
        answer.raise_for_status()
        page = answer.json()
        rows += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return rows


async def all_ended(installation: Installation, accepted: set[str]) -> list[dict[str, Any]]:
    """Every accepted run and no other, once they have all ended."""
    deadline = time.monotonic() + 240
    while True:
        rows = await all_runs(installation)
        waiting = [row["sentence"] for row in rows if row["state"] not in FINAL]
        if not waiting and {row["run_id"] for row in rows} == accepted:
            return rows
        assert time.monotonic() < deadline, (len(rows), len(accepted), waiting[:5])
        await asyncio.sleep(1)


async def test_random_kills_lose_nothing_and_double_nothing() -> None:
    print(f"seed {SEED}, {SECONDS:g} s")
    folder = temporary_folder()
    config = StackConfig(
        state=folder / "state",
        services={**SERVICES, "lab": "tests.support.lab"},
        environment={"TAGWERK_ACK_WAIT": "3", "TAGWERK_LOG_LEVEL": "warning"},
    )
    until = time.monotonic() + SECONDS
    async with (
        LocalStack(config) as stack,
        httpx.AsyncClient(
            base_url=stack.url, headers={"Authorization": f"Bearer {stack.token}"}, timeout=30
        ) as http,
    ):
        installation = Installation(stack, http)
        load = Load(installation, until)
        clients = [load.client(f"c{number}") for number in range(6)]
        *_, kills = await asyncio.gather(*clients, kill_at_random(stack, random.Random(SEED), until - 5))
        assert isinstance(kills, Counter)
        await stack.wait_ready(timeout=120)
        before = await all_ended(installation, set(load.accepted))
        for run in before:
            assert (run["state"], run["counts"]) == ("succeeded", {"created": 3}), run
        connection = await asyncpg.connect(stack.database_url("lab"))
        stored = {row["key"] for row in await connection.fetch("select key from items")}
        assert await connection.fetchval("select count(*) from outbox") == 0
        await connection.close()
        assert stored == {key for keys in load.accepted.values() for key in keys}
        (await http.post("/api/v1/rebuild", timeout=300)).raise_for_status()
        assert await all_runs(installation) == before
    remove_folder(folder)
    assert sum(kills.values()) >= SECONDS / 10
    print(f"{len(load.accepted)} runs, {kills.total()} kills: {dict(kills)}")
