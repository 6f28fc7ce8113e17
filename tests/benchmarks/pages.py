"""What people look at, over the runs of years: the catalogue, the list of runs, the search, a long run.

A page is measured as a browser gets it: from the request to the last byte over HTTP, and with what it weighs.
The queries behind it are measured over the bus besides, to tell where time goes.
"""

import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from deploy.local.stack import LocalStack
from services.gateway.pages.preferences import ZONE_COOKIE, zones
from shared import subjects
from shared.bus import Bus
from shared.commands import Overview, OverviewQuery, RunsPage, RunsQuery, Scope, SearchHits, SearchQuery
from tests.benchmarks.figures import Figure, Report, percentile
from tests.benchmarks.pages_asked import any_filter, as_form, filter_of_page, typed
from tests.benchmarks.pages_live import PEOPLE, measure_live
from tests.benchmarks.pages_made import offer_jobs, person, project
from tests.benchmarks.pages_volume import Installation, fill
from tests.benchmarks.stack import connected, cpu_by_process

#: Requests of each kind in a round.
ASKED = 100
#: Milliseconds, and kilobytes, that a page may take.
MILLISECONDS, KILOBYTES = 50, 100
#: By how much a run of 100,000 records may take longer to open than one of 10.
LONGER = 1.5
#: Servers and services whose CPU time is told.
TOLD = ("postgres", "status", "gateway")

CLIENTS = tuple(f"client-{n:03}" for n in range(20))
#: Sees twenty of some 120 clients, and every job.
TRUSTEE = Scope(clients=frozenset(CLIENTS))

_STATIC = re.compile(r"/static/[0-9a-f]+/[\w.-]+")
_IMPORTED = re.compile(r'from "\./([\w.-]+)"')

Answer = TypeVar("Answer", bound=BaseModel)
Ask = Callable[[], Awaitable[object]]


async def measure_pages(stack: LocalStack, rounds: int, size: Installation, report: Report) -> None:
    began = time.perf_counter()
    await fill(stack.database_url("status"), size)
    seconds = time.perf_counter() - began
    report.add(Figure.of("pages_filled_seconds", "s", [seconds], runs=size.runs, records=size.records))
    async with connected(stack) as bus, AsyncExitStack() as opened:

        async def reads(headers: Mapping[str, str]) -> httpx.AsyncClient:
            limits = httpx.Limits(max_connections=None)
            client = httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60, limits=limits)
            return await opened.enter_async_context(client)

        await offer_jobs(bus, size.jobs)
        short, long = await project(bus, 10), await project(bus, 100_000)
        root = await reads({"Authorization": f"Bearer {stack.token}"})
        trustee = await reads(await person(root, "trustee", CLIENTS))
        for who, scope, http in (("administrator", Scope(), root), ("trustee", TRUSTEE, trustee)):
            measured = _Measured(stack, report, rounds, {"runs": size.runs, "asker": who})
            await _measure_pages(measured, http, size)
            await _measure_queries(measured, _Asker(bus, scope), size)
        measured = _Measured(stack, report, rounds, {"runs": size.runs})
        await _measure_runs(measured, root, {10: short, 100_000: long})
        people = [await reads(await person(root, f"reader-{n}", CLIENTS[:1])) for n in range(PEOPLE)]
        await measure_live(stack, bus, people, report)
    took = [time.perf_counter() - began]
    report.add(Figure.of("pages_seconds", "s", took, runs=size.runs).within(360))


class _Asker:
    """One who asks the status service over the bus."""

    def __init__(self, bus: Bus, scope: Scope) -> None:
        self._bus = bus
        self.scope = scope

    def asking(self, name: str, query: BaseModel, answer: type[Answer]) -> Ask:
        return lambda: self._bus.ask(subjects.query("status", name), query, answer, timeout=60)


class _Measured:
    """Rounds of requests, one after the other: how long each took, and the CPU time of one."""

    def __init__(self, stack: LocalStack, report: Report, rounds: int, conditions: dict[str, Any]) -> None:
        self._stack = stack
        self._report = report
        self._rounds = rounds
        self._conditions = conditions

    async def take(
        self, name: str, asked: Sequence[Ask], target: float | None = None, **conditions: Any
    ) -> list[float]:
        """The medians of the rounds, in milliseconds."""
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
        facts = {**self._conditions, **conditions}
        medians = [percentile(times, 50) for times in taken]
        self._report.add(Figure.of(f"{name}_ms_p50", "ms", medians, **facts))
        late = [percentile(times, 95) for times in taken]
        self._report.add(Figure.of(f"{name}_ms_p95", "ms", late, **facts).within(target))
        cpu = [sum(one.values()) for one in used]
        self._report.add(Figure.of(f"{name}_cpu_ms", "ms", cpu, **facts))
        return medians

    async def once(self, name: str, asked: Sequence[Ask]) -> None:
        """Each request for the first time."""
        times = []
        for ask in asked:
            began = time.perf_counter()
            await ask()
            times.append((time.perf_counter() - began) * 1000)
        for percent in (50, 95):
            taken = [percentile(times, percent)]
            self._report.add(Figure.of(f"{name}_first_ms_p{percent}", "ms", taken, **self._conditions))

    def compare(self, name: str, ratios: Sequence[float], target: float) -> None:
        self._report.add(Figure.of(name, "times", ratios, **self._conditions).within(target))

    def weigh(self, name: str, page: httpx.Response, files: int) -> None:
        """A page: as HTML, as it is sent, and together with the `files` that a first visit loads besides."""
        sent = page.num_bytes_downloaded
        add, facts = self._report.add, self._conditions
        add(Figure.of(f"{name}_html_kb", "kB", [len(page.content) / 1000], **facts))
        add(Figure.of(f"{name}_sent_kb", "kB", [sent / 1000], **facts))
        add(Figure.of(f"{name}_first_visit_kb", "kB", [(sent + files) / 1000], **facts).within(KILOBYTES))


async def _measure_pages(measured: _Measured, http: httpx.AsyncClient, size: Installation) -> None:
    draw = random.Random(4)
    catalogue = [_getting(http, "/")] * ASKED
    await measured.take("page_catalogue", catalogue, MILLISECONDS)
    # In zones in which nobody has read it: no row is remembered.
    cold = [_getting(http, "/", cookies={ZONE_COOKIE: zone}) for zone in sorted(zones())[:ASKED]]
    await measured.once("page_catalogue", cold)
    filters = [as_form(filter_of_page(draw)) for _ in range(ASKED)]
    await measured.take("page_runs", [_getting(http, "/runs", filter) for filter in filters], MILLISECONDS)
    for path, name in (("/", "page_catalogue"), ("/runs", "page_runs")):
        page = await _get(http, path)
        measured.weigh(name, page, await _files_of(http, page.text))
    for kind, words in typed(draw, size, ASKED).items():
        if kind != "key":
            words = words[: ASKED // 2]
        asked = [_getting(http, "/search", {"q": q}) for q in words]
        await measured.take("page_search", asked, MILLISECONDS if kind == "key" else None, typed=kind)


async def _measure_queries(measured: _Measured, asker: _Asker, size: Installation) -> None:
    draw, scope = random.Random(4), asker.scope
    overview = asker.asking("overview", OverviewQuery(scope=scope), Overview)
    await measured.take("query_overview", [overview] * ASKED)
    for name, drawn in (("query_runs", filter_of_page), ("query_runs_any", any_filter)):
        queries = [RunsQuery(scope=scope, **drawn(draw)) for _ in range(ASKED)]
        await measured.take(name, [asker.asking("runs", query, RunsPage) for query in queries])
    keys = [SearchQuery(q=q, scope=scope) for q in typed(draw, size, ASKED)["key"]]
    await measured.take(
        "query_search", [asker.asking("search", q, SearchHits) for q in keys], MILLISECONDS, typed="key"
    )


async def _measure_runs(measured: _Measured, http: httpx.AsyncClient, runs: Mapping[int, Any]) -> None:
    """A run as it is opened, and the first page of its records that failed."""
    medians = {}
    for records, run_id in runs.items():
        page = [_getting(http, f"/runs/{run_id}")] * ASKED
        medians[records] = await measured.take("page_run", page, MILLISECONDS, records=records)
        failed = [_getting(http, f"/runs/{run_id}", {"outcome": "failed"})] * ASKED
        await measured.take("page_run_failed", failed, MILLISECONDS, records=records)
    few, many = medians.values()
    measured.compare("page_run_longer", [b / a for a, b in zip(few, many, strict=True)], LONGER)


async def _get(http: httpx.AsyncClient, path: str, params: Any = None, cookies: Any = None) -> httpx.Response:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
    response = await http.get(path, params=params, headers=headers if cookies else None)
    response.raise_for_status()
    return response


def _getting(
    http: httpx.AsyncClient, path: str, params: Any = None, cookies: Any = None
) -> Callable[[], Awaitable[httpx.Response]]:
    return lambda: _get(http, path, params, cookies)


async def _files_of(http: httpx.AsyncClient, html: str) -> int:
    """Bytes, as they are sent, of styles, pictures and scripts that a page loads, and that those load."""
    waiting, seen, sent = set(_STATIC.findall(html)), set(), 0
    while waiting:
        path = waiting.pop()
        seen.add(path)
        file = await _get(http, path)
        sent += file.num_bytes_downloaded
        if path.endswith(".js"):
            folder = path.rpartition("/")[0]
            waiting |= {f"{folder}/{name}" for name in _IMPORTED.findall(file.text)} - seen
    return sent
