"""What an installation has besides its runs of years: jobs, people, and runs of few and of many records."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import httpx

from shared import subjects
from shared.access import Access
from shared.bus import Bus
from shared.catalogue import catalogue
from shared.commands import RunDetail, RunQuery
from shared.events import Finished, Record, Recorded, Requested, RunEvent, Started
from shared.ids import new_id
from shared.jobs import CatalogueEntry
from shared.subjects import RunSubjects
from shared.words import Kind, Lane, Level, Outcome, RunState, Trigger

OWNERS = ("Accounting", "Treasury", "Document services", "Platform", "Trustees")
_WORDS = (
    *(
        "read",
        "check",
        "send",
        "match",
        "learn",
        "store",
        "compare",
        "import",
        "export",
        "deliver",
        "archive",
    ),
    *("collect", "sort", "remind", "approve", "book", "reject", "find", "count", "close", "renew", "merge"),
    *("split", "sign", "print", "the", "a", "of", "every", "each", "new", "old", "open", "paid", "due"),
    *("invoice", "statement", "account", "rate", "document", "page", "client", "supplier", "payment", "file"),
    *("folder", "entry", "report", "currency", "mail", "message", "deadline", "correction", "amount"),
    *("balance", "reference", "bank", "month", "day", "year"),
)


def _said(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(_WORDS, k=words)).capitalize()


async def offer_jobs(bus: Bus, number: int) -> None:
    """Jobs that nobody works on, with texts as long and as different as real ones."""
    bucket = catalogue(bus)
    draw = random.Random(8)
    for n in range(number):
        access = Access(module=f"module-{n % 12}", level=Level.GENERAL, roles=frozenset({"clerk"}))
        entry = CatalogueEntry(
            id=f"bench.job-{n:03}",
            service="bench",
            title=f"{_said(draw, 2)} {n:03}",
            description=f"{_said(draw, 13)}.",
            kind=list(Kind)[n % len(Kind)],
            owner=OWNERS[n % len(OWNERS)],
            access=access,
            schedule=f"{n % 60} {n % 24} * * *" if n % 3 == 0 else None,
            expected_runtime=1 + n % 40,
            timeout=600,
            retry="never",
            safe_to_repeat=n % 4 > 0,
            repeat="it does nothing",
            systems=[f"system-{n % 12}"],
            output="nothing",
            expected_result="nothing",
            logs="none",
            troubleshooting="docs/jobs/import-daily-rates.md",
            parameters={"type": "object", "properties": {}, "additionalProperties": False},
            software_version="0.0.1",
        )
        await bucket.put(entry.id, entry)


async def person(
    root: httpx.AsyncClient, id: str, clients: Sequence[str], roles: Sequence[str] = ("clerk",)
) -> dict[str, str]:
    """The header of somebody who sees these clients, and may start every job."""
    body = {"name": id.title(), "roles": list(roles), "clients": list(clients)}
    (await root.put(f"/api/v1/principals/{id}", json=body)).raise_for_status()
    issued = await root.post("/api/v1/tokens", json={"principal": id, "name": "bench"})
    issued.raise_for_status()
    return {"Authorization": f"Bearer {issued.json()['token']}"}


async def project(bus: Bus, records: int) -> Any:
    """A run with so many records, every hundredth of them failed, told through RUNS as a worker tells it."""
    run_id, job = new_id(), "bench.job-000"
    subject = RunSubjects(job, run_id)
    request = Requested(
        run_id=run_id, job=job, client="client-000", principal="user-1", effective_principal="user-1",
        trigger=Trigger.MANUAL,
    )  # fmt: skip
    await bus.publish(subject.requested(Lane.BULK), request.encode())
    failure = {"code": "record_invalid", "cause": "it is not valid", "next_step": "Correct it."}

    def record(n: int) -> Record:
        outcome = Outcome.FAILED if n % 100 == 99 or n == 7 else Outcome.CREATED
        told = {"failure": failure} if outcome is Outcome.FAILED else {}
        return Record.model_validate(
            {"key": f"item:{run_id}:{n}", "outcome": outcome, "label": f"Item No. {n} of this run", **told}
        )

    async def tell(event: RunEvent) -> int:
        return await bus.publish(subject.ev, event.encode())

    await tell(Started(run_id=run_id, attempt=1, worker="bench:1"))
    for first in range(0, records, 500):
        batch = [record(n) for n in range(first, min(first + 500, records))]
        await tell(Recorded(run_id=run_id, attempt=1, records=batch))
    last = await tell(Finished(run_id=run_id, attempt=1, state=RunState.PARTIALLY_FAILED))
    query = RunQuery(run_id=run_id, at_least=last)
    for _ in range(60):
        try:
            detail = await bus.ask(subjects.query("status", "run"), query, RunDetail, timeout=30)
        except Exception:
            await asyncio.sleep(0.5)
            continue
        if sum(detail.counts.values()) == records:
            return run_id
    raise RuntimeError(f"a run of {records} records was not projected")
