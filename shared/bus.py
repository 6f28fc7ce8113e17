"""The connection to NATS as our services use it: acknowledged publishes, conditions, history, asking.

Publishes are acknowledged through one reply inbox of our own, which is ten times faster than nats-py's
`js.publish` (a future and a timer each); a publish whose acknowledgement does not come is sent again with
the same `Nats-Msg-Id`, so it is stored once.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast
from uuid import uuid4

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from pydantic import BaseModel

from shared.errors import Failure, TagwerkError
from shared.telemetry.messages import asking

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer", bound=BaseModel)

#: Server codes: the condition on the last sequence does not hold (10164 on replicated streams).
CONFLICT_CODES = frozenset({10071, 10164})
#: Server codes: the stream or the account has reached its storage limit.
FULL_CODES = frozenset({10047, 10077})

#: Bytes of a message that its headers may need; the server closes the connection of who sends too much.
HEADERS_ROOM = 1024

#: Messages from which on one atomic batch costs a stream that syncs each write less than as many publishes.
BATCH_FROM = 12
#: Seconds that a batch may take; after that its messages go one by one.
BATCH_WITHIN = 2.0

#: Seconds without an acknowledgement after which a publish is sent again.
RESEND_AFTER = 2.0
#: Seconds after which a publish is given up.
GIVE_UP_AFTER = 30.0


class _Answered(BaseModel, Generic[Answer]):
    """A `Reply` with what was asked for."""

    data: Answer | None = None
    failure: Failure | None = None


class Conflict(Exception):
    """The condition of a publish did not hold: something else was published in between."""


class PublishRefused(Exception):
    """The server refused a publish for a reason that trying again does not change."""


class BusUnavailable(TagwerkError):
    """The bus did not acknowledge in time; the message may or may not be stored."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            "bus_unavailable",
            cause,
            concern="nats",
            next_step="Check that nats-server runs and has free storage; Tagwerk tries again by itself.",
            retryable=True,
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it lies in a stream."""

    subject: str
    sequence: int
    data: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is to be stored; the stream knows it by `msg_id`, however often it is sent."""

    subject: str
    payload: bytes
    msg_id: str


@dataclass(slots=True)
class _Pending:
    future: asyncio.Future[int]
    subject: str
    payload: bytes
    headers: dict[str, str]
    sent_at: float
    give_up_at: float


class Bus:
    """Everything that our code does with NATS, on one connection."""

    def __init__(self, nc: Client) -> None:
        self.nc = nc
        self.js: JetStreamContext = nc.jetstream()
        self._inbox = nc.new_inbox() + "."
        self._tokens = itertools.count(1)
        self._pending: dict[str, _Pending] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """Listen for acknowledgements. Call once, before the first publish."""
        await self.nc.subscribe(
            self._inbox + "*", cb=self._acknowledged, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        self._sweeper = asyncio.create_task(self._resend_unacknowledged())

    async def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(BusUnavailable("the service stopped before the acknowledgement"))
        self._pending.clear()

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        msg_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        expect_last: tuple[str, int] | None = None,
        patience: float | None = None,
    ) -> int:
        """Store a message in the stream of `subject`; returns its sequence.

        Give a `msg_id` (stored once within the server's window) or a condition, which does the same and
        costs the server less: `expect_last` is a subject filter and the sequence that its last message
        must have (0: there is none). Raises `Conflict` if it has another, `PublishRefused`, and
        `BusUnavailable` after 30 s, or after `patience` seconds. A conflict may be one's own message sent
        again: read the history.
        """
        if not self._fits(payload):
            raise PublishRefused(f"{subject}: {len(payload)} bytes; the bus takes {self.nc.max_payload}")
        all_headers = dict(headers) if headers else {}
        if msg_id is not None:
            all_headers["Nats-Msg-Id"] = msg_id
        if expect_last is not None:
            all_headers["Nats-Expected-Last-Subject-Sequence"] = str(expect_last[1])
            all_headers["Nats-Expected-Last-Subject-Sequence-Subject"] = expect_last[0]
        token = str(next(self._tokens))
        now = self._loop.time()
        give_up_at = now + (GIVE_UP_AFTER if patience is None else patience)
        pending = _Pending(self._loop.create_future(), subject, payload, all_headers, now, give_up_at)
        self._pending[token] = pending
        try:
            await self._send(token, pending)
            return await pending.future
        finally:
            self._pending.pop(token, None)

    async def publish_together(self, messages: Sequence[Message]) -> list[int]:
        """Store messages in one stream that allows batches, by one write to its disk; returns the sequences.

        A few go one by one, as do those among which one is too large, and those of a batch that is refused or
        not answered: the ids of what it has stored after all are known. Raises what `publish` raises.
        """
        if len(messages) >= BATCH_FROM and all(self._fits(one.payload) for one in messages):
            last = await self._publish_batch(messages)
            if last is not None:
                return list(range(last - len(messages) + 1, last + 1))
        return list(
            await asyncio.gather(
                *(self.publish(one.subject, one.payload, msg_id=one.msg_id) for one in messages)
            )
        )

    def _fits(self, payload: bytes) -> bool:
        return len(payload) <= self.nc.max_payload - HEADERS_ROOM

    async def _publish_batch(self, messages: Sequence[Message]) -> int | None:
        """The sequence of the last, or None if the server does not say that all are stored."""
        batch = {"Nats-Batch-Id": uuid4().hex}
        try:
            for number, one in enumerate(messages[:-1], start=1):
                await self.nc.publish(one.subject, one.payload, headers=_in_batch(one, batch, number))
            commit = {**_in_batch(messages[-1], batch, len(messages)), "Nats-Batch-Commit": "1"}
            answer = await self.nc.request(
                messages[-1].subject, messages[-1].payload, timeout=BATCH_WITHIN, headers=commit
            )
        except (NatsError, TimeoutError) as error:
            log.debug("a batch was not acknowledged; its messages go one by one", error=repr(error))
            return None
        ack = orjson.loads(answer.data)
        if "error" in ack:
            log.debug("a batch was refused; its messages go one by one", error=ack["error"])
            return None
        return int(ack["seq"])

    async def _send(self, token: str, pending: _Pending) -> None:
        pending.sent_at = self._loop.time()
        try:
            await self.nc.publish(
                pending.subject, pending.payload, reply=self._inbox + token, headers=pending.headers or None
            )
        except NatsError as error:
            if self.nc.is_closed:
                raise BusUnavailable("the connection to nats-server is closed") from error
            log.debug("a publish could not be sent yet", subject=pending.subject, error=str(error))

    async def _acknowledged(self, msg: Msg) -> None:
        pending = self._pending.get(msg.subject[len(self._inbox) :])
        if pending is None or pending.future.done():
            return
        if not msg.data:
            # No responders: JetStream is not up yet. The sweeper sends it again.
            return
        ack = orjson.loads(msg.data)
        error = ack.get("error")
        if error is None:
            pending.future.set_result(ack["seq"])
        elif error.get("err_code") in CONFLICT_CODES:
            pending.future.set_exception(Conflict(error.get("description", "")))
        elif error.get("err_code") in FULL_CODES:
            pending.future.set_exception(BusUnavailable(f"the bus is full: {error.get('description')}"))
        elif error.get("code") == 503:
            return
        else:
            pending.future.set_exception(PublishRefused(f"{pending.subject}: {error.get('description')}"))

    async def _resend_unacknowledged(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            now = self._loop.time()
            for token, pending in list(self._pending.items()):
                if pending.future.done():
                    continue
                if now > pending.give_up_at:
                    pending.future.set_exception(
                        BusUnavailable(f"no acknowledgement of {pending.subject} in time")
                    )
                elif now - pending.sent_at > RESEND_AFTER and self.nc.is_connected:
                    await self._send(token, pending)

    def refuse(self, subject: str, failure: Failure) -> None:
        """The server does not take what is published to `subject`: nobody waits for it any longer. The client
        tells it in small letters."""
        for pending in self._pending.values():
            if pending.subject.lower() == subject.lower() and not pending.future.done():
                pending.future.set_exception(failed(failure))

    def resend_at_once(self) -> None:
        """After a reconnect: what was sent into the old connection is not waited for."""
        for pending in self._pending.values():
            pending.sent_at = 0.0

    async def read(self, stream: str, subject: str, *, after: int = 0) -> list[Stored]:
        """All messages of `stream` on `subject` (a filter) with a sequence above `after`, in order."""
        found: list[Stored] = []
        while True:
            page, rest = await self.read_page(stream, subject, after + 1)
            found += page
            if not rest:
                return found
            after = found[-1].sequence

    async def read_last(self, stream: str, subject: str) -> Stored | None:
        """The last message of `stream` on `subject` (a filter)."""
        request = orjson.dumps({"last_by_subj": subject})
        try:
            msg = await self.nc.request(f"$JS.API.DIRECT.GET.{stream}", request, timeout=5)
        except (NatsError, TimeoutError) as error:
            raise BusUnavailable(f"the last of {subject} could not be read: {error!r}") from error
        headers = msg.headers or {}
        match headers.get("Status"):
            case None:
                return Stored(headers["Nats-Subject"], int(headers["Nats-Sequence"]), msg.data, headers)
            case "404":
                return None
            case status:
                raise BusUnavailable(f"the last of {subject} could not be read: status {status}")

    async def read_page(
        self, stream: str, subject: str, start: int, *, since: datetime | None = None
    ) -> tuple[list[Stored], bool]:
        """Up to 256 messages of `stream` on `subject` from sequence `start` on, or stored from `since` on;
        whether there are more."""
        inbox = self.nc.new_inbox()
        subscription = await self.nc.subscribe(inbox)
        page: list[Stored] = []
        try:
            begin = {"seq": start} if since is None else {"start_time": since.isoformat()}
            request = {**begin, "next_by_subj": subject, "batch": 256}
            await self.nc.publish(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps(request), reply=inbox)
            while True:
                msg = await subscription.next_msg(timeout=5)
                headers = msg.headers or {}
                match headers.get("Status"):
                    case None:
                        page.append(
                            Stored(headers["Nats-Subject"], int(headers["Nats-Sequence"]), msg.data, headers)
                        )
                    case "204":
                        return page, int(headers.get("Nats-Num-Pending", "0")) > 0
                    case "404":
                        return page, False
                    case status:
                        raise BusUnavailable(f"history of {subject} could not be read: status {status}")
        except NatsError as error:
            raise BusUnavailable(f"history of {subject} could not be read: {error!r}") from error
        finally:
            await subscription.unsubscribe()

    async def ask(
        self, subject: str, query: BaseModel, answer: type[Answer], *, timeout: float = 5.0
    ) -> Answer:
        """Request/reply with one of our services. Raises `TagwerkError` with the failure it answered."""
        service = subject.split(".")[1]
        with asking(subject) as headers:
            try:
                msg = await self.nc.request(
                    subject, query.model_dump_json().encode(), timeout=timeout, headers=headers
                )
            except NoRespondersError as error:
                raise _unanswered(service, f"the {service} service is not running", retryable=True) from error
            except (NatsError, TimeoutError) as error:
                raise _unanswered(
                    service, f"the {service} service did not answer within {timeout:g} s", retryable=True
                ) from error
            # Read at once as what it is, and not as anything first.
            reply = _Answered[answer].model_validate_json(msg.data)  # type: ignore[valid-type]
            if reply.failure is not None:
                raise failed(reply.failure)
        assert reply.data is not None, f"{subject} was answered with nothing"
        return cast(Answer, reply.data)

    async def ask_all(self, subject: str, *, first: float, rest: float) -> AsyncGenerator[bytes, None]:
        """Whatever anybody answers to an empty request: the first within `first` seconds, each other within
        `rest` after the one before. Nothing if nobody listens, or the bus is away."""
        inbox = self.nc.new_inbox()
        try:
            subscription = await self.nc.subscribe(inbox)
        except NatsError:
            return
        try:
            await self.nc.publish(subject, b"", reply=inbox)
            wait = first
            while True:
                msg = await subscription.next_msg(timeout=wait)
                if msg.headers and msg.headers.get("Status") == "503":
                    return
                yield msg.data
                wait = rest
        except (NatsError, TimeoutError):
            return
        finally:
            await subscription.unsubscribe()


def _in_batch(message: Message, batch: Mapping[str, str], number: int) -> dict[str, str]:
    return {**batch, "Nats-Batch-Sequence": str(number), "Nats-Msg-Id": message.msg_id}


def failed(failure: Failure) -> TagwerkError:
    """The error that carries this failure."""
    return TagwerkError(
        failure.code,
        failure.cause,
        next_step=failure.next_step,
        concern=failure.concern,
        retryable=failure.retryable,
    )


def _unanswered(service: str, cause: str, *, retryable: bool) -> TagwerkError:
    return TagwerkError(
        "service_unavailable",
        cause,
        concern=service,
        next_step=f"Start the {service} service, or look at its log.",
        retryable=retryable,
    )
