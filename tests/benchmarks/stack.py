"""The stack under measurement: the real one, with the laboratory service beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import psutil

from deploy.local.config import SERVICES, StackConfig
from deploy.local.nats import Sync
from deploy.local.stack import LocalStack
from shared.bus import Bus

#: Sequences are reported for both.
SYNCS: tuple[Sync, ...] = ("always", "default")


def config(state: Path, sync: Sync, *, cpu_slots: int | None = None, laboratory: bool = True) -> StackConfig:
    services = {**SERVICES, "lab": "tests.support.lab"} if laboratory else dict(SERVICES)
    return StackConfig(
        state=state, sync=sync, cpu_slots=cpu_slots, services=services,
        environment={"TAGWERK_LOG_LEVEL": "warning"},
    )  # fmt: skip


@asynccontextmanager
async def connected(stack: LocalStack) -> AsyncIterator[Bus]:
    """The bench's own connection, with the rights of the administrator."""
    nc = await nats.connect(stack.nats_url())
    bus = Bus(nc)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()
        await nc.close()


def _processes(stack: LocalStack) -> list[psutil.Process]:
    """Every process of the stack: servers with their children, services with theirs."""
    found: dict[int, psutil.Process] = {}
    for supervised in stack.processes.values():
        if supervised.pid is None:
            continue
        process = psutil.Process(supervised.pid)
        for one in (process, *process.children(recursive=True)):
            found[one.pid] = one
    return list(found.values())


def cpu_seconds(stack: LocalStack) -> float:
    """CPU time, user and system, that the stack's processes have used so far."""
    total = 0.0
    for process in _processes(stack):
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_mb(stack: LocalStack) -> tuple[float, float]:
    """Resident memory of all processes in MB: summed as they say (shared pages counted in each), and with
    shared pages divided among their users."""
    rss = pss = 0
    for process in _processes(stack):
        memory = process.memory_full_info()
        rss += memory.rss
        pss += memory.pss
    return rss / 1e6, pss / 1e6
