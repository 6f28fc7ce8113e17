"""The health port: what it answers, and that it stays silent where the loop that works is stuck."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from shared.errors import Failure, TagwerkError
from shared.health.app import HealthApp
from shared.health.checks import FAILED_LATELY, Check, Loops, check_trouble
from shared.http_server import HttpPort, listen


class Port:
    """A health port on an event loop of its own, and what it is to tell."""

    def __init__(self) -> None:
        self.checks = {"bus": Check(True)}
        self.started = True
        self.measures: dict[str, Any] = {}
        self.loop = asyncio.new_event_loop()
        app = HealthApp(
            {"service": "lab", "version": "1"},
            checks=self._look,
            started=lambda: self.started,
            measures=lambda: self.measures,
        )
        self.port = HttpPort(app, listen("127.0.0.1", 0, settings="another"))

    async def _look(self) -> dict[str, Check]:
        return self.checks

    def get(self, path: str, **how: Any) -> httpx.Response:
        host, port = self.port.address
        return httpx.get(f"http://{host}:{port}{path}", **{"timeout": 30.0, **how})


@contextmanager
def serving() -> Iterator[Port]:
    port = Port()
    thread = threading.Thread(target=port.loop.run_forever)
    thread.start()
    port.loop.call_soon_threadsafe(port.port.start)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(port.port.stop(), port.loop).result(30)
        port.loop.call_soon_threadsafe(port.loop.stop)
        thread.join()
        port.loop.close()


@pytest.fixture(name="port", scope="module")
def make_port() -> Iterator[Port]:
    with serving() as port:
        yield port


def test_a_loop_that_is_stuck_gives_no_sign_of_life(port: Port) -> None:
    assert port.get("/livez").status_code == 200
    stuck, go_on = threading.Event(), threading.Event()

    def block() -> None:
        stuck.set()
        go_on.wait()

    port.loop.call_soon_threadsafe(block)
    stuck.wait()
    try:
        with pytest.raises(httpx.TimeoutException):
            port.get("/livez", timeout=0.2)
    finally:
        go_on.set()
    assert port.get("/livez").status_code == 200


def test_life_depends_on_nothing_and_readiness_on_every_check(port: Port) -> None:
    port.checks = {"bus": Check(True), "database": Check(False, "away")}
    port.started = False
    assert port.get("/livez").status_code == 200
    assert port.get("/startupz").status_code == 503
    ready = port.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {
        "ready": False,
        "checks": {"bus": {"ok": True}, "database": {"ok": False, "cause": "away"}},
    }
    assert "tagwerk_ready 0.0" in port.get("/metrics").text
    port.checks, port.started = {"bus": Check(True)}, True
    assert port.get("/readyz").status_code == port.get("/startupz").status_code == 200
    assert "tagwerk_ready 1.0" in port.get("/metrics").text


def test_metrics_are_told_in_both_formats_and_without_what_cannot_be_read(port: Port) -> None:
    async def fail() -> None:
        raise OSError("away")

    port.measures = {"broken": fail}
    plain = port.get("/metrics", headers={"Accept": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert "# TYPE tagwerk_ready gauge" in plain.text
    modern = port.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.rstrip().endswith("# EOF")


def test_it_answers_nothing_else(port: Port) -> None:
    assert port.get("/version").json() == {"service": "lab", "version": "1"}
    assert port.get("/healthz").status_code == 404
    host, number = port.port.address
    assert httpx.post(f"http://{host}:{number}/livez").status_code == 405


def test_a_taken_address_is_told() -> None:
    with listen("127.0.0.1", 0, settings="another") as taken:
        host, port = taken.getsockname()
        with pytest.raises(TagwerkError) as raised:
            listen(host, port, settings="TAGWERK_HEALTH_LISTEN")
    assert raised.value.failure.code == "address_unavailable"
    assert "TAGWERK_HEALTH_LISTEN" in raised.value.failure.next_step


def test_a_loop_that_failed_lately_is_not_ready() -> None:
    clock = SimpleNamespace(now=100.0)
    loops = Loops(lambda: clock.now)
    assert loops.check() == Check(True)
    loops.failed("outbox", OSError("secret"))
    assert loops.check() == Check(False, "failing: outbox (OSError)")
    clock.now += FAILED_LATELY
    assert loops.check() == Check(True)


def test_trouble_is_told_with_its_code() -> None:
    trouble = Failure(code="projection_stopped", cause="a gap", next_step="Restore it.")
    assert check_trouble(trouble) == Check(False, "projection_stopped: a gap")
    assert check_trouble(None) == Check(True)
