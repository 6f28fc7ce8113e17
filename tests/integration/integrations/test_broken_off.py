"""A run that is cancelled while a system outside has its request: that it was called is told."""

import asyncio

import pytest

from shared.clients.http import HttpSystem
from shared.events import Call
from shared.runner.context import Calls
from shared.words import CallOutcome


@pytest.mark.parametrize(("method", "outcome"), [("GET", CallOutcome.FAILED), ("POST", CallOutcome.UNKNOWN)])
async def test_a_request_that_is_broken_off_is_a_call_and_in_doubt_where_it_changes_something(
    method: str, outcome: CallOutcome
) -> None:
    asked = asyncio.Event()
    leave = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await leave.wait()
        writer.close()

    calls: list[Call] = []
    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpSystem("erp", Calls(calls.append)) as system:
            sending = asyncio.create_task(system.request("book", method, f"http://127.0.0.1:{port}/"))
            await asyncio.wait_for(asked.wait(), 10)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        leave.set()
    (call,) = calls
    assert (call.system, call.operation, call.outcome, call.detail) == ("erp", "book", outcome, "broken off")
