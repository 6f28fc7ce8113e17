"""Spans of what goes over the bus, by the messaging and RPC conventions of OpenTelemetry."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from opentelemetry.trace import SpanKind

from shared.events import BusinessEventBase, Requested
from shared.subjects import EVENTS, INGRESS, OCCURRENCES, RUNS
from shared.telemetry.context import TRACEPARENT, traceparent_at_hand
from shared.telemetry.spans import batch, caused, entry, inside

#: Subjects of runs without what tells one from another.
RUN_REQUESTED: Final = "run.{service}.{job}.{run_id}.{lane}.requested"
RUN_DUE: Final = "run.{service}.{job}.{run_id}.{lane}.due"
RUN_EVENTS: Final = "run.{service}.{job}.{run_id}.>"
OCCURRENCE: Final = "occurrence.{schedule}.{time}"

#: In the encoded event: quotes within its texts are escaped.
_TRACEPARENT: Final = re.compile(rb'"traceparent":"([0-9a-f-]{55})"')


class Delivered(Protocol):
    """A message as a handler gets it."""

    sequence: int
    delivered: int


def message(operation: str, kind: str, stream: str, template: str) -> dict[str, str | int | float | bool]:
    """What every span about messages of `stream` says. `kind` is the operation as the conventions group it:
    `create`, `send`, `process`."""
    return {
        "messaging.system": "nats",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": stream,
        "messaging.destination.template": template,
    }


@contextmanager
def sending_run(request: Requested) -> Iterator[str | None]:
    """Around the publish of a request; gives the `traceparent` that goes with it."""
    attributes = message("send", "send", RUNS, RUN_REQUESTED) | {
        "messaging.message.id": str(request.id),
        "tagwerk.run.id": str(request.run_id),
        "tagwerk.job": request.job,
        "tagwerk.client": request.client,
    }
    with caused("send run.requested", attributes, traceparent=request.traceparent) as traceparent:
        yield traceparent


@contextmanager
def creating(kind: str, event: BusinessEventBase) -> Iterator[str | None]:
    """Around an event on its way into the outbox; gives the `traceparent` that goes with it."""
    attributes = message("create", "create", EVENTS, kind) | {
        "messaging.message.id": str(event.id),
        "tagwerk.client": event.client,
    }
    with caused(f"create {kind}", attributes, traceparent=event.traceparent) as traceparent:
        yield traceparent


def relayed(payloads: Sequence[bytes], began: int) -> None:
    """The outbox has published these events since `began` (nanoseconds since 1970)."""
    if not payloads:
        return
    found = (_TRACEPARENT.search(payload) for payload in payloads)
    attributes = message("send", "send", EVENTS, "event.>") | {"messaging.batch.message_count": len(payloads)}
    causes = [match[1].decode() for match in found if match is not None]
    batch("send outbox", SpanKind.CLIENT, attributes, began=began, causes=causes)


@contextmanager
def handling_event(kind: str, event: BusinessEventBase, delivery: Delivered) -> Iterator[None]:
    """Around what a service does about an event."""
    attributes = message("process", "process", EVENTS, kind) | {
        "messaging.message.id": str(event.id),
        "messaging.nats.delivered": delivery.delivered,
        "tagwerk.client": event.client,
    }
    with entry(f"process {kind}", SpanKind.CONSUMER, attributes, parent=event.traceparent):
        yield


@contextmanager
def asking(subject: str) -> Iterator[dict[str, str] | None]:
    """Around a question to another service; gives the headers that go with it."""
    with inside(f"ask {subject}", SpanKind.CLIENT, _call(subject)):
        traceparent = traceparent_at_hand()
        yield None if traceparent is None else {TRACEPARENT: traceparent}


@contextmanager
def answering(subject: str, headers: Mapping[str, Any] | None) -> Iterator[None]:
    """Around an answer. A question that belongs to no trace begins none: services ask each other all the
    time."""
    traceparent = (headers or {}).get(TRACEPARENT)
    if traceparent is None:
        yield
        return
    with entry(f"answer {subject}", SpanKind.SERVER, _call(subject), parent=traceparent):
        yield


@contextmanager
def hearing_agent(traceparent: str | None) -> Iterator[None]:
    """Around what an agent in a customer's network answers to a command, which belongs to `traceparent`."""
    attributes = message("process", "process", INGRESS, "ingress.agents.{client}.{agent}")
    with entry("process agent answer", SpanKind.CONSUMER, attributes, parent=traceparent):
        yield


@contextmanager
def occurring(schedule: str, job: str) -> Iterator[None]:
    """Around the start of what a schedule has decided to start: the first of its trace."""
    attributes = message("process", "process", OCCURRENCES, OCCURRENCE) | {
        "tagwerk.schedule": schedule,
        "tagwerk.job": job,
    }
    with entry("process occurrence", SpanKind.CONSUMER, attributes, parent=None):
        yield


def _call(subject: str) -> dict[str, str | int | float | bool]:
    _, service, method = subject.split(".", 2)
    return {
        "rpc.system.name": "nats",
        "rpc.service": service,
        "rpc.method": method,
        "messaging.system": "nats",
        "messaging.destination.name": subject,
    }
