"""The pull loop: durable work from JetStream, never more at once than there are free slots.

Why our own: FastStream's subscribers fetch more than they can work on, cost several times as much a
message, and delay an idle system's first message (`docs/adr/0003-our-own-pull-loop.md`).

A `SlotPool` has a number of slots and sources (durables). An idle source keeps one pull request open, so
a message arrives at once. When slots are scarce, sources of the first rank are asked whether they have
something before those of the second rank are asked at all. A message that arrives when no slot is left
(two open requests, one last slot) is handed back at once.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

log = structlog.get_logger(__name__)

#: Seconds that a pull request stays open at the server.
EXPIRES = 30.0
#: Seconds between the server's signs of life on an open request; two missed ones close it for us.
IDLE_HEARTBEAT = 5.0
#: Seconds that a source of the second rank waits for what one of the first rank answers.
PROBE_ANSWER = 0.05


@dataclass(slots=True, eq=False)
class Delivery:
    """One message on its way through a handler."""

    subject: str
    data: bytes
    headers: dict[str, str]
    #: Sequence in the stream.
    sequence: int
    #: 1 for the first delivery.
    delivered: int
    #: Messages of this durable behind this one, as the server knew it.
    pending: int
    durable: str
    _reply: str
    _nc: Client
    #: Whether the server has heard our last word about it.
    settled: bool = False

    async def ack(self) -> None:
        await self._say(b"+ACK")

    async def nak(self, delay: float = 0.0) -> None:
        """Hand it back, to be delivered again after `delay` seconds."""
        body = b"-NAK" if delay <= 0 else b'-NAK {"delay": %d}' % int(delay * 1e9)
        await self._say(body)

    async def term(self) -> None:
        """Never deliver it again; publish the dead letter first."""
        await self._say(b"+TERM")

    async def in_progress(self) -> None:
        if not self.settled:
            await self._nc.publish(self._reply, b"+WPI")

    async def _say(self, word: bytes) -> None:
        self.settled = True
        await self._nc.publish(self._reply, word)


Handler = Callable[[Delivery], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Source:
    """A durable of a stream, and what to do with its messages."""

    stream: str
    durable: str
    handle: Handler
    #: 0 is asked before 1.
    rank: int = 0
    #: Messages that the durable hands out at once over all replicas: no use in asking for more.
    limit: int | None = None
    #: Messages that open requests may still deliver.
    outstanding: int = 0
    #: Whether the server's last word was that nothing waits here.
    quiet: bool = False
    #: Whether the last message said that more wait behind it.
    hungry: bool = False
    probing: bool = False
    heard_at: float = 0.0
    inbox: str = ""


@dataclass(slots=True, eq=False)
class SlotPool:
    """Slots that sources share."""

    name: str
    slots: int
    sources: list[Source]
    active: int = 0
    handlers: set[asyncio.Task[None]] = field(default_factory=set)
    deliveries: set[Delivery] = field(default_factory=set)


class PullLoop:
    """Keeps the slots of one pool busy until stopped."""

    def __init__(self, nc: Client, pool: SlotPool, *, ack_wait: float) -> None:
        self._nc = nc
        self._pool = pool
        self._ack_wait = ack_wait
        ranks = sorted({source.rank for source in pool.sources})
        self._groups = [[source for source in pool.sources if source.rank == rank] for rank in ranks]
        self._tokens = itertools.count(1)
        self._wake = asyncio.Event()
        self._stopping = False
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Look again at once: after a reconnect, or when a slot became free."""
        self._wake.set()

    def forget_requests(self) -> None:
        """After a reconnect: requests of the old connection are gone."""
        for source in self._pool.sources:
            source.outstanding, source.quiet, source.probing = 0, False, False
        self.wake()

    async def run(self) -> None:
        """Ask, hand out, keep alive; returns when stopped and all handlers have ended."""
        for source in self._pool.sources:
            source.inbox = self._nc.new_inbox()
            await self._nc.subscribe(
                f"{source.inbox}.*",
                cb=functools.partial(self._arrived, source),
                pending_msgs_limit=-1,
                pending_bytes_limit=-1,
            )
        heartbeat = asyncio.create_task(self._keep_alive())
        look_at = self._loop.time() + 1.0
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    await self._ask_all()
                except NatsError as error:
                    log.debug("asking for work failed", pool=self._pool.name, error=repr(error))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._wake.wait()
                # On the clock, not only when idle: work of one source must not hide another's silence.
                if self._loop.time() >= look_at:
                    self._close_silent_requests()
                    look_at = self._loop.time() + 1.0
            if self._pool.handlers:
                await asyncio.gather(*self._pool.handlers, return_exceptions=True)
        finally:
            heartbeat.cancel()

    def stop(self) -> None:
        """Ask for nothing more. Handlers go on; cancel them through their own means."""
        self._stopping = True
        self.wake()

    async def _ask_all(self) -> None:
        pool = self._pool
        free = pool.slots - pool.active
        if free <= 0:
            return
        budget = free - sum(source.outstanding for source in pool.sources)
        for group in self._groups:
            scarce = group is not self._groups[-1] and free < len(pool.sources)
            hungry = sum(source.hungry for source in group)
            for source in group:
                # What is idle listens with one slot; the others go to where more waits.
                share = max(1, budget // hungry) if source.hungry else 1
                if source.limit is not None:
                    share = min(share, source.limit - source.outstanding)
                if source.outstanding == 0:
                    await self._ask(source, share, probe=scarce and not source.quiet)
                    budget -= share
                elif source.hungry and not source.probing and share >= max(1, pool.slots // 4):
                    await self._ask(source, share, probe=False)
                    budget -= share
            if any(source.probing for source in group):
                # Whoever comes behind waits for the answer.
                return

    async def _ask(self, source: Source, batch: int, *, probe: bool) -> None:
        request: dict[str, object] = {"batch": batch}
        if probe:
            request["no_wait"] = True
            source.probing = True
            # A durable whose limit is reached does not answer: those behind it wait no longer than this.
            self._loop.call_later(PROBE_ANSWER, self._give_up_probe, source)
        else:
            request["expires"] = int(EXPIRES * 1e9)
            request["idle_heartbeat"] = int(IDLE_HEARTBEAT * 1e9)
        source.outstanding += batch
        source.heard_at = self._loop.time()
        token = f"{'p' if probe else 'w'}{next(self._tokens)}n{batch}"
        await self._nc.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{source.stream}.{source.durable}",
            orjson.dumps(request),
            reply=f"{source.inbox}.{token}",
        )

    async def _arrived(self, source: Source, msg: Msg) -> None:
        source.heard_at = self._loop.time()
        if not msg.reply:
            self._status(source, msg.subject, msg.headers or {})
            return
        source.outstanding = max(0, source.outstanding - 1)
        delivery = _delivery(self._nc, source.durable, msg)
        source.hungry = delivery.pending > 0
        source.quiet = not source.hungry
        if source.outstanding == 0:
            source.probing = False
        if self._stopping or self._pool.active >= self._pool.slots:
            await delivery.nak()
            return
        self._pool.active += 1
        self._pool.deliveries.add(delivery)
        task = self._loop.create_task(self._handle(source, delivery))
        self._pool.handlers.add(task)
        if source.outstanding == 0 or source.hungry:
            self._wake.set()

    def _status(self, source: Source, subject: str, headers: dict[str, str]) -> None:
        status = headers["Status"]
        if status == "100":
            return
        token = subject.rsplit(".", 1)[1]
        batch = int(token.rsplit("n", 1)[1])
        undelivered = int(headers.get("Nats-Pending-Messages", batch))
        source.outstanding = max(0, source.outstanding - undelivered)
        if token.startswith("p"):
            source.probing = False
        if status in ("404", "408"):
            source.quiet, source.hungry = True, False
        else:
            # 409: the consumer's limit is reached, the leader changed, the server stops; 503: not there.
            log.debug(
                "a pull request ended", durable=source.durable, status=status, why=headers.get("Description")
            )
            source.quiet = True
            self._loop.call_later(0.25, self._wake.set)
            return
        self._wake.set()

    async def _handle(self, source: Source, delivery: Delivery) -> None:
        task = asyncio.current_task()
        try:
            await source.handle(delivery)
        except Exception:
            log.exception("a handler failed; the message comes again", durable=source.durable)
            if not delivery.settled:
                await delivery.nak(min(2.0 ** min(delivery.delivered, 6), 60.0))
        finally:
            self._pool.active -= 1
            self._pool.deliveries.discard(delivery)
            if task is not None:
                self._pool.handlers.discard(task)
            self._wake.set()

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._ack_wait / 3)
            for delivery in list(self._pool.deliveries):
                try:
                    await delivery.in_progress()
                except NatsError as error:
                    log.debug("a heartbeat could not be sent", error=repr(error))

    def _give_up_probe(self, source: Source) -> None:
        if source.probing:
            source.probing, source.quiet = False, True
            self._wake.set()

    def _close_silent_requests(self) -> None:
        now = self._loop.time()
        for source in self._pool.sources:
            if source.outstanding and now - source.heard_at > 2 * IDLE_HEARTBEAT + 1:
                source.outstanding, source.quiet, source.probing = 0, False, False


def _delivery(nc: Client, durable: str, msg: Msg) -> Delivery:
    # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>, with two more
    # tokens (domain, account) after ACK and one at the end on newer servers.
    tokens = msg.reply.split(".")
    at = 4 if len(tokens) < 11 else 6
    return Delivery(
        msg.subject,
        msg.data,
        msg.headers or {},
        int(tokens[at + 1]),
        int(tokens[at]),
        int(tokens[at + 4]),
        durable,
        msg.reply,
        nc,
    )
