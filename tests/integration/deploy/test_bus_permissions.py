"""Every subject there is, tried by every service's user on a real nats-server.

Who may what is written down here once more, by hand, as rules for kinds of subjects: the table that the
server gets is made of the services' declarations, and one that suddenly declares more is to be noticed.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import nats
import pytest
from nats.errors import Error as NatsError

from deploy.declarations import declaration_of
from deploy.local.nats import BusUser
from deploy.permissions import SERVICES
from shared import subjects
from shared.bus import Bus
from shared.connection import refusals
from shared.contract import REQUESTS
from shared.declaration import Declaration
from shared.errors import Failure, TagwerkError
from shared.events import BUSINESS_EVENTS
from shared.feed import FEEDS, feed_names
from shared.permissions import inbox_prefix, permissions_of
from shared.provision import provision
from shared.service import Service
from shared.settings import Settings
from tests.support.servers import NatsServer

DECLARATIONS: dict[str, Declaration] = {name: declaration_of(f"services.{name}") for name in SERVICES}
STREAMS = (*subjects.STREAMS, *(f"KV_{bucket}" for bucket in subjects.BUCKETS), subjects.MQTT_STORE)
RUN = "019a0000-0000-7000-8000-000000000000"
WITH_JOBS = {name for name, declaration in DECLARATIONS.items() if declaration.jobs}

EVERYBODY = frozenset(SERVICES)
NOBODY: frozenset[str] = frozenset()
READERS_OF_RUNS = frozenset({*WITH_JOBS, "gateway", "scheduler", "status", "mqtt_bridge"})


def only(*names: str) -> frozenset[str]:
    return frozenset(names)


def owner(durable: str) -> str:
    """The service that works off a durable."""
    (found,) = [
        name
        for name, declaration in DECLARATIONS.items()
        if durable in {one.name for one in declaration.all_durables()}
    ]
    return found


#: Event -> who tells it; an upload has four doors.
TELLS = {
    "document": only("documents"),
    "invoice": only("documents"),
    "approval": only("documents"),
    "payment": only("integrations"),
    "rates": only("integrations"),
    "agent": only("integrations"),
    "message": only("mqtt_bridge"),
    "run": only("scheduler"),
    "queue": only("scheduler"),
    "system": only("integrations", "reporting"),
    "event.document.uploaded": only("documents", "integrations", "mqtt_bridge"),
    "event.invoice.paid": only("integrations"),
}
ASKS = {
    "command.integrations.withhold": only("documents"),
    "query.gateway.people": only("reporting"),
    "query.status.runs": only("reporting", "scheduler"),
    "query.audit.entries": only("reporting"),
    "query.audit.state": only("reporting"),
}
FEEDS_OF = {
    "status-projector": ("status", {subjects.RUNS}),
    "audit-recorder": ("audit", {subjects.RUNS, subjects.AUDIT}),
    "reporting": ("reporting", {subjects.RUNS, subjects.OCCURRENCES, subjects.DEAD}),
    "alerts": (
        "reporting",
        {subjects.RUNS, subjects.EVENTS, subjects.OCCURRENCES, subjects.DEAD, subjects.AUDIT},
    ),
}
#: Streams whose contents a service reads by itself, or whose state.
READS = {
    subjects.RUNS: READERS_OF_RUNS,
    subjects.EVENTS: only("gateway", "scheduler", "reporting"),
    subjects.OCCURRENCES: only("gateway", "scheduler", "reporting"),
    subjects.INGRESS: only("gateway", "mqtt_bridge"),
    subjects.EGRESS: only("gateway"),
    subjects.DEAD: only("gateway", "reporting"),
    subjects.AUDIT: only("audit", "reporting"),
    "KV_catalogue": EVERYBODY,
    "KV_principals": EVERYBODY,
    "KV_schedules": only("scheduler"),
}


def _runs() -> Iterator[tuple[str, frozenset[str]]]:
    for service in (*SERVICES, "lab"):
        base = f"run.{service}.some-job.{RUN}"
        own = only(service) if service in WITH_JOBS else NOBODY
        yield f"{base}.bulk.requested", own | only("gateway", "scheduler", "mqtt_bridge")
        # A parked retry is given back by the scheduler; administrators replay what could not be read.
        yield f"{base}.bulk.due", only("gateway", "scheduler")
        yield f"{base}.attempt_failed.bulk", own | only("gateway")
        yield f"{base}.ev", own | only("scheduler")
        yield f"{base}.cancel_requested", only("gateway", "scheduler")
        yield f"{base}.anything", NOBODY


def _messages() -> Iterator[tuple[str, frozenset[str]]]:
    # Replays of dead letters go wherever durables listen.
    replayed = only("gateway")
    for kind in BUSINESS_EVENTS:
        yield kind, TELLS.get(kind, TELLS[kind.split(".")[1]]) | replayed
    yield "occurrence.documents.tidy.20260329T010000Z", only("scheduler", "gateway")
    yield subjects.ingress("scales"), only("mqtt_bridge") | replayed
    yield subjects.from_agent("main", "office"), only("mqtt_bridge") | replayed
    yield subjects.egress("scales"), only("mqtt_bridge") | replayed
    yield subjects.to_agent("main", "office"), only("integrations") | replayed
    yield "audit.signed_in", EVERYBODY
    yield "audit.deeper.still", NOBODY
    for bucket in subjects.BUCKETS:
        yield (
            f"$KV.{bucket}.somebody",
            {"principals": only("gateway"), "schedules": only("scheduler")}.get(bucket, NOBODY),
        )
    for service in SERVICES:
        yield f"$KV.catalogue.{service}.some-job", only(service)
        yield f"{inbox_prefix(service)}.abc.1", NOBODY
    yield "_INBOX.abc.1", NOBODY
    yield "anything.else", NOBODY
    yield "$SYS.REQ.SERVER.PING", NOBODY
    yield "$MQTT.msgs.tagwerk.in.main", NOBODY


def _requests() -> Iterator[tuple[str, frozenset[str]]]:
    for subject in REQUESTS:
        for concrete in {subject.format(service=service) for service in SERVICES}:
            yield concrete, ASKS.get(concrete, NOBODY) | only("gateway")
    for service in SERVICES:
        yield subjects.health(service), only(service, "gateway", "scheduler")


def _durables() -> Iterator[tuple[str, frozenset[str]]]:
    for declaration in DECLARATIONS.values():
        for durable in declaration.all_durables():
            own, at = only(owner(durable.name)), f"{durable.stream}.{durable.name}"
            yield f"$JS.API.CONSUMER.MSG.NEXT.{at}", own
            watched = only("scheduler") if durable.stream == subjects.RUNS else NOBODY
            yield f"$JS.API.CONSUMER.INFO.{at}", own | watched
            yield f"$JS.ACK.{at}.1.2.3.4.5", own
            yield subjects.dead(durable.name), own
            yield f"$JS.API.CONSUMER.CREATE.{at}", NOBODY
            yield f"$JS.API.CONSUMER.CREATE.{at}.{durable.filter}", NOBODY
            yield f"$JS.API.CONSUMER.DURABLE.CREATE.{at}", NOBODY
            yield f"$JS.API.CONSUMER.DELETE.{at}", NOBODY
    yield subjects.dead(subjects.PROJECTOR), only("status")
    yield subjects.dead("nobodys"), NOBODY


def _interface() -> Iterator[tuple[str, frozenset[str]]]:
    for verb in ("INFO", "STREAM.NAMES", "STREAM.LIST", "META.LEADER.STEPDOWN"):
        yield f"$JS.API.{verb}", NOBODY
    for stream in STREAMS:
        for verb in ("CREATE", "UPDATE", "DELETE", "SNAPSHOT", "RESTORE", "PEER.REMOVE", "LEADER.STEPDOWN"):
            yield f"$JS.API.STREAM.{verb}.{stream}", NOBODY
        mqtt = only("mqtt_bridge") if stream == subjects.MQTT_STORE else NOBODY
        yield f"$JS.API.STREAM.PURGE.{stream}", mqtt
        yield f"$JS.API.CONSUMER.LIST.{stream}", mqtt
        yield f"$JS.API.CONSUMER.NAMES.{stream}", NOBODY
        yield f"$JS.API.CONSUMER.CREATE.{stream}", NOBODY
        yield f"$JS.API.CONSUMER.CREATE.{stream}.mine", NOBODY
        yield f"$JS.API.STREAM.MSG.DELETE.{stream}", only("gateway") if stream == subjects.DEAD else NOBODY
        reads = READS.get(stream, NOBODY)
        yield f"$JS.API.DIRECT.GET.{stream}", reads
        for reader, (service, streams) in FEEDS_OF.items():
            for consumer in (feed_names(reader)[0], feed_names(reader)[-1]):
                reads_it = only(service) if stream in streams else NOBODY
                for verb in ("CREATE", "MSG.NEXT", "DELETE"):
                    yield f"$JS.API.CONSUMER.{verb}.{stream}.{consumer}", reads_it
                yield f"$JS.ACK.{stream}.{consumer}.1.2.3.4.5", reads_it
            yield f"$JS.API.CONSUMER.CREATE.{stream}.{reader}-{FEEDS}", NOBODY


PUBLISHED = dict([*_runs(), *_messages(), *_requests(), *_durables(), *_interface()])

HEARD: dict[str, frozenset[str]] = {
    ">": NOBODY,
    "run.>": only("gateway"),
    "event.>": NOBODY,
    "audit.>": NOBODY,
    "ingress.>": NOBODY,
    "egress.>": NOBODY,
    "dead.>": NOBODY,
    "occurrence.>": NOBODY,
    "$KV.>": NOBODY,
    "$SYS.>": NOBODY,
    "$JS.>": NOBODY,
    "$JS.ACK.RUNS.>": only("scheduler"),
    "$JS.ACK.EVENTS.>": NOBODY,
    "$MQTT.>": NOBODY,
    "_INBOX.>": NOBODY,
    **{f"{inbox_prefix(name)}.>": only(name) for name in SERVICES},
    **{f"health.{name}": only(name) for name in SERVICES},
    **{f"query.{name}.probe": only(name) for name in SERVICES},
    **{f"command.{name}.decide": only(name) for name in SERVICES},
    **{f"run.{name}.*.*.cancel_requested": only("gateway", *({name} & WITH_JOBS)) for name in SERVICES},
}

#: Refused to everybody.
LAST = "the.end"

_REFUSED = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


class Refused:
    """What the server told a connection that it may not."""

    def __init__(self) -> None:
        self.publish: set[str] = set()
        self.subscription: set[str] = set()
        self.over = asyncio.Event()

    async def heard(self, error: Exception) -> None:
        found = _REFUSED.search(str(error))
        assert found is not None, error
        if found[2] == LAST:
            self.over.set()
        elif found[1].lower() == "publish":
            self.publish.add(found[2])
        else:
            self.subscription.add(found[2])


@pytest.fixture
def server(make_nats_server: Callable[[], NatsServer]) -> NatsServer:
    server = make_nats_server()
    limited = {
        name: replace(server.config.users[name], permissions=permissions_of(declaration))
        for name, declaration in DECLARATIONS.items()
    }
    admin: dict[str, BusUser] = {"admin": server.config.users["admin"]}
    server.config = replace(server.config, users=admin | limited)
    server.restart()
    return server


def test_the_rules_speak_of_every_stream() -> None:
    assert {*READS, subjects.MQTT_STORE} == set(STREAMS)


async def test_each_service_may_what_is_its_business_and_nothing_else(server: NatsServer) -> None:
    for service in SERVICES:
        refused = Refused()
        connection = await nats.connect(server.url(service), error_cb=refused.heard)
        for subject in PUBLISHED:
            await connection.publish(subject, b"{}")
        for subject in (*HEARD, LAST):
            await connection.subscribe(subject)
        # The server takes what it is sent in order: after this, all refusals have come.
        await asyncio.wait_for(refused.over.wait(), 30)
        await connection.close()
        # The client tells subjects in small letters.
        forbidden = {subject.lower() for subject, allowed in PUBLISHED.items() if service not in allowed}
        assert refused.publish - forbidden == set(), f"{service} may not do its work"
        assert forbidden - refused.publish == set(), f"{service} may do too much"
        deaf = {subject.lower() for subject, allowed in HEARD.items() if service not in allowed}
        assert refused.subscription == deaf, service


async def test_who_may_not_publish_is_told_so_at_once(server: NatsServer) -> None:
    told: list[str] = []

    def refused(subject: str, failure: Failure) -> None:
        told.append(failure.cause)
        bus.refuse(subject, failure)

    bus = Bus(
        await nats.connect(
            server.url("status"), error_cb=refusals("status", refused), inbox_prefix="_INBOX_status"
        )
    )
    await bus.start()
    with pytest.raises(TagwerkError) as failed:
        await bus.publish("event.invoice.paid", b"{}")
    assert failed.value.failure.code == "not_permitted"
    assert told == ["nats-server does not let status publish to event.invoice.paid"]
    await bus.stop()
    await bus.nc.close()


async def test_a_refusal_is_told_until_the_service_is_connected_anew(server: NatsServer) -> None:
    await provision(server.url(), [])
    settings = Settings(
        nats_url=server.url("status"), database_url="postgresql://127.0.0.1/none", files_url="file:///nowhere"
    )
    service = Service(Declaration("status"), settings)
    await service.start()
    with pytest.raises(TagwerkError, match="does not let status publish"):
        await service.bus.publish("event.invoice.paid", b"{}")
    # As the projection does, when it goes on.
    service.trouble = None
    told = await health(service)
    assert not told["ready"]
    assert told["trouble"]["code"] == "not_permitted"
    server.kill()
    server.restart()
    async with asyncio.timeout(30):
        while True:
            told = await health(service)
            if told["ready"]:
                break
            await asyncio.sleep(0.05)
    assert told["trouble"] is None
    await service.stop()


async def health(service: Service) -> dict[str, Any]:
    """What it tells of itself; not ready while it cannot be asked."""
    try:
        answer = await service.bus.nc.request(subjects.health(service.name), timeout=1)
    except (NatsError, TimeoutError):
        return {"ready": False}
    told: dict[str, Any] = json.loads(answer.data)
    return told
