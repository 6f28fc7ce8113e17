"""What the gateway does on the bus: it asks everybody, and requests and cancels runs of every job."""

from typing import Final

from shared import subjects
from shared.declaration import BusUse, Declaration

#: Streams whose messages can become dead letters, which administrators read and replay here.
_REPLAYED: Final = (
    subjects.RUNS,
    subjects.EVENTS,
    subjects.OCCURRENCES,
    subjects.INGRESS,
    subjects.EGRESS,
    subjects.DEAD,
)

DECLARATION = Declaration(
    "gateway",
    listens=("event.document.uploaded",),
    bus=BusUse(
        tells=("event.document.uploaded",),
        asks=(subjects.query("*", "*"), subjects.command("*", "*"), subjects.health("*")),
        starts=("*.*",),
        publishes=(
            "run.*.*.*.cancel_requested",
            f"$KV.{subjects.PRINCIPALS}.>",
            # Replays go where durables listen; `run.` is what `starts` and these say.
            "run.*.*.*.*.due",
            "run.*.*.*.attempt_failed.*",
            "event.*.*",
            "occurrence.>",
            "ingress.mqtt.*",
            "ingress.agents.*.*",
            "egress.mqtt.>",
        ),
        reads=_REPLAYED,
        manages=(
            *(f"STREAM.MSG.GET.{stream}" for stream in _REPLAYED),
            f"STREAM.MSG.DELETE.{subjects.DEAD}",
        ),
        # Pages follow a run as it happens.
        hears=("run.>",),
    ),
)
