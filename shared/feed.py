"""A stream as a feed: every message after a sequence, in order, without holes, as it arrives.

An ephemeral pull consumer without acknowledgements, with a pull request always open. Whatever interrupts
it (a restarted server, a lost consumer, a lost delivery) raises `FeedInterrupted`: the reader begins again
from its own checkpoint, which is the only position that counts.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from shared.cancelling import end_if_cancelled

log = structlog.get_logger(__name__)

#: Messages and bytes that one pull request may deliver; at most two requests are open.
BATCH = 4_000
BATCH_BYTES = 16 * 1024 * 1024
#: Seconds that a pull request stays open at the server.
EXPIRES = 30.0
#: Seconds between the server's signs of life on an idle request; three missed ones end the feed.
IDLE_HEARTBEAT = 1.0
#: Seconds without a pull request after which the server forgets the consumer.
INACTIVE = 30.0
#: Feeds of one reader at once.
FEEDS = 16
#: The server's code for a consumer that is there with other settings.
_TAKEN = 10148

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RawMessage(NamedTuple):
    """A message of a stream as it was published."""

    sequence: int
    subject: str
    #: When the server stored it, to the microsecond.
    time: datetime
    payload: bytes


def stored_at(nanoseconds: int) -> datetime:
    """The server's time stamp (since 1970) in whole microseconds, UTC."""
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


class FeedInterrupted(Exception):
    """The feed has to be opened again; nothing is lost."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the server says about a stream."""

    #: As the server spells it; a recreated stream has another.
    created: str
    #: 0 for a stream that never held a message; above `last` for one that holds none any more.
    first: int
    last: int


async def stream_state(nc: Client, stream: str) -> StreamState:
    """Raises `FeedInterrupted` while the server cannot answer, or has no such stream."""
    answer = await _answer(nc, f"STREAM.INFO.{stream}", {})
    if (refusal := answer.get("error")) is not None:
        raise FeedInterrupted(f"{stream}: {refusal.get('description')}")
    state = answer["state"]
    return StreamState(answer["created"], state["first_seq"], state["last_seq"])


async def message_digest(nc: Client, stream: str, sequence: int) -> str | None:
    """`digest` of the payload at `sequence`; None if the stream does not hold it any more."""
    try:
        reply = await nc.request(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps({"seq": sequence}), timeout=5)
    except (NatsError, TimeoutError) as error:
        raise FeedInterrupted(f"the server does not answer: {error!r}") from error
    if (reply.headers or {}).get("Status") is not None:
        return None
    return digest(reply.data)


def digest(payload: bytes) -> str:
    return blake2b(payload, digest_size=16).hexdigest()


def feed_names(reader: str) -> list[str]:
    """What a reader's consumer can be called. Few names, so that permissions can name each: where one is
    taken, the next is tried, and those of killed readers are free again after `INACTIVE` seconds."""
    return [f"{reader}-{number}" for number in range(FEEDS)]


@asynccontextmanager
async def open_feed(nc: Client, reader: str, stream: str, start: int) -> AsyncIterator["Feed"]:
    """The messages of `stream` from sequence `start` on. The consumer is named after `reader`."""
    feed = Feed(nc, reader, stream, start)
    try:
        await feed.open()
        yield feed
    finally:
        await feed.close()


class Feed:
    def __init__(self, nc: Client, reader: str, stream: str, start: int) -> None:
        self._nc = nc
        #: Messages that there were to read when it was opened.
        self.pending = 0
        self._stream = stream
        self._start = start
        self._reader = reader
        #: Name of the consumer, once it is there.
        self._consumer: str | None = None
        self._inbox = nc.new_inbox()
        self._buffer: list[RawMessage] = []
        self._arrival = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._reconnects = nc.stats["reconnects"]
        self._outstanding = 0
        self._delivered = 0
        self._broken: str | None = None
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        self._subscription = await self._nc.subscribe(
            f"{self._inbox}.*", cb=self._arrived, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        self._consumer = await self._make()
        await self._ask()

    async def _make(self) -> str:
        """A consumer of our own; its name."""
        config = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._start,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": int(INACTIVE * 1e9),
            # Makes it unlike every other: the server gives one that is there to who asks for the same, and
            # that of another replica, or of a killed reader, may have delivered already.
            "metadata": {"opened": self._inbox},
        }
        for name in random.sample(names := feed_names(self._reader), len(names)):
            answer = await _answer(
                self._nc,
                f"CONSUMER.CREATE.{self._stream}.{name}",
                {"stream_name": self._stream, "config": {**config, "name": name}, "action": "create"},
            )
            refusal = answer.get("error")
            if refusal is None:
                self.pending = answer["num_pending"]
                return name
            if refusal.get("err_code") != _TAKEN:
                raise FeedInterrupted(f"{self._stream}: {refusal.get('description')}")
        raise FeedInterrupted(f"{self._reader} reads {self._stream} {len(names)} times already")

    async def close(self) -> None:
        """Stop listening, and let the server forget the consumer. Does not raise."""
        try:
            if self._subscription is not None:
                await self._subscription.unsubscribe()
            if self._consumer is not None:
                await self._nc.publish(f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._consumer}", b"")
        except NatsError as error:
            log.debug("the consumer could not be deleted", error=repr(error))

    async def take(self, limit: int) -> list[RawMessage]:
        """What has arrived, at most `limit` messages; waits for the first. Raises `FeedInterrupted`."""
        end_if_cancelled()
        while not self._buffer:
            self._check()
            self._arrival.clear()
            try:
                async with asyncio.timeout(0.5):
                    await self._arrival.wait()
            except TimeoutError:
                continue
        if len(self._buffer) <= limit:
            batch, self._buffer = self._buffer, []
        else:
            batch, self._buffer = self._buffer[:limit], self._buffer[limit:]
        if self._outstanding <= BATCH // 2 and len(self._buffer) <= BATCH:
            await self._ask()
        return batch

    def _check(self) -> None:
        if self._broken is not None:
            raise FeedInterrupted(self._broken)
        if self._nc.stats["reconnects"] != self._reconnects:
            raise FeedInterrupted("the connection was lost and made again")
        if self._loop.time() - self._heard_at > 3 * IDLE_HEARTBEAT:
            raise FeedInterrupted("the server has gone silent")

    async def _ask(self) -> None:
        self._outstanding += BATCH
        request = {
            "batch": BATCH,
            "max_bytes": BATCH_BYTES,
            "expires": int(EXPIRES * 1e9),
            "idle_heartbeat": int(IDLE_HEARTBEAT * 1e9),
        }
        await self._nc.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}",
            orjson.dumps(request),
            reply=f"{self._inbox}.pull",
        )

    async def _arrived(self, msg: Msg) -> None:
        self._heard_at = self._loop.time()
        if self._broken is not None:
            return
        tokens = msg.reply.split(".")
        if len(tokens) < 9:
            await self._status(msg.headers or {})
            return
        # $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer's sequence>.<time>.<pending>, with
        # <domain>.<account> after ACK on servers that have them.
        at = 5 if len(tokens) == 9 else 7
        delivered = int(tokens[at + 1])
        if delivered != self._delivered + 1:
            self._broken = f"delivery {delivered} came after {self._delivered}"
            self._arrival.set()
            return
        self._delivered = delivered
        self._outstanding -= 1
        self._buffer.append(
            RawMessage(int(tokens[at]), msg.subject, stored_at(int(tokens[at + 2])), msg.data)
        )
        self._arrival.set()

    async def _status(self, headers: dict[str, str]) -> None:
        status = headers.get("Status")
        if status == "100":
            return
        undelivered = headers.get("Nats-Pending-Messages")
        if status in ("408", "409") and undelivered is not None:
            # The request expired, or reached its bytes: the next one.
            self._outstanding = max(0, self._outstanding - int(undelivered))
            if self._outstanding == 0:
                await self._ask()
            return
        self._broken = f"a pull request ended: {status} {headers.get('Description')}"
        self._arrival.set()


async def _answer(nc: Client, subject: str, request: dict[str, object]) -> dict[str, Any]:
    """With the server's refusal, if it is one, under `error`."""
    try:
        reply = await nc.request(f"$JS.API.{subject}", orjson.dumps(request), timeout=5)
    except (NatsError, TimeoutError) as error:
        raise FeedInterrupted(f"the server does not answer: {error!r}") from error
    answer: dict[str, Any] = orjson.loads(reply.data)
    return answer
