"""What people look at, over the runs of years: overview, list of runs, search, a long run."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from deploy.local.stack import LocalStack
from shared import subjects
from shared.access import Access
from shared.bus import Bus
from shared.catalogue import catalogue
from shared.commands import (
    Overview,
    OverviewQuery,
    RecordsPage,
    RecordsQuery,
    RunDetail,
    RunQuery,
    RunsPage,
    RunsQuery,
    Scope,
    SearchHits,
    SearchQuery,
)
from shared.events import Finished, Record, Recorded, Requested, RunEvent, Started
from shared.ids import new_id
from shared.jobs import CatalogueEntry
from shared.subjects import RunSubjects
from shared.words import Kind, Lane, Level, Outcome, RunState, Trigger
from tests.benchmarks.figures import Figure, Report, percentile
from tests.benchmarks.pages_volume import Installation, fill
from tests.benchmarks.stack import connected, cpu_by_process

#: Requests of each kind in a round.
ASKED = 200
#: Servers and services whose CPU time is told.
TOLD = ("postgres", "status", "gateway")

CLIENTS = tuple(f"client-{n:03}" for n in range(20))
#: Sees twenty of some 120 clients, and every job.
TRUSTEE = Scope(clients=frozenset(CLIENTS))

Answer = TypeVar("Answer", bound=BaseModel)
Ask = Callable[[], Awaitable[object]]


async def measure_pages(stack: LocalStack, rounds: int, size: Installation, report: Report) -> None:
    began = time.perf_counter()
    await fill(stack.database_url("status"), size)
    seconds = time.perf_counter() - began
    report.add(Figure.of("pages_filled_seconds", "s", [seconds], runs=size.runs, records=size.records))
    async with connected(stack) as bus:
        await _offer_jobs(bus, size.jobs)
        short, long = await _project(bus, 10), await _project(bus, 100_000)
        admin = {"Authorization": f"Bearer {stack.token}"}
        async with (
            httpx.AsyncClient(base_url=stack.url, headers=admin, timeout=60) as root,
            httpx.AsyncClient(base_url=stack.url, headers=await _trustee(root), timeout=60) as trustee,
        ):
            for who, scope, http in (("administrator", Scope(), root), ("trustee", TRUSTEE, trustee)):
                measured = _Measured(stack, report, rounds, {"runs": size.runs, "asker": who})
                await _measure(measured, _Asker(bus, scope, http), size)
            measured = _Measured(stack, report, rounds, {"runs": size.runs})
            await _measure_runs(measured, _Asker(bus, Scope(), root), {10: short, 100_000: long})


class _Asker:
    """One who asks the status service over the bus, and the gateway over HTTP."""

    def __init__(self, bus: Bus, scope: Scope, http: httpx.AsyncClient) -> None:
        self._bus = bus
        self.scope = scope
        self._http = http

    async def ask(self, name: str, query: BaseModel, answer: type[Answer]) -> Answer:
        return await self._bus.ask(subjects.query("status", name), query, answer, timeout=60)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        response = await self._http.get(path, params=params)
        response.raise_for_status()
        return response


class _Measured:
    """Rounds of requests, one after the other: how long each took, and the CPU time of one."""

    def __init__(self, stack: LocalStack, report: Report, rounds: int, conditions: dict[str, Any]) -> None:
        self._stack = stack
        self._report = report
        self._rounds = rounds
        self._conditions = conditions

    async def take_page(self, name: str, asked: "Sequence[Callable[[], Awaitable[httpx.Response]]]") -> None:
        """A page as HTML, and how heavy it is."""
        heaviest = max([len((await ask()).content) for ask in asked])
        self._report.add(Figure.of(f"page_{name}_kb", "kB", [heaviest / 1000], **self._conditions))
        await self.take(f"page_{name}", "http", asked)

    async def take(self, name: str, through: str, asked: Sequence[Ask], **conditions: Any) -> None:
        for ask in asked[: len(asked) // 4]:
            await ask()
        taken: list[list[float]] = []
        used: list[dict[str, float]] = []
        for _ in range(self._rounds):
            before = cpu_by_process(self._stack)
            times = []
            for ask in asked:
                began = time.perf_counter()
                await ask()
                times.append((time.perf_counter() - began) * 1000)
            taken.append(times)
            after = cpu_by_process(self._stack)
            used.append({one: (after[one] - before.get(one, 0.0)) / len(asked) * 1000 for one in TOLD})
        facts = {"through": through, **self._conditions, **conditions}
        for percent in (50, 95):
            values = [percentile(times, percent) for times in taken]
            self._report.add(Figure.of(f"{name}_ms_p{percent}", "ms", values, **facts))
        cpu = [sum(one.values()) for one in used]
        self._report.add(Figure.of(f"{name}_cpu_ms", "ms", cpu, **facts))


def _of_form(filter: dict[str, Any]) -> dict[str, Any]:
    """A filter as the form of the page sends it."""
    since = filter.get("requested_after")
    rest = {name: value for name, value in filter.items() if name != "requested_after"}
    return rest if since is None else {**rest, "since": since.date().isoformat()}


async def _measure(measured: _Measured, asker: _Asker, size: Installation) -> None:
    draw = random.Random(4)
    overview = OverviewQuery(scope=asker.scope)
    few = ASKED // 4
    await measured.take("overview", "bus", [lambda: asker.ask("overview", overview, Overview)] * few)
    await measured.take("overview", "http", [lambda: asker.get("/api/v1/overview")] * few)
    for name, filters in (
        ("run_list", [_of_page(draw) for _ in range(ASKED)]),
        ("run_list_any", [_any(draw) for _ in range(ASKED)]),
    ):
        queries = [RunsQuery(scope=asker.scope, **filter) for filter in filters]
        await measured.take(name, "bus", [_asking(asker, "runs", query, RunsPage) for query in queries])
        await measured.take(name, "http", [_getting(asker, "/api/v1/runs", filter) for filter in filters])
    filters = [_of_page(draw) for _ in range(ASKED)]
    await measured.take_page("catalogue", [lambda: asker.get("/")] * few)
    await measured.take_page("runs", [_getting(asker, "/runs", _of_form(filter)) for filter in filters])
    typed = [q for each in _typed(draw, size).values() for q in each[: ASKED // 6]]
    await measured.take_page("search", [_getting(asker, "/search", {"q": q}) for q in typed])
    for kind, typed in _typed(draw, size).items():
        asked = [SearchQuery(q=q, scope=asker.scope) for q in typed]
        await measured.take(
            "search", "bus", [_asking(asker, "search", query, SearchHits) for query in asked], typed=kind
        )
        await measured.take(
            "search", "http", [_getting(asker, "/api/v1/search", {"q": q}) for q in typed], typed=kind
        )


async def _measure_runs(measured: _Measured, asker: _Asker, runs: dict[int, Any]) -> None:
    """A run as it is opened: its details, and the first page of its records that failed."""
    few = ASKED // 4
    for records, run_id in runs.items():
        failed = RecordsQuery(run_id=run_id, outcome=[Outcome.FAILED])
        detail = RunQuery(run_id=run_id)
        for name, over_bus, path, params in (
            ("run_detail", _asking(asker, "run", detail, RunDetail), f"/api/v1/runs/{run_id}", {}),
            (
                "run_records",
                _asking(asker, "records", failed, RecordsPage),
                f"/api/v1/runs/{run_id}/records",
                {"outcome": "failed"},
            ),
        ):
            await measured.take(name, "bus", [over_bus] * few, records=records)
            await measured.take(name, "http", [_getting(asker, path, params)] * few, records=records)


def _asking(asker: _Asker, name: str, query: BaseModel, answer: type[BaseModel]) -> Ask:
    return lambda: asker.ask(name, query, answer)


def _getting(asker: _Asker, path: str, params: dict[str, Any]) -> Callable[[], Awaitable[httpx.Response]]:
    return lambda: asker.get(path, **params)


def _job(draw: random.Random) -> str:
    return f"bench.job-{int(200 * draw.random() ** 1.5):03}"


def _client(draw: random.Random) -> str:
    return f"client-{int(20 * draw.random()):03}"


def _since(draw: random.Random) -> datetime:
    return datetime.now(UTC) - timedelta(days=draw.choice([1, 7, 30, 365]))


def _of_page(draw: random.Random) -> dict[str, Any]:
    """Filters as people set them: none or one, sometimes two; mostly the newest first."""
    bad = [RunState.FAILED, RunState.PARTIALLY_FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED]
    options: list[tuple[int, Callable[[], dict[str, Any]]]] = [
        (25, dict),
        (15, lambda: {"action_required": True}),
        (12, lambda: {"state": [draw.choice(list(RunState))]}),
        (5, lambda: {"state": bad}),
        (15, lambda: {"job": _job(draw)}),
        (8, lambda: {"client": _client(draw)}),
        (5, lambda: {"requested_after": _since(draw)}),
        (3, lambda: {"principal": f"user-{draw.randrange(60)}"}),
        (2, lambda: {"trigger": draw.choice([Trigger.SCHEDULE, Trigger.MQTT])}),
    ]
    weights = [weight for weight, _ in options]
    found: dict[str, Any] = {}
    for _ in range(draw.choice([1, 1, 2])):
        found |= draw.choices(options, weights)[0][1]()
    if draw.random() < 0.1:
        found["sort"] = draw.choice(["-finished_at", "-duration", "requested_at"])
    return found


def _any(draw: random.Random) -> dict[str, Any]:
    """Every filter with every other, in every order."""
    options: dict[str, Callable[[], Any]] = {
        "job": lambda: _job(draw),
        "client": lambda: _client(draw),
        "state": lambda: draw.sample(list(RunState), draw.randint(1, 3)),
        "principal": lambda: draw.choice([f"user-{draw.randrange(60)}", f"service-{draw.randrange(8)}"]),
        "trigger": lambda: draw.choice(list(Trigger)),
        "action_required": lambda: draw.random() < 0.7,
        "requested_after": lambda: _since(draw),
    }
    found = {name: option() for name, option in options.items() if draw.random() < 0.3}
    orders = ("-requested_at", "requested_at", "-finished_at", "finished_at", "-duration", "duration", "job")
    return {**found, "sort": draw.choice(orders)}


def _typed(draw: random.Random, size: Installation) -> dict[str, list[str]]:
    def number() -> str:
        return f"INV-{2024 + draw.randrange(3)}-{draw.randrange(size.records // 15):07}"

    def account(client: int) -> str:
        return f"CH{client * 7 % 90 + 10:02}007620116{client * 31 + draw.randrange(3):010}"

    ibans = [account(draw.randrange(20)) for _ in range(ASKED)]
    return {
        "key": [f"invoice:{number()}" for _ in range(ASKED)],
        "number": [number() for _ in range(ASKED)],
        "beginning": [number()[: draw.randint(9, 13)] for _ in range(ASKED)],
        "iban": [" ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) for iban in ibans],
        "id": [f"{draw.getrandbits(32):08x}" for _ in range(ASKED)],
        "nothing": [f"nothing {draw.random()}" for _ in range(ASKED)],
    }


async def _offer_jobs(bus: Bus, number: int) -> None:
    bucket = catalogue(bus)
    for n in range(number):
        access = Access(module=f"module-{n % 12}", level=Level.GENERAL, roles=frozenset({"clerk"}))
        entry = CatalogueEntry(
            id=f"bench.job-{n:03}",
            service="bench",
            title=f"Measured work {n:03}",
            description="Does what is measured, for people who measure.",
            kind=list(Kind)[n % len(Kind)],
            owner="Bench",
            access=access,
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


async def _trustee(root: httpx.AsyncClient) -> dict[str, str]:
    """The header of somebody who sees twenty clients."""
    body = {"name": "Trustee", "roles": ["clerk"], "clients": list(CLIENTS)}
    (await root.put("/api/v1/principals/trustee", json=body)).raise_for_status()
    issued = await root.post("/api/v1/tokens", json={"principal": "trustee", "name": "bench"})
    issued.raise_for_status()
    return {"Authorization": f"Bearer {issued.json()['token']}"}


async def _project(bus: Bus, records: int) -> Any:
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
