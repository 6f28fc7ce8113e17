"""Messages over MQTT at QoS 1: from a device to the request of a run, one at a time; how many a second until
each is an event; and whether a steady stream of them leaves a backlog."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiomqtt
import httpx
from nats.aio.msg import Msg

from deploy.local.mqtt import RULES_FILE, address_of_device
from deploy.local.nats import Sync
from deploy.local.stack import LocalStack
from deploy.local.state import StateFolder
from shared.bus import Bus
from tests.benchmarks.figures import Figure, Report, percentile
from tests.benchmarks.stack import connected, cpu_seconds

DEVICE: Final = "bench-device"
STARTS: Final = "tagwerk/in/main/start"
TELLS: Final = "tagwerk/in/main/tell"
RULES: Final = f"""
[[rule]]
name = "start"
topic = "{STARTS}"
client = "main"
principal = "{DEVICE}"
idempotency_field = "id"
start = {{ job = "lab.noop", lane = "interactive" }}

[[rule]]
name = "tell"
topic = "{TELLS}"
client = "main"
principal = "{DEVICE}"
idempotency_field = "id"
event = {{ name = "told" }}
"""

#: Milliseconds from a device's publish until the run is requested, of 99 in 100.
REQUESTED_WITHIN: Final = 25.0
#: Messages a second that have to be borne for as long as they come.
STEADY: Final = 1500
#: Seconds for which they come, and milliseconds after the last of them by which all are events: at 1,450 a
#: second it would be more than that.
STEADY_FOR: Final = 40
BEHIND: Final = 1000.0
#: Messages of a round.
MESSAGES: Final = 10_000
#: Messages that the device has sent and that are not acknowledged yet.
IN_FLIGHT: Final = 500
#: Seconds that anything here may take before it is given up.
PATIENCE: Final = 120.0


def write_rules(state: Path) -> None:
    with StateFolder(state) as folder:
        (folder.path / RULES_FILE).write_text(RULES)


async def measure_mqtt(stack: LocalStack, sync: Sync, rounds: int, latencies: int, report: Report) -> None:
    """`sync`: with `always` a message is on the disk before it is acknowledged, with `default` soon after."""
    await _make_device(stack)
    address = address_of_device(stack.state, DEVICE)
    assert address is not None
    parts = urlsplit(address)
    async with (
        connected(stack) as bus,
        aiomqtt.Client(
            parts.hostname or "", parts.port or 0, username=unquote(parts.username or ""),
            password=unquote(parts.password or ""), max_inflight_messages=IN_FLIGHT,
            max_queued_outgoing_messages=0, logger=_quiet(),
        ) as device,
    ):  # fmt: skip
        await _latencies(bus, device, 50)  # Warm caches.
        taken = [value for _ in range(rounds) for value in await _latencies(bus, device, latencies)]
        report.add(
            Figure.of(
                "mqtt_to_requested_ms_p50", "ms", [percentile(taken, 50)], sync=sync, messages=len(taken)
            )
        )
        worst = Figure.of(
            "mqtt_to_requested_ms_p99", "ms", [percentile(taken, 99)], sync=sync, messages=len(taken)
        )
        report.add(worst.within(REQUESTED_WITHIN))
        acknowledged, told, costs = [], [], []
        for _ in range(rounds):
            before = cpu_seconds(stack)
            stored, whole = await _round(bus, device)
            costs.append((cpu_seconds(stack) - before) / MESSAGES * 1000)
            acknowledged.append(MESSAGES / stored)
            told.append(MESSAGES / whole)
        conditions = {"qos": 1, "sync": sync, "messages": MESSAGES}
        report.add(Figure.of("mqtt_acknowledged_per_second", "1/s", acknowledged, **conditions))
        report.add(Figure.of("mqtt_told_per_second", "1/s", told, **conditions))
        report.add(Figure.of("mqtt_cpu_ms_per_message", "ms", costs, **conditions))
        behind = [await _steady(bus, device) for _ in range(rounds)]
        steady = Figure.of(
            "mqtt_behind_ms", "ms", behind, qos=1, sync=sync, per_second=STEADY, seconds=STEADY_FOR
        )
        report.add(steady.within(BEHIND))


def _quiet() -> logging.Logger:
    """aiomqtt warns of each publish that waits; here hundreds are meant to."""
    logger = logging.getLogger("bench.mqtt")
    logger.setLevel(logging.ERROR)
    return logger


async def _make_device(stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    body = {"name": "Bench", "kind": "mqtt", "roles": ["tester"], "clients": ["main"]}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers) as http:
        (await http.put(f"/principals/{DEVICE}", json=body)).raise_for_status()


async def _latencies(bus: Bus, device: aiomqtt.Client, number: int) -> list[float]:
    """Milliseconds of single messages, each sent when the one before is a request."""
    requested = asyncio.Queue[float]()

    async def hear(_: Msg) -> None:
        requested.put_nowait(time.perf_counter())

    heard = await bus.nc.subscribe("run.lab.noop.*.*.requested", cb=hear)
    await bus.nc.flush()
    taken = []
    for count in range(number):
        began = time.perf_counter()
        sent = asyncio.create_task(device.publish(STARTS, _message(f"{began}-{count}"), qos=1))
        taken.append((await asyncio.wait_for(requested.get(), PATIENCE) - began) * 1000)
        await sent
    await heard.unsubscribe()
    return taken


async def _round(bus: Bus, device: aiomqtt.Client) -> tuple[float, float]:
    """Seconds until all messages are acknowledged to the device, and until all are events."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(number: int) -> None:
        async with gate:
            await device.publish(TELLS, _message(f"{began}-{number}"), qos=1, timeout=PATIENCE)

    async with _told(bus, MESSAGES) as done:
        began = time.perf_counter()
        await asyncio.gather(*(send(number) for number in range(MESSAGES)))
        stored = time.perf_counter() - began
        await asyncio.wait_for(done.wait(), PATIENCE)
        return stored, time.perf_counter() - began


async def _steady(bus: Bus, device: aiomqtt.Client) -> float:
    """Milliseconds from the last message of a steady stream until all are events."""
    messages, tick = STEADY * STEADY_FOR, 0.01
    sent: list[asyncio.Task[None]] = []
    async with _told(bus, messages) as done:
        began = time.perf_counter()
        while len(sent) < messages:
            due = min(messages, int((time.perf_counter() - began) * STEADY))
            sent += [
                asyncio.create_task(device.publish(TELLS, _message(f"{began}-{n}"), qos=1, timeout=PATIENCE))
                for n in range(len(sent), due)
            ]
            await asyncio.sleep(tick)
        last = time.perf_counter()
        await asyncio.gather(*sent)
        await asyncio.wait_for(done.wait(), PATIENCE)
        return (time.perf_counter() - last) * 1000


@asynccontextmanager
async def _told(bus: Bus, messages: int) -> AsyncIterator[asyncio.Event]:
    """Set once so many messages are events."""
    waiting = messages
    done = asyncio.Event()

    async def hear(_: Msg) -> None:
        nonlocal waiting
        waiting -= 1
        if waiting == 0:
            done.set()

    heard = await bus.nc.subscribe("event.message.received", cb=hear)
    await bus.nc.flush()
    try:
        yield done
    finally:
        await heard.unsubscribe()


def _message(id: str) -> bytes:
    return json.dumps({"id": id, "article": "4711-23", "pieces": 12, "at": "2026-11-27T10:00:00Z"}).encode()
