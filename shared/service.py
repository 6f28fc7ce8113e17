"""The composition of a service: bus, database, jobs, handlers, answers, health; started and stopped in order.

FastStream carries request/reply and the lifecycle; durable work goes through our own pull loop.
"""

import asyncio
import os
import platform
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import orjson
import structlog
import uvloop
from faststream import AckPolicy, FastStream
from faststream.nats import NatsBroker, NatsMessage
from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.bus import Bus
from shared.catalogue import publish_catalogue
from shared.choices import LiveChoices
from shared.choices import Source as ChoiceSource
from shared.clients.breakers import Breakers
from shared.clients.destinations import confine
from shared.commands import Breaker, ChoicesQuery, Decide, ProbeQuery, Published, Reply
from shared.connection import refusals, refuse_plain, security, sign_in
from shared.database import SHARED_MIGRATIONS, Pool, migrate, open_pool
from shared.declaration import Declaration
from shared.effects import Ledger
from shared.errors import Failure, failure_of, wrong_fields
from shared.events import BUSINESS_EVENTS, now
from shared.health.app import HealthApp, Measure
from shared.health.checks import Check, Loops, check_database, check_trouble
from shared.http_server import HttpPort, listen
from shared.jobs import collect
from shared.logs import configure_logs
from shared.metrics.database import OutboxMeasure, measure_breakers, measure_pool
from shared.metrics.definitions import BACKGROUND_FAILURES, BUILD
from shared.outbox import Relay
from shared.probes import Probe, Probes
from shared.pull import PullLoop, SlotPool, Source
from shared.rule_files import tell_changed_rules
from shared.runner.attempt import STANDARD_PROVIDERS, Provider
from shared.runner.worker import Worker
from shared.settings import Settings
from shared.telemetry.messages import answering
from shared.telemetry.provider import start_tracing
from shared.triggers import EventHandler, Triggers, check_triggers

log = structlog.get_logger(__name__)

Request = TypeVar("Request", bound=BaseModel)

#: Events that one service handles at once.
EVENT_SLOTS = 16
#: Seconds that messages at work may take to be handled when the service ends; the others come again.
HANDLED_WITHIN = 2.0

SOFTWARE_VERSION = version("tagwerk")


class Service:
    """One service. Build it, register answers and backgrounds, then `run()` (or `start()` and `stop()`)."""

    def __init__(
        self,
        declaration: Declaration,
        settings: Settings,
        *,
        migrations: Path | None = None,
        database_settings: Mapping[str, str] | None = None,
        providers: Mapping[Any, Provider] | None = None,
        on_event: Mapping[str, EventHandler] | None = None,
        probes: Mapping[str, Probe] | None = None,
        choices: Mapping[str, ChoiceSource] | None = None,
        rule_files: Mapping[str, Path | None] | None = None,
        root: Path | None = None,
    ) -> None:
        """`migrations` None means: no database; `database_settings` are for its connections. `probes` look at
        the systems and locations that the jobs name, `choices` answer the sources that their parameters name.
        `rule_files` are audited where they have changed. `root` is where troubleshooting pages are looked
        for."""
        self.name = declaration.name
        self.declaration = declaration
        self.settings = settings
        self._migrations = migrations
        self._database_settings = database_settings
        self._providers = dict(providers or {})
        self._on_event = dict(on_event or {})
        self._rule_files = dict(rule_files or {})
        self._jobs = collect(
            self.name,
            declaration.jobs,
            {*STANDARD_PROVIDERS, *self._providers},
            choices=choices or {},
            root=root,
        )
        check_triggers(declaration.jobs, BUSINESS_EVENTS)
        confine(settings.destinations)
        refuse_plain(settings)
        configure_logs(
            self.name, format=settings.log_format, level=settings.log_level, version=SOFTWARE_VERSION
        )
        self._broker = NatsBroker(
            settings.nats_url,
            name=f"tagwerk-{self.name}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # nats-py sleeps it, fractions are fine
            reconnected_cb=self._reconnected,
            logger=None,
            ack_policy=AckPolicy.MANUAL,
            error_cb=refusals(self.name, self._refused),
            security=security(settings),
            **sign_in(settings, self.name),
        )
        self._stop_tracing: Callable[[], None] | None = None
        self._bus: Bus | None = None
        self._pool: Pool | None = None
        self._relay: Relay | None = None
        self._worker: Worker | None = None
        self._loops: list[PullLoop] = []
        self._own_sources: list[tuple[int, Source]] = []
        self._backgrounds: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self._loop_tasks: list[asyncio.Task[None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._worker_task: asyncio.Task[None] | None = None
        self._failures = Loops()
        self._measures: dict[str, Measure] = {}
        self._health: HttpPort | None = None
        self.ready = False
        #: Whether it was ready once.
        self.started = False
        #: Why the service cannot do its work although it runs; shown with its health.
        self.trouble: Failure | None = None
        #: Subject -> that the bus refuses it. Beside `trouble`, which the service's own parts take back.
        self._refusals: dict[str, Failure] = {}

        if self._jobs:
            self.answer(subjects.probe(self.name), ProbeQuery, Probes(probes or {}, self._breakers_of).answer)
            self.answer(subjects.choices(self.name), ChoicesQuery, LiveChoices(choices or {}).answer)
        if migrations is not None and self._jobs:
            self.answer(subjects.decide(self.name), Decide, self._decide)

    @property
    def bus(self) -> Bus:
        assert self._bus is not None, "the service has not started"
        return self._bus

    @property
    def pool(self) -> Pool:
        assert self._pool is not None, "the service has not started, or has no database"
        return self._pool

    @property
    def relay(self) -> Relay:
        assert self._relay is not None, "the service has not started, or has no database"
        return self._relay

    def answer(
        self, subject: str, model: type[Request], handler: Callable[[Request], Awaitable[BaseModel]]
    ) -> None:
        """Answer requests on `subject`, one replica each. A `TagwerkError` becomes the reply's failure."""

        @self._broker.subscriber(subject, queue=self.name, max_workers=64, title=subject, decoder=_as_it_came)
        async def answer(asked: Any) -> bytes:
            try:
                with answering(subject, asked.headers):
                    reply = Reply(data=await handler(model.model_validate_json(asked.body)))
            except ValidationError as error:
                reply = Reply(failure=_request_invalid(subject, error))
            except Exception as error:
                failure = failure_of(error)
                if failure.origin is not None:
                    log.exception("a request failed", subject=subject)
                reply = Reply(failure=failure)
            return reply.model_dump_json(serialize_as_any=True).encode()

    def background(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` from start to stop. One that ends or fails is started again after a second."""
        self._backgrounds.append((name, work))

    def measure(self, name: str, measure: Measure) -> None:
        """Have `measure` read what lies elsewhere into gauges, whenever somebody asks for metrics."""
        self._measures[name] = measure

    @property
    def health_address(self) -> tuple[str, int] | None:
        """Host and port at which health and metrics are answered; None if nowhere."""
        return None if self._health is None else self._health.address

    def source(self, source: Source, *, slots: int) -> None:
        """Work off a durable of the service's own, `slots` messages at once."""
        self._own_sources.append((slots, source))

    async def start(self) -> None:
        await self._prepare()
        await self._broker.start()
        await self._begin()

    async def _prepare(self) -> None:
        """Everything that answers and handlers may need; before the broker listens."""
        settings = self.settings
        self._answer_health()
        self._stop_tracing = start_tracing(
            self.name, SOFTWARE_VERSION, endpoint=settings.otlp_endpoint, ratio=settings.trace_sample
        )
        if self._migrations is not None:
            await migrate(settings.database_url, self.name, SHARED_MIGRATIONS)
            await migrate(settings.database_url, self.name, self._migrations)
            self._pool = await open_pool(settings.database_url, settings=self._database_settings)
            self._measure_database(self._pool)
        nc = await self._broker.connect()
        self._bus = Bus(nc)
        await self._bus.start()
        if self._pool is not None:
            self._relay = Relay(self._pool, self._bus)
            await tell_changed_rules(self._pool, self._relay, self.name, self._rule_files)
            self._spawn("outbox", self._relay.run)

    async def _begin(self) -> None:
        """Take up work, once the broker listens."""
        settings = self.settings
        await publish_catalogue(self.bus, self.declaration, SOFTWARE_VERSION)
        self._start_events()
        for slots, source in self._own_sources:
            self._start_loop(SlotPool(source.durable, slots, [source]))
        if self._jobs:
            self._worker = Worker(
                self.bus,
                self._jobs,
                self._providers,
                pool=self._pool,
                relay=self._relay,
                slots=settings.slots,
                cpu_slots=settings.cpu_slots,
                ack_wait=settings.ack_wait,
                cancel_grace=settings.cancel_grace,
            )
            self._worker_task = asyncio.create_task(self._worker.run())
        for name, work in self._backgrounds:
            self._spawn(name, work)
        await self.bus.nc.subscribe(subjects.health(self.name), cb=self._tell_health)
        self.ready = self.started = True
        log.info("ready", pid=os.getpid())

    async def stop(self) -> None:
        """Hand over what is unfinished, then let go of everything."""
        self.ready = False
        for loop in self._loops:
            loop.stop()
        if self._worker is not None and self._worker_task is not None:
            self._worker.stop()
            await asyncio.wait({self._worker_task}, timeout=10)
        if self._loop_tasks:
            await asyncio.wait(self._loop_tasks, timeout=HANDLED_WITHIN)
        await _end(self._tasks)
        if self._bus is not None:
            await self._bus.stop()
        await self._broker.stop()
        if self._pool is not None:
            await self._pool.close()
        if self._stop_tracing is not None:
            await asyncio.to_thread(self._stop_tracing)
        if self._health is not None:
            await self._health.stop()
        log.info("stopped")

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            app = FastStream(
                self._broker,
                logger=None,
                on_startup=[self._prepare],
                after_startup=[self._begin],
                on_shutdown=[self.stop],
            )
            runner.run(app.run())

    async def _breakers_of(self, systems: Sequence[str]) -> list[Breaker]:
        if self._pool is None or self._relay is None:
            return []
        return await Breakers(self._pool, self._relay, self.name).of(systems)

    async def _decide(self, request: Decide) -> Published:
        """A person's answer to an effect that this service's ledger holds in doubt."""
        return await Ledger(self.pool, self.relay).decide(request)

    def _start_events(self) -> None:
        if not self.declaration.event_types:
            return
        triggers = Triggers(
            self.bus,
            Bucket(self.bus, subjects.PRINCIPALS, Principal),
            self.declaration.jobs,
            self._on_event,
            software_version=SOFTWARE_VERSION,
        )
        durable = subjects.events_durable(self.name)
        self._start_loop(SlotPool("events", EVENT_SLOTS, [Source(subjects.EVENTS, durable, triggers.handle)]))

    def _start_loop(self, slot_pool: SlotPool) -> None:
        loop = PullLoop(self.bus.nc, slot_pool, ack_wait=self.settings.ack_wait)
        self._loops.append(loop)
        self._loop_tasks.append(self._spawn(slot_pool.name, loop.run))

    def _spawn(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def keep_running() -> None:
            while True:
                try:
                    await work()
                    return
                except asyncio.CancelledError:
                    raise
                except Exception as error:
                    log.exception("a background task failed; it starts again", task=name)
                    self._failures.failed(name, error)
                    BACKGROUND_FAILURES.labels(name).inc()
                    await asyncio.sleep(1)

        task = asyncio.create_task(keep_running())
        self._tasks.append(task)
        return task

    def _answer_health(self) -> None:
        """From the first moment on: a migration may take long, and is no reason to be killed."""
        version = {
            "service": self.name,
            "version": SOFTWARE_VERSION,
            "revision": self.settings.revision,
            "python": platform.python_version(),
        }
        BUILD.labels(**{name: known or "" for name, known in version.items()}).set(1)
        if self.settings.health_listen is None:
            return
        host, _, port = self.settings.health_listen.rpartition(":")
        app = HealthApp(
            version | {"started_at": now().isoformat()},
            checks=self._checks,
            started=lambda: self.started,
            measures=lambda: self._measures,
        )
        listener = listen(host.strip("[]"), int(port), settings="TAGWERK_HEALTH_LISTEN")
        self._health = HttpPort(app, listener)
        self._health.start()

    async def _checks(self) -> dict[str, Check]:
        """What has to be right for the service to do its work."""
        connected = self._bus is not None and self._bus.nc.is_connected
        checks = {
            "taking_work": Check(self.ready, None if self.ready else "starting or stopping"),
            "bus": Check(connected, None if connected else "nats-server is not connected"),
            "loops": self._failures.check(),
            "trouble": check_trouble(self.trouble),
        }
        if self._pool is not None:
            checks["database"] = await check_database(self._pool)
        return checks

    def _measure_database(self, pool: Pool) -> None:
        async def connections() -> None:
            measure_pool(pool)

        self.measure("database pool", connections)
        self.measure("outbox", OutboxMeasure(pool))
        if self._jobs:
            self.measure("breakers", lambda: measure_breakers(pool))

    def _refused(self, subject: str, failure: Failure) -> None:
        """The service goes on, but it is not as it should be until it is connected anew."""
        self._refusals[subject] = failure
        if self._bus is not None:
            self._bus.refuse(subject, failure)

    async def _reconnected(self) -> None:
        log.info("reconnected to nats-server")
        self._refusals.clear()
        if self._bus is not None:
            self._bus.resend_at_once()
        if self._worker is not None:
            self._worker.reconnected()
        for loop in self._loops:
            loop.forget_requests()

    async def _tell_health(self, msg: Msg) -> None:
        trouble = self.trouble or next(iter(self._refusals.values()), None)
        health = {
            "service": self.name,
            "ready": self.ready and trouble is None,
            "instance": f"{socket.gethostname()}:{os.getpid()}",
            "trouble": trouble.model_dump() if trouble else None,
        }
        await self.bus.nc.publish(msg.reply, orjson.dumps(health))


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until they have ended: `wait_for` of Python 3.11, in libraries, forgets a cancel that comes
    together with what it waits for, and a loop around it would go on."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1)


async def _as_it_came(message: NatsMessage) -> NatsMessage:
    """With its headers, and the body as bytes: FastStream's own decoder makes a dict of it, which no handler
    here takes."""
    return message


def _request_invalid(subject: str, error: ValidationError) -> Failure:
    return Failure(
        code="request_invalid",
        cause=wrong_fields(error),
        concern=subject,
        next_step="Correct the request and send it again.",
    )
