"""One trace from a request to everything that it leads to, over real bus, database and child processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from services.status.spans.decoding import SpanRow
from services.status.spans.store import Spans as KeptSpans
from shared.database import open_pool
from tests.integration.gateway.site import Site
from tests.support.spans import Spans, id_of, names_one, recording, trace_of

SAMPLES = Path(__file__).parents[3] / "samples"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = CALLER.split("-")[1]

#: What an upload leads to, each the next one's parent.
CHAIN = [
    "POST /api/v1/documents",
    "transaction",
    "create event.document.uploaded",
    "process event.document.uploaded",
    "send run.requested",
    "process run.requested",
    "transaction",
    "create event.document.converted",
    "process event.document.converted",
    "send run.requested",
    "process run.requested",
    "transaction",
    "create event.document.text_recognized",
    "process event.document.text_recognized",
    "send run.requested",
    "process run.requested",
    "transaction",
    "create event.invoice.analysed",
    "process event.invoice.analysed",
    "send run.requested",
    "process run.requested",
]


@asynccontextmanager
async def outside(heard: list[bytes]) -> AsyncIterator[str]:
    """A system outside, that writes down what it is sent."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/invoices/4711"


def way_to(spans: Spans, span: ReadableSpan) -> list[str]:
    names = [span.name]
    while (above := spans.above(span)) is not None:
        span = above
        names.append(span.name)
    return names[::-1]


def values(span: ReadableSpan) -> set[object]:
    return set((span.attributes or {}).values())


def said(span: ReadableSpan, *names: str) -> list[object]:
    return [(span.attributes or {}).get(name) for name in names]


async def test_an_upload_and_all_that_it_leads_to_is_one_trace(working_site: Site) -> None:
    site = working_site
    await site.start("documents")
    await site.knows("documents.convert-to-pdf")
    uma = await site.user("uma", roles=("uploader",))
    sample = SAMPLES / "invoice-zugferd.pdf"
    with recording() as spans:
        file = ("Ada-Lovelace.pdf", sample.read_bytes(), "application/pdf")
        uploaded = await uma.post("/documents", files={"file": file}, headers={"traceparent": CALLER})
        assert uploaded.headers["traceparent"].split("-")[1] == TRACE

        def asked_for_approval() -> list[ReadableSpan]:
            return spans.named("process run.requested", **{"tagwerk.job": "documents.start-workflow"})

        await spans.until(asked_for_approval)
        await spans.until(lambda: spans.named("POST /api/v1/documents"))
        await spans.until(lambda: spans.named("send outbox") and spans.named("process run events"))
        [last] = asked_for_approval()
        assert trace_of(last) == TRACE
        assert way_to(spans, last) == CHAIN
        request = spans.named("POST /api/v1/documents")[0]
        assert request.parent is not None
        assert f"{request.parent.span_id:016x}" == CALLER.split("-")[2]
        assert uploaded.headers["traceparent"].split("-")[2] == f"{id_of(request):016x}"
        runs = spans.named("process run.requested")
        assert {span.kind for span in runs} == {SpanKind.CONSUMER}
        assert all(said(span, "tagwerk.attempt", "tagwerk.run.state") == [1, "succeeded"] for span in runs)
        # In the child, within the time that its parent waited, under the run that needed it.
        [waited] = spans.named("child Reader.read_page")
        [worked] = spans.named("Reader.read_page")
        assert spans.above(worked) is waited
        assert waited.start_time <= worked.start_time <= worked.end_time <= waited.end_time  # type: ignore[operator]
        above = spans.above(waited)
        assert above is not None
        assert said(above, "tagwerk.job") == ["documents.ocr"]
        for batch in [*spans.named("send outbox"), *spans.named("process run events")]:
            assert trace_of(batch) == TRACE or TRACE in {
                f"{one.context.trace_id:032x}" for one in batch.links
            }
        detail = await site.admin.get(f"/runs/{said(last, 'tagwerk.run.id')[0]}")
        assert detail.json()["traceparent"].split("-")[1] == TRACE, "the run page leads to it"
        assert not [span.name for span in spans.all if names_one(span.name)]
        assert not [span.name for span in spans.all if {"Ada-Lovelace.pdf", "uma"} & values(span)]


async def test_attempts_calls_and_questions_stand_where_they_belong(working_site: Site) -> None:
    site = working_site
    heard: list[bytes] = []
    with recording() as spans:
        flaky = await site.admin.post("/jobs/lab.flaky/runs", json={"parameters": {"fails": 2}})
        run_id = flaky.json()["run_id"]

        def attempts() -> list[ReadableSpan]:
            return spans.named("process run.requested", **{"tagwerk.run.id": run_id})

        await spans.until(lambda: len(attempts()) == 3)
        await spans.until(lambda: spans.named("send run.requested"))
        [sent] = spans.named("send run.requested")
        assert [spans.above(one) for one in attempts()] == [sent] * 3
        told = ("tagwerk.attempt", "tagwerk.run.state", "error.type")
        assert [said(one, *told) for one in attempts()] == [
            [1, "waiting", "external_system_unavailable"],
            [2, "waiting", "external_system_unavailable"],
            [3, "succeeded", None],
        ]
        assert [one.status.status_code for one in attempts()] == [StatusCode.ERROR] * 2 + [StatusCode.UNSET]
        about = ("messaging.system", "messaging.operation.type", "messaging.destination.name", "tagwerk.job")
        assert said(attempts()[0], *about) == ["nats", "process", "RUNS", "lab.flaky"]
        # The parts of a request that is answered by another service.
        await site.admin.get(f"/runs/{run_id}")
        await spans.until(lambda: spans.named("GET /api/v1/runs/{run_id}"))
        [answer] = spans.named("answer query.status.run")
        assert way_to(spans, answer) == [
            "GET /api/v1/runs/{run_id}", "ask query.status.run", "answer query.status.run"
        ]  # fmt: skip

        async with outside(heard) as url:
            await site.admin.post("/jobs/lab.call/runs", json={"parameters": {"url": url}})
            await spans.until(lambda: spans.named("process run.requested", **{"tagwerk.job": "lab.call"}))
        [call] = spans.named("call outside")
        assert call.kind is SpanKind.CLIENT
        assert way_to(spans, call)[-2:] == ["process run.requested", "call outside"]
        how = ("server.address", "http.request.method", "http.response.status_code")
        assert said(call, *how) == ["127.0.0.1", "GET", 200]
        assert not [one for one in values(call) if "invoices" in str(one)], "it may say what is asked for"
        await site.admin.post("/jobs/lab.call/runs", json={"parameters": {"url": "http://127.0.0.1:9/"}})
        lost = {"tagwerk.job": "lab.call", "error.type": "external_system_unavailable"}
        await spans.until(lambda: spans.named("process run.requested", **lost))
        refused = spans.named("call outside", **{"error.type": "external_system_unavailable"})
        assert {one.status.status_code for one in refused} == {StatusCode.ERROR}
        # What nobody knows, and what does not exist, is no failure of ours.
        await site.admin.get("/runs/00000000-0000-0000-0000-000000000000")
        missing = {"http.response.status_code": 404}
        await spans.until(lambda: spans.named("GET /api/v1/runs/{run_id}", **missing))
        [unknown] = spans.named("GET /api/v1/runs/{run_id}", **missing)
        assert unknown.status.status_code is StatusCode.UNSET
        await site.admin.get(f"{site.url}/nothing/4711")
        await spans.until(lambda: spans.named("GET"))
        [nowhere] = spans.named("GET")
        assert not [one for one in values(nowhere) if "nothing" in str(one)]
    assert len(heard) == 1
    assert b"traceparent" not in heard[0].lower(), "strangers are not told what belongs together"


async def test_a_hidden_trace_looks_like_a_missing_one_and_is_audited(site: Site) -> None:
    hidden, missing = "a" * 32, "b" * 32
    tess = await site.user("tess", roles=("technical",), clients=("alpha",))
    pool = await open_pool(site.database_url("status"))
    kept = KeptSpans(pool, days=3)
    kept.take([row(hidden, client="beta")])
    writing = asyncio.create_task(kept.write())
    try:
        async with asyncio.timeout(20):
            while (await site.admin.get(f"/traces/{hidden}")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await pool.close()
    answers = [await tess.get(f"/traces/{trace}") for trace in (hidden, missing)]
    texts = [
        answer.text.replace(trace, "ID").replace(answer.json()["trace_id"], "TRACE")
        for answer, trace in zip(answers, (hidden, missing), strict=True)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert texts[0] == texts[1]
    [entry] = await site.audited("access_refused")
    assert (entry.principal, entry.concern) == ("tess", f"trace:{hidden}")


def row(trace_id: str, *, client: str) -> SpanRow:
    return SpanRow(
        trace_id=trace_id, span_id="c" * 16, parent_id=None, service="documents", instance=None,
        name="process run.requested", kind=5, started_at=datetime.now(UTC), microseconds=5, failed=False,
        error=None, run_id=None, job=None, client=client, attempt=1, entry=True, attributes="{}", links=[],
    )  # fmt: skip
