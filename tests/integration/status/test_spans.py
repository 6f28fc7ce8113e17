"""Spans come in over OTLP as the SDK sends them, are kept for some days, and are found again."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from deploy.local.ports import free_port
from services.status.spans.door import LARGEST, PROTOBUF, door, listen
from services.status.spans.queries import Traces
from services.status.spans.store import Spans
from shared.commands import Scope, TraceQuery, TracesQuery
from shared.database import Pool
from shared.errors import TagwerkError
from shared.telemetry.provider import provider_of
from shared.telemetry.spans import waits

RUN = UUID("01956000-0000-7000-8000-000000000021")


@pytest.fixture
async def spans(pool: Pool) -> AsyncIterator[Spans]:
    spans = Spans(pool, days=3, room=50)
    writing = asyncio.create_task(spans.write())
    yield spans
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


@asynccontextmanager
async def telling(spans: Spans, service: str) -> AsyncIterator[Tracer]:
    """The tracer of a service, which sends as the SDK does. It waits for answers, so use it in a thread."""
    address = f"127.0.0.1:{free_port()}"
    serving = asyncio.create_task(listen(spans, address))
    try:
        sender = OTLPSpanExporter(f"http://{address}/v1/traces", timeout=5)
        yield provider_of(service, "1", SimpleSpanProcessor(sender)).get_tracer("test")
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def kept(pool: Pool, number: int) -> None:
    async with asyncio.timeout(20):
        while await pool.fetchval("select count(*) from spans") < number:  # noqa: ASYNC110  (another process would)
            await asyncio.sleep(0.05)


async def test_what_the_sdk_sends_is_kept_and_found_by_run_and_by_what_it_took(
    spans: Spans, pool: Pool
) -> None:
    async with telling(spans, "documents") as tracer:

        def work() -> str:
            attributes: dict[str, str | int] = {
                "tagwerk.run.id": str(RUN),
                "tagwerk.client": "main",
                "tagwerk.attempt": 1,
            }
            with tracer.start_as_current_span(
                "process run.requested", kind=SpanKind.CONSUMER, attributes=attributes
            ) as attempt:
                with tracer.start_as_current_span("transaction"):
                    pass
                attempt.set_attribute("error.type", "pdf_encrypted")
                attempt.set_status(StatusCode.ERROR)
            return format(attempt.get_span_context().trace_id, "032x")

        trace_id = await asyncio.to_thread(work)
        await kept(pool, 2)
    traces = Traces(pool, 3)
    of_run = await traces.trace(TraceQuery(run_id=RUN))
    assert of_run.trace_id == trace_id
    assert [(span.name, span.kind) for span in of_run.items] == [
        ("process run.requested", "consumer"),
        ("transaction", "internal"),
    ]
    assert of_run.items[0].error == "pdf_encrypted"
    failed = await traces.traces(TracesQuery(what="failed"))
    assert [(row.run_id, row.client, row.service) for row in failed.items] == [(RUN, "main", "documents")]
    assert failed.services == ["documents"]
    assert not (await traces.traces(TracesQuery(service="gateway"))).items
    assert (await traces.traces(TracesQuery(name="process run"))).items

    # Whose client it is not finds nothing.
    foreign = Scope(clients=frozenset({"other"}))
    assert not (await traces.traces(TracesQuery(scope=foreign))).items
    for asked in (TraceQuery(trace_id=trace_id, scope=foreign), TraceQuery(trace_id="0" * 32)):
        with pytest.raises(TagwerkError) as missing:
            await traces.trace(asked)
        assert missing.value.failure.code == "trace_not_found"
    assert (await traces.trace(TraceQuery(trace_id=trace_id))).items == of_run.items
    nothing = await traces.trace(TraceQuery(run_id=UUID(int=1)))
    assert (nothing.trace_id, nothing.items, nothing.days) == (None, [], 3)


async def test_who_was_asked_to_wait_is_not_slow(spans: Spans, pool: Pool) -> None:
    async with telling(spans, "gateway") as tracer:

        def work() -> None:
            with tracer.start_as_current_span("GET /waiting") as span:
                waits(30)
                span.set_status(StatusCode.ERROR)
            with tracer.start_as_current_span("GET /slow"):
                pass

        await asyncio.to_thread(work)
        await kept(pool, 2)
    traces = Traces(pool, 3)
    assert [row.name for row in (await traces.traces(TracesQuery())).items] == ["GET /slow"]
    assert [row.name for row in (await traces.traces(TracesQuery(what="failed"))).items] == ["GET /waiting"]


async def test_the_door_answers_as_the_protocol_says(pool: Pool) -> None:
    full = Spans(pool, days=3, room=0)
    transport = httpx.ASGITransport(app=door(full))
    async with httpx.AsyncClient(transport=transport, base_url="http://status") as client:

        async def post(body: bytes, **headers: str) -> httpx.Response:
            named = {"content-type": PROTOBUF} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            return await client.post("/v1/traces", content=body, headers=named)

        empty = await post(b"")
        assert (empty.status_code, empty.content, empty.headers["content-type"]) == (200, b"", PROTOBUF)
        as_json = await post(b"{}", content_type="application/json; charset=utf-8")
        assert (as_json.status_code, as_json.json()) == (200, {})
        assert (await post(gzip.compress(b""), content_encoding="gzip")).status_code == 200
        assert (await post(b"x", content_type="text/plain")).status_code == 415
        assert (await post(b"\x0a\xff")).status_code == 400
        assert (await post(b"no gzip", content_encoding="gzip")).status_code == 400
        assert (await post(bytes(LARGEST + 1))).status_code == 413
        # Small as it comes, large when unpacked.
        assert (await post(gzip.compress(bytes(LARGEST + 1)), content_encoding="gzip")).status_code == 413
        span = (
            '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"a",'
            '"startTimeUnixNano":"1772353800000000000","endTimeUnixNano":"1772353800000000001"}]}]}]}'
        )
        no_room = await post((span % ("1" * 32, "2" * 16)).encode(), content_type="application/json")
        assert (no_room.status_code, no_room.headers["retry-after"]) == (429, "1")
        partly = await post((span % ("", "2" * 16)).encode(), content_type="application/json")
        assert partly.json()["partialSuccess"]["rejectedSpans"] == "1"
        assert (await client.get("/v1/traces")).status_code == 405


async def test_a_port_that_is_taken_is_named_and_served_once_it_is_free(
    pool: Pool,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TagwerkError) as refused:
            await listen(Spans(pool, days=3), f"127.0.0.1:{port}")
    failure = refused.value.failure
    assert (failure.code, failure.concern) == ("address_unavailable", f"127.0.0.1:{port}")
    assert "TAGWERK_OTLP_LISTEN" in failure.next_step
    listening = asyncio.create_task(listen(Spans(pool, days=3), f"127.0.0.1:{port}"))
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            try:
                answer = await client.post(
                    f"http://127.0.0.1:{port}/v1/traces", headers={"content-type": PROTOBUF}
                )
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
    assert answer.status_code == 200
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_day_that_is_over_is_forgotten_as_a_whole(pool: Pool) -> None:
    spans = Spans(pool, days=2)
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=ago) for ago in range(4)]
    for day in days:
        await spans._make(day)
        # Another replica makes the same.
        await Spans(pool, days=2)._make(day)
    assert await spans.forget(today) == [f"spans_{day:%Y%m%d}" for day in (days[3], days[2])]
    assert await spans.forget(today) == []
