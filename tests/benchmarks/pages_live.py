"""Pages that follow runs: how long a change takes from its publish to the page, with many pages open at once.

Most pages are followed as `static/live.js` does it: a stream of events, and the part of the page that changes
fetched again with every change. A few are open in a real Chromium, where the document is watched.
"""

import asyncio
import itertools
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import psutil
from httpx_sse import aconnect_sse
from playwright.async_api import Browser, Page, async_playwright

from deploy.local.stack import LocalStack
from shared.bus import Bus
from shared.errors import Failure
from shared.events import AttemptFailed, Finished, Requested, RunEvent, Started
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Lane, RunState, Trigger
from tests.benchmarks.figures import Figure, Report, percentile
from tests.benchmarks.stack import cpu_seconds

JOB, CLIENT = "bench.job-000", "client-000"
#: Pages followed at once, and by how many people.
PAGES = 200
PEOPLE = 10
#: Changes of all runs together in a second: one of each page in ten; and for how many seconds.
CHANGES_PER_SECOND = 20
SECONDS = 20
#: Pages in Chromium among them.
IN_BROWSER = 3
#: Milliseconds within which a change is seen.
TARGET = 200

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_SEQUENCE = re.compile(rb'data-sequence="(\d+)"')
#: Notes when the document has each state, as soon as it is painted.
_WATCH = """() => {
    const run = document.getElementById("run");
    window.seen = [];
    new MutationObserver(() => {
        const sequence = Number(run.dataset.sequence);
        requestAnimationFrame(() => seen.push([sequence, performance.timeOrigin + performance.now()]));
    }).observe(run, { attributes: true, attributeFilter: ["data-sequence"] });
}"""

_PAINTED = "(last) => seen.some(([sequence]) => sequence >= last)"


class _Run:
    """A run whose worker is this benchmark: it starts, stumbles, starts again."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.id: UUID = new_id()
        self._subjects = RunSubjects(JOB, self.id)
        self._attempt = 0
        self._works = False
        #: Sequence -> when it was published, in milliseconds since 1970.
        self.published: dict[int, float] = {}

    async def request(self) -> None:
        request = Requested(
            run_id=self.id, job=JOB, client=CLIENT, principal="user-1", effective_principal="user-1",
            trigger=Trigger.MANUAL,
        )  # fmt: skip
        await self._bus.publish(self._subjects.requested(Lane.BULK), request.encode())

    async def change(self) -> None:
        """To the next state: it runs, or waits for the next attempt."""
        if self._works:
            failure = Failure(code="busy", cause="it is busy", next_step="Wait.", retryable=True)
            later = datetime.now(UTC) + timedelta(hours=1)
            event: RunEvent = AttemptFailed(
                run_id=self.id, attempt=self._attempt, failure=failure, next_attempt_at=later
            )
        else:
            self._attempt += 1
            event = Started(run_id=self.id, attempt=self._attempt, worker="bench:1")
        self._works = not self._works
        await self._tell(event)

    async def finish(self) -> None:
        await self._tell(Finished(run_id=self.id, attempt=self._attempt, state=RunState.SUCCEEDED))

    async def _tell(self, event: RunEvent) -> None:
        at = time.time() * 1000
        self.published[await self._bus.publish(self._subjects.ev, event.encode())] = at


class _OpenPage:
    """One page of a run, as the script of the page follows it."""

    def __init__(self, http: httpx.AsyncClient, run: _Run) -> None:
        self._http = http
        self._run = run
        #: Sequence -> when the page had it.
        self.seen: dict[int, float] = {}
        self.opened = asyncio.Event()

    @property
    def is_current(self) -> bool:
        return self._run.published.keys() <= self.seen.keys()

    def times(self) -> list[float]:
        """Milliseconds from the publish of each change to the page. `RuntimeError` if it missed one."""
        if not self.is_current:
            raise RuntimeError(f"a page of run {self._run.id} did not show every change")
        return [self.seen[sequence] - at for sequence, at in self._run.published.items()]

    async def follow(self) -> None:
        shown = await self._load()
        async with aconnect_sse(
            self._http, "GET", f"/api/v1/runs/{self._run.id}/events", params={"after": shown}
        ) as source:
            source.response.raise_for_status()
            self.opened.set()
            async for event in source.aiter_sse():
                if event.event == "end":
                    return
                if int(event.id) > shown:
                    shown = await self._load(fragment=True, at_least=event.id)

    async def _load(self, **parameters: object) -> int:
        answer = await self._http.get(f"/runs/{self._run.id}", params=parameters)  # type: ignore[arg-type]
        answer.raise_for_status()
        found = _SEQUENCE.search(answer.content)
        assert found is not None
        shown = int(found[1])
        now = time.time() * 1000
        for sequence in self._run.published:
            if sequence <= shown:
                self.seen.setdefault(sequence, now)
        return shown


async def measure_live(
    stack: LocalStack, bus: Bus, people: Sequence[httpx.AsyncClient], report: Report
) -> None:
    """`people`: clients of the gateway, each with a token of its own; each opens its share of the pages."""
    runs = [_Run(bus) for _ in range(PAGES)]
    shown_in_browser = [_Run(bus) for _ in range(IN_BROWSER)]
    for run in [*runs, *shown_in_browser]:
        await run.request()
        await run.change()
    gateway = psutil.Process(stack.processes["gateway"].pid)
    without = gateway.memory_info().rss
    open_pages = [_OpenPage(who, run) for who, run in zip(itertools.cycle(people), runs, strict=False)]
    async with AsyncExitStack() as opened:
        following = [asyncio.create_task(page.follow()) for page in open_pages]
        await asyncio.gather(*(page.opened.wait() for page in open_pages))
        pages = await opened.enter_async_context(_in_browser(stack, shown_in_browser))
        at_rest = _cpu_seconds(gateway)
        await asyncio.sleep(5)
        resting = _cpu_seconds(gateway) - at_rest
        for run in [*runs, *shown_in_browser]:
            run.published.clear()
        before, began = (_cpu_seconds(gateway), cpu_seconds(stack)), time.perf_counter()
        await _change(runs, shown_in_browser if pages else [])
        took = time.perf_counter() - began
        used = _cpu_seconds(gateway) - before[0], cpu_seconds(stack) - before[1]
        memory = gateway.memory_info().rss
        await _until(lambda: all(page.is_current for page in open_pages))
        times = [page.times() for page in open_pages]
        for run, page in zip(shown_in_browser, pages, strict=bool(pages)):
            await page.wait_for_function(_PAINTED, arg=max(run.published))
        painted = [await page.evaluate("window.seen") for page in pages]
        for run in runs:
            run.published.clear()
        # All at once, which nobody promises to be quick: it tells how many a gateway can make.
        await asyncio.gather(*(run.finish() for run in runs))
        await asyncio.wait_for(asyncio.gather(*following), 60)
        at_once = [page.times() for page in open_pages]
    conditions = {"pages": PAGES, "changes_per_second": CHANGES_PER_SECOND}
    _add(report, "live_change", times, conditions, TARGET)
    if pages:
        seen = [_painted(run, moments) for run, moments in zip(shown_in_browser, painted, strict=True)]
        _add(report, "live_painted", seen, conditions, TARGET)
    _add(report, "live_all_at_once", at_once, {"pages": PAGES})
    for name, seconds in zip(("gateway", "stack"), used, strict=True):
        report.add(Figure.of(f"live_{name}_cpu_percent", "%", [seconds / took * 100], **conditions))
    report.add(
        Figure.of("live_gateway_cpu_percent", "%", [resting / 5 * 100], pages=PAGES, changes_per_second=0)
    )
    report.add(Figure.of("live_gateway_rss_mb", "MB", [memory / 1e6], **conditions))
    report.add(Figure.of("live_page_rss_kb", "kB", [(memory - without) / PAGES / 1e3], **conditions))


async def _change(runs: Sequence[_Run], in_browser: Sequence[_Run]) -> None:
    """So many changes a second, spread evenly over the runs; those in the browser change each second."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    due: list[tuple[float, _Run]] = [
        (n / CHANGES_PER_SECOND, runs[n % len(runs)]) for n in range(CHANGES_PER_SECOND * SECONDS)
    ]
    due += [
        (second + n / len(in_browser), run) for second in range(SECONDS) for n, run in enumerate(in_browser)
    ]
    for at, run in sorted(due, key=lambda one: one[0]):
        await asyncio.sleep(max(0.0, began + at - loop.time()))
        await run.change()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)


def _painted(run: _Run, seen: Sequence[tuple[int, float]]) -> list[float]:
    times = []
    for sequence, at in run.published.items():
        after = [moment for shown, moment in seen if shown >= sequence]
        if not after:
            raise RuntimeError(f"the browser did not show a change of run {run.id}")
        times.append(min(after) - at)
    return times


def _add(
    report: Report,
    name: str,
    times: Sequence[Sequence[float]],
    conditions: dict[str, int],
    target: float | None = None,
) -> None:
    taken = list(itertools.chain.from_iterable(times))
    report.add(Figure.of(f"{name}_ms_p50", "ms", [percentile(taken, 50)], **conditions))
    late = Figure.of(f"{name}_ms_p95", "ms", [percentile(taken, 95)], **conditions)
    report.add(late.within(target))


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@asynccontextmanager
async def _in_browser(stack: LocalStack, runs: Sequence[_Run]) -> AsyncIterator[list[Page]]:
    """The pages of these runs in Chromium; none where there is no Chromium."""
    program = shutil.which("chromium")
    if program is None:
        yield []
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield [await _opened(browser, stack, run) for run in runs]
        finally:
            await browser.close()


async def _opened(browser: Browser, stack: LocalStack, run: _Run) -> Page:
    context = await browser.new_context(
        base_url=stack.url, extra_http_headers={"Authorization": f"Bearer {stack.token}"}
    )
    page = await context.new_page()
    await page.goto(f"/runs/{run.id}")
    await page.get_by_text("Live: this page follows the run.").wait_for()
    await page.evaluate(_WATCH)
    return page
