"""Spans of calls to systems outside, made from what is recorded of each call anyway.

No `traceparent` goes to them: it would tell strangers which of our work belongs together, and lead nowhere.
"""

from collections.abc import Mapping

from opentelemetry.trace import SpanKind

from shared.events import Call
from shared.telemetry.spans import recorded, told
from shared.words import CallOutcome


def call_made(call: Call, address: tuple[str, int] | None, protocol: Mapping[str, str | int]) -> None:
    """A call to `address` (host and port) has ended; `protocol` are attributes of the conventions for its
    protocol."""
    if not recorded():
        return
    where: dict[str, str | int] = {}
    if address is not None:
        where = {"server.address": address[0], "server.port": address[1]}
    began = int(call.started_at.timestamp() * 1e9)
    error = None
    if call.outcome is not CallOutcome.SUCCEEDED:
        error = str(call.outcome) if call.failure is None else call.failure.code
    told(
        f"call {call.system}",
        SpanKind.CLIENT,
        {
            "peer.service": call.system,
            "tagwerk.operation": call.operation,
            "tagwerk.outcome": str(call.outcome),
            **where,
            **protocol,
        },
        began=began,
        ended=began + int(call.duration_ms * 1e6),
        error=error,
    )
