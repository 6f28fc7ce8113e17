"""What is removed, by what the server tells; `test_trimming.py` of the integration tests has a real one."""

import asyncio
from typing import Any, cast

import orjson
import pytest

from services.mqtt_bridge.trimming import NotNow, Trimming
from shared.bus import Bus

PAGE = 3


class _Answer:
    def __init__(self, content: Any) -> None:
        self.data = orjson.dumps(content)


class Server:
    """As much of nats-server as is asked: one stream and its subscriptions, by name."""

    def __init__(self) -> None:
        self.nc = self
        self.last = 0
        self.purged: list[int] = []
        self.removed = asyncio.Event()
        self.looks = 0
        self.third = asyncio.Event()
        #: Name -> (pending, acknowledged up to).
        self.subscriptions: dict[str, tuple[int, int]] = {}
        self.more: dict[str, Any] = {}
        self.refused: dict[str, int] = {}
        #: Who goes after the first page.
        self.leaving: str | None = None

    async def request(self, subject: str, body: bytes, *, timeout: float) -> _Answer:
        verb = ".".join(subject.split(".")[2:4])
        self.looks += verb == "STREAM.INFO"
        if self.looks == 3:
            self.third.set()
        if verb in self.refused:
            return _Answer({"error": {"err_code": self.refused[verb], "description": "no"}})
        if verb == "STREAM.INFO":
            return _Answer({"state": {"first_seq": 1, "last_seq": self.last, "messages": self.last}})
        asked = orjson.loads(body)
        if verb == "STREAM.PURGE":
            self.purged.append(asked["seq"])
            self.removed.set()
            return _Answer({"success": True})
        listed = [_told(name, *of) for name, of in sorted(self.subscriptions.items())]
        page = listed[asked["offset"] : asked["offset"] + PAGE]
        if self.leaving is not None:
            self.subscriptions.pop(self.leaving, None)
        return _Answer({"total": len(listed), "consumers": page, **self.more})


def _told(name: str, pending: int, acknowledged: int) -> dict[str, Any]:
    floor = {"stream_seq": acknowledged}
    return {"name": name, "num_pending": pending, "num_ack_pending": 0, "ack_floor": floor}


@pytest.fixture
def server() -> Server:
    server = Server()
    server.last = 10
    server.subscriptions = {f"s{number}": (0, 10) for number in range(5)}
    return server


def trimming(server: Server) -> Trimming:
    return Trimming(cast(Bus, server), every=1)


async def test_a_message_is_removed_at_the_second_look_after_it_came(server: Server) -> None:
    """A subscription may say that nothing waits for it while it has not heard of what was just stored."""
    looking = trimming(server)
    await looking.trim()
    assert server.purged == []
    server.last = 12
    await looking.trim()
    assert server.purged == [11]
    await looking.trim()
    assert server.purged == [11, 13]


async def test_nothing_is_removed_that_one_on_the_last_page_has_not_had(server: Server) -> None:
    server.subscriptions["s4"] = (3, 7)
    looking = trimming(server)
    await looking.trim()
    await looking.trim()
    assert server.purged == [8]


async def test_subscriptions_that_move_between_two_pages_end_the_look(server: Server) -> None:
    """The one at the edge of the first page would never be seen."""
    server.subscriptions["s3"] = (3, 7)
    looking = trimming(server)
    await looking.trim()
    server.leaving = "s0"
    with pytest.raises(NotNow, match="came or went"):
        await looking.trim()
    server.leaving = None
    await looking.trim()
    assert server.purged == [8]


@pytest.mark.parametrize("more", [{"missing": ["s9"]}, {"offline": {"s9": "its server is older"}}])
async def test_what_a_cluster_does_not_tell_is_not_taken_for_nothing(
    server: Server, more: dict[str, Any]
) -> None:
    server.more = more
    looking = trimming(server)
    for _ in range(2):
        with pytest.raises(NotNow, match="does not tell"):
            await looking.trim()
    assert server.purged == []


@pytest.mark.parametrize("verb", ["STREAM.INFO", "CONSUMER.LIST", "STREAM.PURGE"])
async def test_a_refusal_of_the_server_is_no_end_of_it(server: Server, verb: str) -> None:
    looking = Trimming(cast(Bus, server), every=0.001)
    server.refused = {verb: 10008}
    running = asyncio.create_task(looking.run())
    await asyncio.wait_for(server.third.wait(), 20)
    assert not running.done()
    server.refused = {}
    await asyncio.wait_for(server.removed.wait(), 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_where_the_broker_is_another_program_there_is_nothing_to_do(server: Server) -> None:
    server.refused = {"STREAM.INFO": 10059}
    await asyncio.wait_for(trimming(server).run(), 20)
    assert server.purged == []
