"""What people ask for: filters of the list of runs, and what they type into the search."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.words import RunState, Trigger
from tests.benchmarks.pages_volume import Installation


def _job(draw: random.Random) -> str:
    return f"bench.job-{int(200 * draw.random() ** 1.5):03}"


def _client(draw: random.Random) -> str:
    return f"client-{int(20 * draw.random()):03}"


def _since(draw: random.Random) -> datetime:
    return datetime.now(UTC) - timedelta(days=draw.choice([1, 7, 30, 365]))


def filter_of_page(draw: random.Random) -> dict[str, Any]:
    """Filters as people set them: none or one, sometimes two; mostly the newest first."""
    bad = [RunState.FAILED, RunState.PARTIALLY_FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED]
    options: list[tuple[int, Callable[[], dict[str, Any]]]] = [
        (25, dict),
        (15, lambda: {"action_required": True}),
        (12, lambda: {"state": [draw.choice(list(RunState))]}),
        (5, lambda: {"state": bad}),
        (15, lambda: {"job": _job(draw)}),
        (8, lambda: {"client": _client(draw)}),
        (5, lambda: {"requested_after": _since(draw)}),
        (3, lambda: {"principal": f"user-{draw.randrange(60)}"}),
        (2, lambda: {"trigger": draw.choice([Trigger.SCHEDULE, Trigger.MQTT])}),
    ]
    weights = [weight for weight, _ in options]
    found: dict[str, Any] = {}
    for _ in range(draw.choice([1, 1, 2])):
        found |= draw.choices(options, weights)[0][1]()
    if draw.random() < 0.1:
        found["sort"] = draw.choice(["-finished_at", "-duration", "requested_at"])
    return found


def any_filter(draw: random.Random) -> dict[str, Any]:
    """Every filter with every other, in every order."""
    options: dict[str, Callable[[], Any]] = {
        "job": lambda: _job(draw),
        "client": lambda: _client(draw),
        "state": lambda: draw.sample(list(RunState), draw.randint(1, 3)),
        "principal": lambda: draw.choice([f"user-{draw.randrange(60)}", f"service-{draw.randrange(8)}"]),
        "trigger": lambda: draw.choice(list(Trigger)),
        "action_required": lambda: draw.random() < 0.7,
        "requested_after": lambda: _since(draw),
    }
    found = {name: option() for name, option in options.items() if draw.random() < 0.3}
    orders = ("-requested_at", "requested_at", "-finished_at", "finished_at", "-duration", "duration", "job")
    return {**found, "sort": draw.choice(orders)}


def typed(draw: random.Random, size: Installation, number_of_each: int) -> dict[str, list[str]]:
    def number() -> str:
        return f"INV-{2024 + draw.randrange(3)}-{draw.randrange(size.records // 15):07}"

    def account(client: int) -> str:
        return f"CH{client * 7 % 90 + 10:02}007620116{client * 31 + draw.randrange(3):010}"

    ibans = [account(draw.randrange(20)) for _ in range(number_of_each)]
    return {
        "key": [f"invoice:{number()}" for _ in range(number_of_each)],
        "number": [number() for _ in range(number_of_each)],
        "beginning": [number()[: draw.randint(9, 13)] for _ in range(number_of_each)],
        "iban": [" ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) for iban in ibans],
        "id": [f"{draw.getrandbits(32):08x}" for _ in range(number_of_each)],
        "nothing": [f"nothing {draw.random()}" for _ in range(number_of_each)],
    }


def as_form(filter: dict[str, Any]) -> dict[str, Any]:
    """A filter as the form of the page sends it."""
    since = filter.get("requested_after")
    rest = {name: value for name, value in filter.items() if name != "requested_after"}
    return rest if since is None else {**rest, "since": since.date().isoformat()}
