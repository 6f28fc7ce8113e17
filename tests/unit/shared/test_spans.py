"""Where spans stand, what they are linked to, and what they say of failures."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from shared.errors import ExternalSystemUnavailable, RecordInvalid
from shared.telemetry import provider
from shared.telemetry.context import carried, parse, trace_id_at_hand, traceparent_at_hand
from shared.telemetry.encoding import encode
from shared.telemetry.provider import TELL_EVERY, PatientExporter, start_tracing
from shared.telemetry.spans import (
    CONSEQUENCES,
    LINKS,
    PARTS,
    Attributes,
    batch,
    caused,
    entry,
    failed,
    inside,
    recorded,
    told,
)
from tests.support.spans import Spans, names_one, recording, trace_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = CALLER[:-2] + "00"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


@pytest.mark.parametrize(
    "text",
    [
        None, "", "nonsense", "ff-" + CALLER[3:], CALLER.upper(), CALLER + "x",
        CALLER.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        CALLER.replace("b7ad6b7169203331", "0" * 16),
    ],
)  # fmt: skip
def test_what_is_no_traceparent_is_none(text: str | None) -> None:
    assert parse(text) is None


def test_one_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    context = parse("01" + CALLER[2:] + "-what-comes-later")
    assert context is not None
    assert f"{context.trace_id:032x}" == CALLER.split("-")[1]


def test_without_a_provider_the_context_goes_on_and_nothing_is_recorded() -> None:
    assert not recorded()
    with entry("process", SpanKind.CONSUMER, {}, parent=CALLER) as span:
        assert not span.is_recording()
        assert traceparent_at_hand() == CALLER
        with caused("send", {}, traceparent="other") as traceparent:
            assert traceparent == "other", "what was to travel along travels along"
    assert traceparent_at_hand() is None


def test_each_span_stands_under_what_led_to_it(spans: Spans) -> None:
    with entry("process a", SpanKind.CONSUMER, {}, parent=CALLER):
        with (
            inside("transaction", SpanKind.CLIENT, {}),
            caused("create b", {}, traceparent=CALLER) as onward,
        ):
            pass
        told("call bank", SpanKind.CLIENT, {}, began=1_000, ended=3_000)
    with entry("process b", SpanKind.CONSUMER, {}, parent=onward):
        pass
    create, transaction, call, first, second = spans.all
    assert {trace_of(span) for span in spans.all} == {CALLER.split("-")[1]}
    assert first.parent is not None
    assert f"{first.parent.span_id:016x}" == CALLER.split("-")[2]
    assert spans.above(create) is transaction
    assert spans.above(transaction) is spans.above(call) is first
    assert spans.above(second) is create
    assert (call.start_time, call.end_time) == (1_000, 3_000)


def test_parts_of_what_is_not_recorded_are_not_recorded(spans: Spans) -> None:
    with inside("transaction", SpanKind.CLIENT, {}), carried(parse(UNSAMPLED)):
        told("call bank", SpanKind.CLIENT, {}, began=1, ended=2)
    with (
        entry("process", SpanKind.CONSUMER, {}, parent=UNSAMPLED),
        caused("send", {}, traceparent=None) as onward,
    ):
        pass
    assert spans.all == ()
    assert onward is not None
    assert onward.endswith("-00"), "whoever goes on with it knows that it is not recorded"
    assert onward.split("-")[1] == UNSAMPLED.split("-")[1]


def test_from_the_hundred_and_first_on_a_consequence_is_linked_and_no_part(spans: Spans) -> None:
    with entry("process import", SpanKind.CONSUMER, {}, parent=None):
        for _ in range(CONSEQUENCES + 2):
            with caused("create document", {}, traceparent=None):
                pass
    *created, cause = spans.all
    within = [span for span in created if trace_of(span) == trace_of(cause)]
    beyond = [span for span in created if trace_of(span) != trace_of(cause)]
    assert (len(within), len(beyond)) == (100, 2)
    assert trace_of(beyond[0]) != trace_of(beyond[1])
    assert spans.linked_to(cause) == beyond
    assert not any(span.links for span in within)


def test_consequences_are_counted_for_each_cause(spans: Spans) -> None:
    for _ in range(2):
        with entry("process", SpanKind.CONSUMER, {}, parent=CALLER):
            for _ in range(CONSEQUENCES):
                with caused("create", {}, traceparent=None):
                    pass
    assert {trace_of(span) for span in spans.all} == {CALLER.split("-")[1]}


async def test_tasks_at_work_on_one_cause_share_its_count(spans: Spans) -> None:
    async def one() -> None:
        with caused("create", {}, traceparent=None):
            await asyncio.sleep(0)

    with entry("process", SpanKind.CONSUMER, {}, parent=CALLER):
        await asyncio.gather(*(one() for _ in range(CONSEQUENCES + 1)))
    assert len([span for span in spans.named("create") if span.links]) == 1


def test_of_a_cause_with_many_parts_the_first_are_recorded_and_the_others_counted(spans: Spans) -> None:
    with entry("process import", SpanKind.CONSUMER, {}, parent=None):
        for _ in range(PARTS + 5):
            with inside("transaction", SpanKind.CLIENT, {}):
                pass
        told("call bank", SpanKind.CLIENT, {}, began=1, ended=2)
    *parts, cause = spans.all
    assert {span.name for span in parts} == {"transaction"}
    assert len(parts) == PARTS
    assert (cause.attributes or {})["tagwerk.spans_left_out"] == 6


def test_a_batch_is_linked_to_each_trace_once_and_not_to_more_than_it_can_say(spans: Spans) -> None:
    many = [f"00-{number:032x}-b7ad6b7169203331-01" for number in range(1, LINKS + 10)]
    batch("fold", SpanKind.CONSUMER, {}, began=1, causes=[*many, *many, None])
    [fold] = spans.all
    assert fold.parent is None
    assert [f"{link.context.trace_id:032x}" for link in fold.links] == [
        one.split("-")[1] for one in many[:LINKS]
    ]


def test_a_batch_for_one_trace_belongs_to_it(spans: Spans) -> None:
    batch("fold", SpanKind.CONSUMER, {}, began=1, causes=[CALLER, None, CALLER])
    batch("fold", SpanKind.CONSUMER, {}, began=1, causes=[None, "nonsense"])
    [fold] = spans.all
    assert trace_of(fold) == CALLER.split("-")[1]
    assert not fold.links


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (
            ExternalSystemUnavailable("bank", "of Ada Lovelace"),
            "external_system_unavailable",
            StatusCode.ERROR,
        ),
        (RuntimeError("Ada Lovelace"), "RuntimeError", StatusCode.ERROR),
        (RecordInvalid("Ada Lovelace", next_step="-", concern="-"), "record_invalid", StatusCode.UNSET),
        (asyncio.CancelledError(), "cancelled", StatusCode.UNSET),
    ],
)
def test_a_failure_stands_in_a_span_as_its_code(
    spans: Spans, error: BaseException, kind: str, status: StatusCode
) -> None:
    with pytest.raises(type(error)), entry("process", SpanKind.CONSUMER, {}, parent=None):
        raise error
    [span] = spans.all
    assert (span.attributes or {})["error.type"] == kind
    assert span.status.status_code is status
    assert "Ada" not in str((span.attributes, span.events, span.status.description)), "it may name people"


def test_of_the_traces_that_begin_here_a_share_is_recorded_and_of_those_that_come_all() -> None:
    with recording(sample=0.0) as spans:
        with entry("begun", SpanKind.SERVER, {}, parent=None):
            assert trace_id_at_hand() is not None, "it has an id all the same"
        with entry("came", SpanKind.SERVER, {}, parent=CALLER):
            pass
    assert [span.name for span in spans.all] == ["came"]


@pytest.mark.parametrize(
    "name",
    ["GET /runs/4711", "process run.0af7651916cd43dd8448eb211c80319c", "call 5c0e2a4b",
     "process event.7b0c6a0e-3c35-5c5b-9d0c-111111111111"],
)  # fmt: skip
def test_a_name_that_tells_one_from_others_is_noticed(name: str) -> None:
    assert names_one(name)


@pytest.mark.parametrize("name", ["GET /api/v1/runs/{run_id}", "process run.requested", "call erp-rest"])
def test_a_name_of_a_kind_is_none_of_them(name: str) -> None:
    assert not names_one(name)


def test_our_encoding_says_what_the_library_says(spans: Spans) -> None:
    values: Attributes = {"text": "é", "tagwerk.run.id": "x", "yes": True, "one": 1, "half": 0.5, "real": 1.0}
    with entry("process", SpanKind.CONSUMER, values, parent=CALLER) as span:
        with caused("send", {"one": 1, "yes": 1}, traceparent=None):
            pass
        failed(span, "worker_crashed")
    with entry("begun", SpanKind.SERVER, {}, parent=None), inside("part", SpanKind.CLIENT, {}):
        told("call", SpanKind.INTERNAL, {}, began=1, ended=2)
    batch("fold", SpanKind.CONSUMER, {}, began=1, causes=[CALLER, CALLER.replace("0af", "1af")])
    assert len(spans.all) == 6
    assert ExportTraceServiceRequest.FromString(encode(spans.all)) == encode_spans(spans.all)


class Collector(SpanExporter):
    """Takes spans, or does not."""

    takes = False

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self.takes else SpanExportResult.FAILURE


class RecordingLog:
    """Remembers which lines there were."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int]] = []

    def warning(self, _: str, *, endpoint: str, lost: int) -> None:
        self.lines.append((endpoint, lost))

    info = warning


def test_a_collector_that_is_away_is_told_of_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    log = RecordingLog()
    monkeypatch.setattr(provider, "log", log)
    at, collector = [0.0], Collector()
    exporter = PatientExporter(collector, "http://collector:4318", clock=lambda: at[0])
    with recording() as spans, entry("one", SpanKind.SERVER, {}, parent=None):
        pass
    for _ in range(50):
        exporter.export(spans.all)
    at[0] = TELL_EVERY
    exporter.export(spans.all)
    collector.takes = True
    exporter.export(spans.all)
    exporter.export(spans.all)
    # The first that is lost, how many there are minutes later, and that it is over.
    assert log.lines == [("http://collector:4318", lost) for lost in (1, 51, 51)]


def test_without_an_endpoint_nothing_is_started() -> None:
    start_tracing("lab", "0", endpoint=None)()
    assert not recorded()
