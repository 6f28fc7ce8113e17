"""What the services need of bus and database holds on the containers' servers as on those of the wheels."""

from collections.abc import Callable, Iterator

import asyncpg
import nats
import pytest

from deploy.declarations import declaration_of
from deploy.local.config import SERVICES
from deploy.roles import AUDIT_KEEPER, provision_database
from shared import subjects
from shared.bus import Bus, Conflict
from shared.database import SHARED_MIGRATIONS, migrate
from shared.provision import provision
from tests.support import containers
from tests.support.servers import NatsServer, PostgresServer, run_apart, service_folder, wipe_jetstream

ROLES = {name: f"p-{name}" for name in (*SERVICES, "mqtt_bridge", AUDIT_KEEPER)}


@pytest.fixture(params=["wheel", "container"])
def bus_address(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "container":
        if reason := containers.missing("nats"):
            pytest.skip(reason)
        with containers.nats_container() as url:
            yield url
        return
    server: NatsServer = request.getfixturevalue("nats_server")
    wipe_jetstream(server.url())
    yield server.url()


@pytest.fixture(params=["wheel", "container"])
def address_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Service -> its address at a database with a role and an empty schema for each."""
    if request.param == "container":
        if reason := containers.missing("postgres"):
            pytest.skip(reason)
        with containers.postgres_container() as url:
            run_apart(provision_database(url, ROLES, "tagwerk"))
            where = url.rpartition("@")[2].replace("/postgres?", "/tagwerk?")
            yield lambda service: f"postgresql://{service}:{ROLES[service]}@{where}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database(migrated=False)
    yield lambda service: server.url(service, name)
    server.drop_database(name)


async def test_the_bus_has_every_stream_and_takes_an_event_once(bus_address: str) -> None:
    await provision(bus_address, [declaration_of(module) for module in SERVICES.values()])
    connection = await nats.connect(bus_address)
    bus = Bus(connection)
    await bus.start()
    try:
        manager = connection.jsm()
        streams = {stream.config.name for stream in await manager.streams_info()}
        assert set(subjects.STREAMS) <= streams
        subject = "event.document.uploaded"
        assert await bus.publish(subject, b"{}", expect_last=(subject, 0)) == 1
        with pytest.raises(Conflict):
            await bus.publish(subject, b"{}", expect_last=(subject, 0))
    finally:
        await bus.stop()
        await connection.close()


async def test_each_service_makes_its_tables_and_reads_no_others(address_of: Callable[[str], str]) -> None:
    for service in SERVICES:
        await migrate(address_of(service), service, SHARED_MIGRATIONS)
        await migrate(address_of(service), service, service_folder(service) / "migrations")
    connection = await asyncpg.connect(address_of("gateway"))
    try:
        assert await connection.fetchval("SELECT to_regclass('gateway.principals') IS NOT NULL")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM documents.documents")
    finally:
        await connection.close()
