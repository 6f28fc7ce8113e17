"""The servers that tests and stack stand on: they start, are closed to strangers, and survive kills."""

import asyncio

import asyncpg
import nats
import pytest

from deploy.roles import provision_database
from shared.database import SHARED_MIGRATIONS, migrate
from tests.conftest import MakeNatsServer
from tests.support.servers import NatsServer, PostgresServer, service_folder


async def test_the_bus_refuses_who_has_no_password(nats_server: NatsServer) -> None:
    address = f"nats://127.0.0.1:{nats_server.config.port}"
    with pytest.raises(nats.errors.Error):
        await nats.connect(address, allow_reconnect=False, max_reconnect_attempts=0)


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_stream_of_one_test_is_gone_in_the_next(turn: int, bus_url: str) -> None:
    connection = await nats.connect(bus_url)
    manager = connection.jetstream()
    streams = [str(stream.config.name) for stream in await manager.streams_info()]
    # The MQTT listener has streams of its own, where a test before this one spoke to it.
    assert [name for name in streams if not name.startswith("$MQTT")] == []
    await manager.add_stream(name="LEFT", subjects=["left.>"])
    await manager.create_key_value(bucket="left")
    await connection.close()


async def test_a_message_outlives_the_kill_of_its_server(make_nats_server: MakeNatsServer) -> None:
    server = make_nats_server(sync="always")
    connection = await nats.connect(server.url(), allow_reconnect=False)
    await connection.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await connection.jetstream().publish("kept", b"one")
    server.kill()
    assert not server.running
    server.restart()
    await connection.close()
    connection = await nats.connect(server.url())
    stream = connection.jetstream()
    assert (await stream.get_last_msg("KEPT", "kept")).data == b"one"
    await connection.close()


async def test_a_publisher_gets_an_error_at_the_limit_of_the_store(make_nats_server: MakeNatsServer) -> None:
    server = make_nats_server(max_file=1024 * 1024)
    connection = await nats.connect(server.url())
    stream = connection.jetstream()
    await stream.add_stream(name="FULL", subjects=["full"])
    publishes = [stream.publish("full", bytes(500_000)) for _ in range(10)]
    answers = await asyncio.gather(*publishes, return_exceptions=True)
    assert any(isinstance(answer, nats.js.errors.APIError) for answer in answers)
    assert not any(isinstance(answer, nats.errors.TimeoutError) for answer in answers)
    await connection.close()


async def forget(_: Exception) -> None:
    """A violation is told to the client's callback; here it is expected."""


async def test_the_mqtt_listener_greets(nats_server: NatsServer) -> None:
    reader, writer = await asyncio.open_connection(*nats_server.mqtt_address)
    # CONNECT, MQTT 3.1.1, clean session, client id "t", without a user: refused with return code 5
    # (not authorized; MQTT 3.1.1, 3.2.2.3).
    writer.write(bytes([0x10, 13, 0, 4, *b"MQTT", 4, 2, 0, 10, 0, 1, *b"t"]))
    assert await reader.read(4) == bytes([0x20, 2, 0, 5])
    writer.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_database_of_its_own(turn: int, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE mine (id int)")
    await connection.execute("CREATE SCHEMA more")
    await connection.execute("CREATE TABLE status.rows (id int)")
    await connection.close()


async def test_a_role_works_in_its_own_schema_and_sees_no_other(
    postgres: PostgresServer, database_name: str
) -> None:
    documents = await asyncpg.connect(postgres.url("documents", database_name))
    status = await asyncpg.connect(postgres.url("status", database_name))
    await documents.execute("CREATE TABLE page (id int)")
    assert await documents.fetchval("SELECT 'page'::regclass::oid = 'documents.page'::regclass::oid")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await status.fetch("SELECT * FROM documents.page")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await status.execute("CREATE TABLE public.anything (id int)")
    await documents.close()
    await status.close()


async def test_the_database_refuses_a_wrong_password(postgres: PostgresServer) -> None:
    url = f"postgresql://documents:wrong@127.0.0.1:{postgres.config.port}/tagwerk"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_provisioning_again_changes_nothing_and_mends_a_password(postgres: PostgresServer) -> None:
    admin = await asyncpg.connect(postgres.config.admin_url("tagwerk"))
    await admin.execute("ALTER ROLE gateway PASSWORD 'another'")
    await admin.close()
    await provision_database(postgres.config.admin_url(), postgres.config.roles, "tagwerk")
    gateway = await asyncpg.connect(postgres.url("gateway"))
    assert await gateway.fetchval("SHOW search_path") == "gateway"
    await gateway.close()


async def test_a_service_migrates_its_own_schema_with_its_own_role(
    postgres: PostgresServer, bare_database_name: str
) -> None:
    url = postgres.url("gateway", bare_database_name)
    assert await migrate(url, "gateway", SHARED_MIGRATIONS)
    assert await migrate(url, "gateway", SHARED_MIGRATIONS) == []


async def test_each_service_finds_its_tables_as_its_own_start_would_leave_them(
    postgres: PostgresServer, database_name: str
) -> None:
    for service in ("gateway", "documents", "integrations", "status", "lab"):
        url = postgres.service_url(service, database_name)
        assert await migrate(url, service, SHARED_MIGRATIONS) == []
        assert await migrate(url, service, service_folder(service) / "migrations") == []
