"""Where spans come in: `POST /v1/traces` of OTLP/HTTP, on a port of its own."""

import asyncio
import zlib
from collections.abc import Sequence
from typing import Final, Protocol

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.status.spans.decoding import SpanRow, Unreadable, read_json, read_protobuf, rows
from shared import http_server

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
#: Bytes of a request, packed and unpacked: an exporter sends 512 spans at once.
LARGEST: Final = 8 * 1024 * 1024
#: Seconds after which who was refused may try again.
LATER: Final = "1"


class Taker(Protocol):
    def take(self, spans: Sequence[SpanRow]) -> bool:
        """Whether there was room for them."""


def door(taker: Taker) -> Starlette:
    """The application. What it answers with 200 is taken, and a few seconds later kept."""

    async def take(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (PROTOBUF, JSON):
            return PlainTextResponse(f"Send {PROTOBUF} or {JSON}.\n", 415)
        try:
            body = await _body(request)
            found, refused = rows((read_json if kind == JSON else read_protobuf)(body))
        except _TooLarge:
            return PlainTextResponse(f"A request may have {LARGEST} bytes.\n", 413)
        except (Unreadable, zlib.error) as error:
            return PlainTextResponse(f"This is no OTLP: {error}\n", 400)
        except ClientDisconnect:
            return Response(status_code=400)
        if not taker.take(found):
            return PlainTextResponse("There is no room for more spans now.\n", 429, {"Retry-After": LATER})
        answer = ExportTraceServiceResponse()
        if refused:
            answer.partial_success.rejected_spans = refused
            answer.partial_success.error_message = "their ids or times are none"
        if kind == JSON:
            return Response(json_format.MessageToJson(answer, indent=None), media_type=JSON)
        return Response(answer.SerializeToString(), media_type=PROTOBUF)

    return Starlette(routes=[Route("/v1/traces", take, methods=["POST"])])


class _TooLarge(Exception):
    pass


async def _body(request: Request) -> bytes:
    """Unpacked. Raises `_TooLarge`, `zlib.error`."""
    packed = request.headers.get("content-encoding", "identity").lower()
    if packed not in ("identity", "gzip"):
        raise Unreadable(f"content-encoding {packed}")
    came = bytearray()
    async for chunk in request.stream():
        came += chunk
        if len(came) > LARGEST:
            raise _TooLarge
    if packed == "identity":
        return bytes(came)
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    body = unpacking.decompress(bytes(came), LARGEST)
    if unpacking.unconsumed_tail:
        raise _TooLarge
    return body


async def listen(taker: Taker, address: str) -> None:
    """Serve on `host:port` until cancelled. Raises `address_unavailable`, and can be tried again: a port that
    an earlier replica still has is free soon."""
    host, _, number = address.rpartition(":")
    listener = http_server.listen(host.strip("[]"), int(number), settings="TAGWERK_OTLP_LISTEN")
    port = http_server.HttpPort(door(taker), listener)
    port.start()
    try:
        await asyncio.Event().wait()
    finally:
        await port.stop()
