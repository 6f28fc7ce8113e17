"""Servers that do not behave, each a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.clients.imap import ImapAddress, ImapSystem
from shared.errors import TagwerkError
from shared.events import Call
from shared.runner.context import Calls
from shared.words import CallOutcome
from tests.support.mail_server import PASSWORD, USER, MailServer

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[ImapAddress]:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        try:
            await answer(reader, writer)
        finally:
            writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield ImapAddress("127.0.0.1", port, USER, PASSWORD, security="none")


def after_capabilities(words: str) -> Answer:
    """A server that answers the sign-in with these words; `{line}` is what it was sent."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            tag, _, command = line.partition(" ")
            if command.upper() == "CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1\r\n")
                writer.write(f"{tag} OK done\r\n".encode())
            else:
                writer.write(f"{tag} {words.format(line=line)}\r\n".encode())

    return answer


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Always on the way to an answer, never there."""
    while not reader.at_eof():
        writer.write(b"* OK still here\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (after_capabilities("NO what is {line}?"), "credentials_rejected", False),
        (after_capabilities("BAD what is {line}?"), "mail_server_refused", False),
        (after_capabilities("NO [UNAVAILABLE] back soon"), "external_system_unavailable", True),
        (hang_up, "external_system_unavailable", True),
        (drip, "external_system_unavailable", True),
    ],
)
async def test_a_server_that_serves_badly_is_told_from_one_that_refuses_and_repeats_no_password(
    answer: Answer, code: str, retryable: bool
) -> None:
    calls: list[Call] = []
    async with listening(answer) as address:
        with pytest.raises(TagwerkError) as caught:
            async with ImapSystem("mail-server", Calls(calls.append), address, within=1.0):
                pytest.fail("nobody was signed in")
    failure = caught.value.failure
    assert (failure.code, failure.retryable, failure.concern) == (code, retryable, "mail-server")
    (call,) = calls
    assert (call.operation, call.outcome, call.failure) == ("sign in", CallOutcome.FAILED, failure)
    assert PASSWORD not in call.model_dump_json() + repr(caught.value) + repr(address)


async def test_a_run_that_is_cancelled_does_not_wait_for_the_server_and_tells_that_it_was_called() -> None:
    calls: list[Call] = []
    async with listening(drip) as address:
        system = ImapSystem("mail-server", Calls(calls.append), address)
        task = asyncio.create_task(system.__aenter__())
        await asyncio.sleep(0.1)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert time.monotonic() - began < 20, "its time-out is longer"
    (call,) = calls
    assert (call.operation, call.outcome, call.detail) == ("sign in", CallOutcome.FAILED, "broken off")


async def test_a_mail_is_moved_once_and_others_that_are_marked_as_deleted_stay(
    mail_server: MailServer,
) -> None:
    mail_server.deliver("marked", b"Subject: one\r\n\r\n", b"Subject: two\r\n\r\n")
    with mail_server.signed_in() as box:
        box.folder.set("marked")
        one, two = box.uids()
        box.client.uid("STORE", two, "+FLAGS", r"(\Deleted)")
    address = ImapAddress("127.0.0.1", mail_server.port, USER, PASSWORD, security="none")
    async with ImapSystem("mail-server", Calls(lambda call: None), address) as system:
        assert (await system.look("marked"))[1] == [int(one)]
        for _ in range(2):
            await system.move(int(one), "marked-imported")
        assert await system.fetch(int(one)) is None
    assert len(mail_server.holds("marked-imported")) == 1
    assert len(mail_server.holds("marked")) == 1
