"""The stack under measurement: the real one, with the laboratory service beside it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import psutil

from deploy.local.config import SERVICES, StackConfig
from deploy.local.mqtt import bridge_of
from deploy.local.nats import Sync
from deploy.local.stack import LocalStack
from shared.bus import Bus

#: Sequences are reported for both.
SYNCS: tuple[Sync, ...] = ("always", "default")


def config(state: Path, sync: Sync, *, cpu_slots: int | None = None, laboratory: bool = True) -> StackConfig:
    services = {**SERVICES, **bridge_of(state), **({"lab": "tests.support.lab"} if laboratory else {})}
    return StackConfig(
        state=state, sync=sync, cpu_slots=cpu_slots, services=services,
        environment={"TAGWERK_LOG_LEVEL": "warning"},
    )  # fmt: skip


@asynccontextmanager
async def connected(stack: LocalStack) -> AsyncIterator[Bus]:
    """The bench's own connection, with the rights of the administrator."""
    nc = await nats.connect(stack.nats_url)
    bus = Bus(nc)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()
        await nc.close()


def _processes(stack: LocalStack) -> Iterator[tuple[str, psutil.Process]]:
    """Every process of the stack: servers with their children, services with theirs, by the name of the
    server or service. Children come and go: what is asked of one may raise `psutil.NoSuchProcess`."""
    for name, supervised in stack.processes.items():
        if supervised.pid is not None:
            process = psutil.Process(supervised.pid)
            yield name, process
            for child in process.children(recursive=True):
                yield name, child


def cpu_by_process(stack: LocalStack) -> dict[str, float]:
    """CPU time in seconds, user and system, that each server and service has used so far, with children.

    What a child had used is its parent's when it has ended.
    """
    used: defaultdict[str, float] = defaultdict(float)
    for name, process in _processes(stack):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[name] += times.user + times.system + times.children_user + times.children_system
    return used


def cpu_seconds(stack: LocalStack) -> float:
    """CPU time, user and system, that the stack's processes have used so far."""
    return sum(cpu_by_process(stack).values())


def resident_mb(stack: LocalStack) -> tuple[float, float]:
    """Resident memory of all processes in MB: summed as they say (shared pages counted in each), and with
    shared pages divided among their users."""
    rss = pss = 0
    for _, process in _processes(stack):
        with suppress(psutil.NoSuchProcess):
            memory = process.memory_full_info()
            rss += memory.rss
            pss += memory.pss
    return rss / 1e6, pss / 1e6
