"""The whole stack as its users meet it: over HTTP, with processes that a test may kill."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx

from deploy.local.stack import LocalStack

FINAL = frozenset({"succeeded", "partially_failed", "failed", "cancelled", "timed_out", "interrupted"})


class Installation:
    def __init__(self, stack: LocalStack, http: httpx.AsyncClient) -> None:
        self.stack = stack
        self.http = http

    async def upload(self, name: str, content: bytes, media_type: str = "application/pdf") -> httpx.Response:
        return await self.http.post("/api/v1/documents", files={"files": (name, content, media_type)})

    async def uploaded(
        self, name: str, content: bytes, media_type: str = "application/pdf"
    ) -> dict[str, Any]:
        """Upload one file that is accepted; what became of it."""
        answer = await self.upload(name, content, media_type)
        assert answer.status_code in (200, 201), answer.text
        (file,) = answer.json()["files"]
        assert isinstance(file, dict)
        return file

    async def start(self, job: str, **parameters: Any) -> str:
        """Start a job, confirmed as a risky one wants it; the id of its run."""
        body = {"parameters": parameters, "confirm": job, "reason": "a test"}
        answer = await self.http.post(f"/api/v1/jobs/{job}/runs", json=body)
        assert answer.status_code == 202, answer.text
        run_id = answer.json()["run_id"]
        assert isinstance(run_id, str)
        return run_id

    async def run(self, run_id: str) -> dict[str, Any] | None:
        """The run as it can be read now; None if it cannot yet."""
        answer = await self.http.get(f"/api/v1/runs/{run_id}")
        if answer.status_code in (404, 503):
            return None
        assert answer.status_code == 200, answer.text
        run = answer.json()
        assert isinstance(run, dict)
        return run

    async def ended(self, run_id: str, timeout: float = 90.0) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            run = await self.run(run_id)
            if run is not None and run["state"] in FINAL:
                return run
            assert time.monotonic() < deadline, f"run {run_id} did not end: {run and run['sentence']}"
            await asyncio.sleep(0.1)

    async def records(self, run_id: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/api/v1/runs/{run_id}/records", params={"limit": 1000})
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert isinstance(items, list)
        return items

    def told(self, run: dict[str, Any], question: str) -> str:
        """The answer to one of the seven questions, in words."""
        (answer,) = [answer for answer in run["answers"] if answer["question"] == question]
        words = answer["words"]
        assert isinstance(words, str)
        return words


def sample(name: str) -> bytes:
    return (Path(__file__).parents[2] / "samples" / name).read_bytes()
