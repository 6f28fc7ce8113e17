"""Supervision of one process, on real processes that are a line of shell."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from deploy.local import supervised
from deploy.local.supervised import ProcessPlan, Supervised


@dataclass
class Witness:
    lines: list[str] = field(default_factory=list)
    deaths: list[tuple[str, float]] = field(default_factory=list)

    def said(self, process: str, line: str) -> None:
        self.lines.append(line)

    def became_ready(self, process: str, seconds: float) -> None:
        pass

    def died(self, process: str, how: str, delay: float) -> None:
        self.deaths.append((how, delay))


async def at_once(_: int) -> bool:
    return True


@asynccontextmanager
async def supervise(
    script: str, *, drain: float = 5.0, is_ready: Callable[[int], Awaitable[bool]] = at_once
) -> AsyncIterator[tuple[Supervised, Witness]]:
    witness = Witness()
    process = Supervised(
        ProcessPlan(
            name="it",
            command=lambda: ["/bin/sh", "-c", script],
            environment=dict(os.environ),
            is_ready=is_ready,
            folder=Path("/"),
            drain=drain,
        ),
        witness,
    )
    process.start()
    try:
        yield process, witness
    finally:
        await process.stop()


async def until(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_process_that_keeps_dying_is_started_again_ever_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervised, "FIRST_DELAY", 0.02)
    monkeypatch.setattr(supervised, "LAST_DELAY", 0.1)
    async with supervise("echo no disk; exit 3") as (process, witness):
        await until(lambda: len(witness.deaths) >= 5)
        assert process.restarts >= 4
    assert witness.deaths[0][0] == "it ended with exit code 3 (no disk)"
    assert [round(delay, 2) for _, delay in witness.deaths[:5]] == [0.02, 0.04, 0.08, 0.1, 0.1]


async def test_a_process_that_lived_long_is_started_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "FIRST_DELAY", 0.02)
    monkeypatch.setattr(supervised, "RESET_AFTER", 0.2)
    async with supervise("sleep 0.3; exit 1") as (_, witness):
        await until(lambda: len(witness.deaths) >= 2)
    assert {delay for _, delay in witness.deaths} == {0.02}


async def test_a_program_that_does_not_exist_is_a_death_like_any_other() -> None:
    witness = Witness()
    plan = ProcessPlan("it", lambda: ["/nowhere/to/be/found"], {}, at_once, Path("/"))
    process = Supervised(plan, witness)
    process.start()
    await until(lambda: bool(witness.deaths))
    await process.stop()
    assert "could not be started" in witness.deaths[0][0]


async def test_output_comes_line_by_line_also_the_last_without_an_end_and_very_long_ones() -> None:
    async with supervise("echo one; echo two >&2; head -c 40000 /dev/zero | tr '\\0' x; exec sleep 60") as (
        _,
        witness,
    ):
        await until(lambda: sum(map(len, witness.lines)) >= 16_000 + 6)
        assert witness.lines[:2] == ["one", "two"]
        assert set(witness.lines[2]) == {"x"}


async def test_a_process_that_ignores_the_stop_is_killed_after_its_drain_time() -> None:
    async with supervise("trap '' TERM; echo on; while :; do sleep 0.1; done", drain=0.3) as (
        process,
        witness,
    ):
        await until(lambda: "on" in witness.lines)
        pid = process.pid
        began = asyncio.get_running_loop().time()
        await process.stop()
        assert asyncio.get_running_loop().time() - began > 0.25
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert witness.deaths == []


async def test_what_a_dead_process_left_behind_is_ended_and_does_not_delay_its_restart() -> None:
    script = "sleep 60 & echo $!; exec sleep 60"
    async with supervise(script) as (process, witness):
        await until(lambda: len(witness.lines) == 1)
        orphan = psutil.Process(int(witness.lines[0]))
        process.send(signal.SIGKILL)
        await until(lambda: len(witness.lines) == 2)
        assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
        assert witness.deaths[0][0] == "it was ended by SIGKILL"


async def test_a_stop_during_the_pause_before_a_restart_starts_nothing_more() -> None:
    async with supervise("exit 1") as (process, witness):
        await until(lambda: bool(witness.deaths))
        assert process.pid is None
        await process.stop()
    assert process.restarts == 0


async def test_it_is_ready_only_while_the_process_that_said_so_lives() -> None:
    async def is_ready(pid: int) -> bool:
        return psutil.pid_exists(pid)

    async with supervise("exec sleep 60", is_ready=is_ready) as (process, witness):
        await asyncio.wait_for(process.ready.wait(), 30)
        first = process.pid
        process.send(signal.SIGKILL)
        await until(lambda: bool(witness.deaths))
        assert not process.ready.is_set()
        await asyncio.wait_for(process.ready.wait(), 30)
        assert process.pid not in (None, first)
