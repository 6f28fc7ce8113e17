"""What the engine counts, read from the health port as Prometheus reads it."""

import asyncio
import time

import httpx
from prometheus_client.parser import text_string_to_metric_families

from shared.clients.retrying import RETRIES
from tests.support.engine import Engine

JOBS = ("records", "noop", "flaky")

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def _metrics(engine: Engine, service: str = "lab") -> Samples:
    address = engine.service(service).health_address
    assert address is not None
    async with httpx.AsyncClient(base_url="http://{}:{}".format(*address), timeout=30) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
        needed = {"taking_work", "bus", "loops", "trouble", *(["database"] if service == "lab" else [])}
        assert ready.json()["checks"].keys() == needed
        text = (await client.get("/metrics")).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _of(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


async def test_waits_attempts_runs_and_records_are_counted(engine: Engine) -> None:
    await engine.start(health_listen="127.0.0.1:0")
    before = await _metrics(engine)
    await asyncio.gather(
        engine.run("lab.records", count=5, fail=[2]), engine.run("lab.noop"), engine.run("lab.flaky", fails=1)
    )
    after = await _metrics(engine)

    def grew(name: str, **labels: str) -> float:
        return _of(after, name, **labels) - _of(before, name, **labels)

    async def counted() -> None:
        # The end of a run is told a moment before it is counted.
        nonlocal after
        while sum(grew("tagwerk_run_duration_seconds_count", job_name=f"lab.{job}") for job in JOBS) < len(
            JOBS
        ):
            await asyncio.sleep(0.01)
            after = await _metrics(engine)

    await asyncio.wait_for(counted(), 30)
    assert grew("tagwerk_runs_finished_total", job_name="lab.records", state="partially_failed") == 1
    assert grew("tagwerk_runs_finished_total", job_name="lab.noop", state="succeeded") == 1
    assert grew("tagwerk_attempts_total", job_name="lab.flaky", outcome="waiting") == 1
    assert grew("tagwerk_attempts_total", job_name="lab.flaky", outcome="succeeded") == 1
    assert grew("tagwerk_attempt_duration_seconds_count", job_name="lab.flaky") == 2
    assert grew("tagwerk_run_queue_wait_seconds_count", job_name="lab.flaky", lane="interactive") == 1
    assert grew("tagwerk_records_total", job_name="lab.records", outcome="failed") == 1
    assert grew("tagwerk_records_total", job_name="lab.records", outcome="created") == 4
    assert _of(after, "tagwerk_job_concurrency_limit", job_name="lab.limited") == 2
    # Not yet failed, and yet there: or its first failure would be no increase.
    assert (
        "tagwerk_runs_finished_total",
        frozenset({("job_name", "lab.noop"), ("state", "failed")}),
    ) in after
    assert _of(after, "tagwerk_database_pool_limit") > 0
    assert not [name for name, labels in after if {"run_id", "client", "subject"} & dict(labels).keys()]


async def test_calls_slots_queues_and_dead_letters_are_counted(engine: Engine) -> None:
    await engine.start(health_listen="127.0.0.1:0")
    before = await _metrics(engine)
    await engine.run("lab.call", url="http://127.0.0.1:9/")
    await engine.bus.publish("run.lab.noop.nonsense.interactive.requested", b"{}")
    sleeping = await engine.request("lab.sleep", steps=1000)

    async def seen(service: str, samples: Samples) -> None:
        deadline = time.monotonic() + 30
        while missing := samples.items() - (told := await _metrics(engine, service)).items():
            assert time.monotonic() < deadline, [(one, told.get(one)) for one, _ in missing]
            await asyncio.sleep(0.05)

    def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
        return f"tagwerk_{name}", frozenset(labels.items())

    call = {"system": "outside", "operation": "fetch"}
    failed = of("external_calls_total", job_name="lab.call", outcome="failed", **call)
    lasted = of("external_call_duration_seconds_count", **call)
    buried = [key for key in before if key[0] == "tagwerk_dead_letters_total"]
    await seen(
        "lab",
        {
            of("attempts_at_work", job_name="lab.sleep"): 1,
            of("slots_used", pool="io"): 1,
            failed: before.get(failed, 0) + 1 + RETRIES,
            lasted: before.get(lasted, 0) + 1 + RETRIES,
        },
    )
    at_work = await _metrics(engine)
    assert at_work[of("slots", pool="io")] > 1
    await seen("scheduler", {of("queue_ack_pending", job_name="lab.sleep", lane="interactive"): 1})
    after = {key: value for key, value in at_work.items() if key[0] == "tagwerk_dead_letters_total"}
    assert sum(after.values()) == sum(before[key] for key in buried) + 1
    await engine.cancel("lab.sleep", sleeping.request.run_id)
    await seen(
        "lab",
        {of("attempts_at_work", job_name="lab.sleep"): 0, of("slots_used", pool="io"): 0},
    )
