"""Of a flood of messages some of each second are traced."""

from opentelemetry.trace import TraceFlags

from services.mqtt_bridge.tracing import Pace, _untraced
from shared.telemetry.context import parse


def test_each_second_the_first_are_taken() -> None:
    now = 100.0
    pace = Pace(2, clock=lambda: now)
    assert [pace.take() for _ in range(4)] == [True, True, False, False]
    now = 100.9
    assert not pace.take()
    now = 101.0
    assert [pace.take() for _ in range(3)] == [True, True, False]


def test_the_others_have_a_context_that_nobody_records() -> None:
    context = parse(_untraced())
    assert context is not None
    assert context.trace_flags == TraceFlags.DEFAULT
    assert parse(_untraced()) != context
