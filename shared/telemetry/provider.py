"""One tracer provider for a process, from its start to its end."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shared.telemetry import spans
from shared.telemetry.encoding import encode

log = structlog.get_logger(__name__)

#: Spans that wait for the collector at most; what comes on top is lost. About 8 MB.
QUEUE: Final = 8192
#: Milliseconds after which a span leaves at the latest, and spans that leave together.
DELAY: Final = 1000
BATCH: Final = 512
#: Seconds that a collector has for one batch, and all that is left when the service stops.
TIMEOUT: Final = 5.0
FAREWELL: Final = 2.0
#: Seconds between two log lines about a collector that does not answer.
TELL_EVERY: Final = 300.0


def start_tracing(
    service: str, version: str, *, endpoint: str | None, ratio: float = 1.0
) -> Callable[[], None]:
    """Record the spans of this process and send them to `endpoint`, an OTLP/HTTP base address; None: record
    none. `ratio` of the traces that begin here are recorded, and those that come recorded go on.

    Gives what ends it: blocking, seconds at most. Of several services in one process the first counts.
    """
    if not endpoint or spans.recorded():
        return _nothing
    # Its own lines repeat with each batch, and say less than ours.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    sender = _Sender(f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT)
    exporter = PatientExporter(sender, endpoint)
    processor = BatchSpanProcessor(
        exporter, max_queue_size=QUEUE, schedule_delay_millis=DELAY, max_export_batch_size=BATCH
    )
    provider = provider_of(service, version, processor, ratio)
    spans.use(provider.get_tracer("tagwerk", version))

    def stop() -> None:
        spans.use(None)
        # A collector that does not answer holds up nobody's end.
        farewell = threading.Timer(FAREWELL, sender.shutdown)
        farewell.start()
        provider.shutdown()
        farewell.cancel()

    return stop


def provider_of(service: str, version: str, processor: SpanProcessor, ratio: float = 1.0) -> TracerProvider:
    """A provider whose spans say which service made them."""
    resource = Resource.create(
        {
            "service.namespace": "tagwerk",
            "service.name": service,
            "service.version": version,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        }
    )
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        resource=resource,
        span_limits=SpanLimits(max_links=spans.LINKS, max_attribute_length=256),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(processor)
    return provider


class _Sender(OTLPSpanExporter):
    """As the library sends, in our encoding."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if not self._shutdown and self._client.export(encode(spans)).success:
            return SpanExportResult.SUCCESS
        return SpanExportResult.FAILURE


class PatientExporter(SpanExporter):
    """Sends with another exporter, and says once in a while if that fails."""

    def __init__(
        self, sender: SpanExporter, endpoint: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sender = sender
        self._endpoint = endpoint
        self._clock = clock
        self._lost = 0
        self._told_at: float | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._sender.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._told_at is not None:
                log.info("spans reach their collector again", endpoint=self._endpoint, lost=self._lost)
            self._lost, self._told_at = 0, None
            return result
        self._lost += len(spans)
        now = self._clock()
        if self._told_at is None or now - self._told_at >= TELL_EVERY:
            log.warning("spans do not reach their collector", endpoint=self._endpoint, lost=self._lost)
            self._told_at = now
        return result

    def shutdown(self) -> None:
        self._sender.shutdown()


def _nothing() -> None:
    """Nothing was started."""
