"""The span of a message over MQTT, by the messaging conventions: from its arrival until what it asks for has
been asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from services.mqtt_bridge.messages import Arrived
from services.mqtt_bridge.rules import Rule
from shared.telemetry.spans import Attributes, entry


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
    with entry("process mqtt message", SpanKind.CONSUMER, attributes, parent=None, began=began):
        yield
