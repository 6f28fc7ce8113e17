"""What tracing costs: the throughput of tracked no-op runs without spans, with spans for a collector, and
with spans that the status service keeps."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import uvloop

from deploy.local.ports import free_port
from deploy.local.stack import LocalStack
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.runs import Volume, run_round
from tests.benchmarks.stack import config, connected, cpu_seconds

#: Percent of the throughput that it may cost.
ALLOWED: Final = 10.0

#: Short turns of both: what others do on the machine lasts for longer, and meets both.
TURNS: Final = 5

_ENDPOINT: Final = "TAGWERK_OTLP_ENDPOINT"

#: Takes what it is sent, in a process of its own as a collector is.
_COLLECTOR: Final = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("ready", flush=True)
server.serve_forever()
"""


class _Round(NamedTuple):
    #: Runs per second.
    rate: float
    #: Seconds of CPU time that the stack used.
    cpu: float


@contextmanager
def collector() -> Iterator[str]:
    """One that takes everything and keeps nothing: what receiving costs is another's matter."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _COLLECTOR, str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def measure_tracing(folder: Path, volume: Volume, report: Report) -> None:
    """Stacks side by side, in turns: a machine that gets slower or faster does so for all of them."""
    with collector() as endpoint:
        async with AsyncExitStack() as stacks:
            running = {
                mode: await stacks.enter_async_context(_stack(folder / f"tracing-{mode}", environment))
                for mode, environment in (
                    ("off", {_ENDPOINT: ""}),
                    ("on", {_ENDPOINT: endpoint}),
                    # As `tagwerk up` has it: on the same machine, into the same database.
                    ("kept", {}),
                )
            }
            measured = await asyncio.to_thread(lambda: uvloop.run(_measure(running, volume)))
    for mode, rounds in measured.items():
        rates = [one.rate for one in rounds]
        report.add(Figure.of("runs_per_second", "1/s", rates, tracing=mode, runs=volume.runs // TURNS))
    for mode, allowed in (("on", ALLOWED), ("kept", None)):
        pairs = list(zip(measured["off"], measured[mode], strict=True))
        conditions = {"tracing": mode, "runs": volume.runs // TURNS}
        slower = [(1 - traced.rate / off.rate) * 100 for off, traced in pairs]
        report.add(Figure.of("tracing_costs", "%", slower, **conditions).within(allowed))
        # Where others work on the machine, too, this is the figure that does not depend on them.
        dearer = [(traced.cpu / off.cpu - 1) * 100 for off, traced in pairs]
        report.add(Figure.of("tracing_costs_cpu", "%", dearer, **conditions).within(allowed))


def _stack(state: Path, environment: dict[str, str]) -> LocalStack:
    plain = config(state, "always")
    return LocalStack(replace(plain, environment={**plain.environment, **environment}))


async def _measure(running: dict[str, LocalStack], volume: Volume) -> dict[str, list[_Round]]:
    measured: dict[str, list[_Round]] = {mode: [] for mode in running}
    async with AsyncExitStack() as connections:
        buses = {
            mode: await connections.enter_async_context(connected(stack)) for mode, stack in running.items()
        }
        for bus in buses.values():
            await run_round(bus, 500)
        for turn in range(volume.rounds * TURNS):
            # None is always the first.
            first = turn % len(buses)
            for mode in [*buses][first:] + [*buses][:first]:
                before = cpu_seconds(running[mode])
                rate = await run_round(buses[mode], volume.runs // TURNS)
                measured[mode].append(_Round(rate, cpu_seconds(running[mode]) - before))
    return measured
