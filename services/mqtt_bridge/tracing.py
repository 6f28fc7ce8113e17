"""The span of a message over MQTT, by the messaging conventions: from its arrival until what it asks for has
been asked for.

Machines tell by the thousand what is all alike. Of a flood the first messages of each second are traced, with
all that they lead to, and the others are done without a span: every message stands in INGRESS, and what fails
in its run, its dead letter and the log.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import SpanKind

from services.mqtt_bridge.messages import Arrived
from services.mqtt_bridge.rules import Rule
from shared.telemetry.spans import Attributes, entry

#: Messages of one second that are traced.
TRACED: Final = 50


class Pace:
    """So many a second."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._second = 0
        self._taken = 0

    def take(self) -> bool:
        """Whether this one still belongs to them."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        return self._taken <= self._most


_pace = Pace(TRACED)


@contextmanager
def taking(rule: Rule, message: Arrived) -> Iterator[None]:
    """Around what a message leads to. Its topic stands as the rule has it: topics name devices and people."""
    attributes: Attributes = {
        "messaging.system": "mqtt",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.template": rule.topic,
        "messaging.message.body.size": len(message.payload),
        "tagwerk.client": rule.client,
        "tagwerk.rule": rule.name,
    }
    began = int(message.received_at.timestamp() * 1e9)
    parent = None if _pace.take() else _untraced()
    with entry("process mqtt message", SpanKind.CONSUMER, attributes, parent=parent, began=began):
        yield


def _untraced() -> str:
    """A context whose flags say that nothing of it is recorded, by whoever works on it."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
