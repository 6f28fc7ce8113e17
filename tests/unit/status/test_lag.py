"""How far the projection is behind, as it is told to Prometheus."""

import json
import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from nats.aio.client import Client

from services.status.lag import measure_lag
from services.status.progress import Progress
from shared.metrics.definitions import PROJECTION_LAG_EVENTS, PROJECTION_LAG_SECONDS
from shared.metrics.registry import REGISTRY


class Server:
    """Answers like nats-server of a stream that holds `last` messages, each an hour old."""

    def __init__(self, last: int) -> None:
        self._last = last

    async def request(self, subject: str, payload: bytes, **_: Any) -> Any:
        if subject == "$JS.API.STREAM.INFO.RUNS":
            state = {"first_seq": 1, "last_seq": self._last}
            return SimpleNamespace(data=json.dumps({"created": "now", "state": state}).encode(), headers=None)
        assert subject == "$JS.API.DIRECT.GET.RUNS"
        assert json.loads(payload) == {"seq": 8}
        stamp = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        return SimpleNamespace(data=b"{}", headers={"Nats-Time-Stamp": stamp})


async def _lag(progress: Progress, last: int) -> tuple[float, float]:
    PROJECTION_LAG_EVENTS.set(-1)
    PROJECTION_LAG_SECONDS.set(-1)
    await measure_lag(cast(Client, Server(last)), progress)
    events = REGISTRY.get_sample_value("tagwerk_projection_lag_events")
    seconds = REGISTRY.get_sample_value("tagwerk_projection_lag_seconds")
    assert events is not None
    assert seconds is not None
    return events, seconds


async def test_only_the_one_that_projects_tells_how_far_it_is_behind() -> None:
    progress = Progress(cast(Any, None))
    assert all(map(math.isnan, await _lag(progress, 10)))
    progress.lead(7)
    events, seconds = await _lag(progress, 10)
    assert events == 3
    assert seconds >= 3600
    assert await _lag(progress, 7) == (0, 0)
