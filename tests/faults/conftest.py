"""`sweep(SCENARIO)`: a sample of its points in `make test`, all of them in `make soak`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Protocol

import pytest

from tests.support.faults.lane import Lane
from tests.support.faults.sweep import Report, Scenario
from tests.support.faults.sweep import sweep as run_sweep
from tests.support.folders import remove_folder, temporary_folder
from tests.support.nursery import Nursery
from tests.support.servers import NatsServer, PostgresServer

#: Installations that repetitions are spread over: most of a repetition is waiting for a redelivery. Each one
#: more is another undisturbed repetition, which a sample does not outweigh.
LANES, LANES_OF_A_SAMPLE = 3, 1
#: Parts of a sample's kills that may miss their point, because another repetition passed fewer times by it.
MISSED = 0.25
#: Under which a test's report travels to the summary, from another process too.
PROPERTY = "kills"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = [
        (report.nodeid.rpartition("::")[2], words)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, words in report.user_properties
        if name == PROPERTY and report.when == "call"
    ]
    if told:
        terminalreporter.section("kills")
        for test, words in told:
            terminalreporter.write_line(f"{words}: {test}")


class Sweep(Protocol):
    async def __call__(self, scenario: Scenario) -> Report:
        """Sweep, print what was done, and fail on any fault."""


@pytest.fixture
async def lanes(
    nursery: Nursery, postgres: PostgresServer, request: pytest.FixtureRequest
) -> AsyncIterator[list[Lane]]:
    folder = temporary_folder()
    count = LANES if request.node.get_closest_marker("soak") else LANES_OF_A_SAMPLE
    servers = [NatsServer(folder / f"nats-{number}") for number in range(count)]
    async with AsyncExitStack() as stack:
        lanes = []
        for number, server in enumerate(servers):
            server.start()
            stack.callback(server.kill)
            home = folder / f"lane-{number}"
            home.mkdir()
            lanes.append(await stack.enter_async_context(Lane(nursery, server, postgres, home)))
        yield lanes
    remove_folder(folder)


@pytest.fixture(
    params=[
        pytest.param(False, marks=pytest.mark.timeout(600), id="sample"),
        pytest.param(True, marks=[pytest.mark.soak, pytest.mark.timeout(3600)], id="whole"),
    ]
)
def whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def sweep(lanes: list[Lane], whole: bool, record_property: Callable[[str, object], None]) -> Sweep:
    async def run(scenario: Scenario) -> Report:
        report = await run_sweep(lanes, scenario, whole=whole)
        record_property(PROPERTY, str(report))
        for kill in report.kills:
            verdict = "; ".join(kill.faults) or "well" if kill.reached else "not reached"
            decided = f", decided {', '.join(kill.decided)}" if kill.decided else ""
            print(f"{kill.seconds:5.1f} s  {kill.point}: {verdict}{decided}")
        print(report)
        assert not report.faults, "\n".join(report.faults)
        missed = len(report.kills) - report.reached
        assert missed <= max(1, MISSED * len(report.kills)), report
        return report

    return run
