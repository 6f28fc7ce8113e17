"""How far the projection is behind the stream, measured when somebody asks."""

import math
from datetime import datetime

import orjson
from nats.aio.client import Client

from services.status.progress import Progress
from shared.events import now
from shared.feed import stream_state
from shared.metrics.definitions import PROJECTION_LAG_EVENTS, PROJECTION_LAG_SECONDS
from shared.subjects import RUNS


async def measure_lag(nc: Client, progress: Progress) -> None:
    """Only where this process projects: one that stands by tells nothing (NaN, which `max` leaves out).

    Raises `FeedInterrupted` while the server does not answer.
    """
    if not progress.leading:
        PROJECTION_LAG_EVENTS.set(math.nan)
        PROJECTION_LAG_SECONDS.set(math.nan)
        return
    state = await stream_state(nc, RUNS)
    behind = max(0, state.last - progress.sequence)
    stored_at = await _stored_at(nc, progress.sequence + 1) if behind else None
    PROJECTION_LAG_EVENTS.set(behind)
    PROJECTION_LAG_SECONDS.set(0 if stored_at is None else max(0.0, (now() - stored_at).total_seconds()))


async def _stored_at(nc: Client, sequence: int) -> datetime | None:
    """When the stream stored the message; None if it holds it no more."""
    reply = await nc.request(f"$JS.API.DIRECT.GET.{RUNS}", orjson.dumps({"seq": sequence}), timeout=1)
    stamp = (reply.headers or {}).get("Nats-Time-Stamp")
    return None if stamp is None else datetime.fromisoformat(stamp)
