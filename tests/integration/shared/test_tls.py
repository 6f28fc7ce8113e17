"""TLS to the real bus and the real database: who is believed, who is not, and what is renewed meanwhile."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest

from deploy.health import HealthSettings, check
from deploy.local.nats import NatsConfig
from services.gateway.server import Server
from shared.connection import bus_tls
from shared.database import DatabaseUnavailable, open_pool
from shared.declaration import Declaration
from shared.http_server import listen
from shared.provision import provision
from shared.service import Service
from shared.settings import Settings
from shared.tls import FileContext
from tests.support.authority import Authority
from tests.support.folders import remove_folder, temporary_folder
from tests.support.servers import NatsServer, PostgresServer, wait_until

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Another authority, that no client has been told of."""
    return Authority(tmp_path / "strange")


# ---------------------------------------------------------------- the bus


@dataclass(frozen=True)
class TlsConfig(NatsConfig):
    """As docs/operations.md has it."""

    certificate: Path = Path()
    key: Path = Path()
    ca: Path = Path()

    def render(self) -> str:
        files = f'cert_file: "{self.certificate}", key_file: "{self.key}", ca_file: "{self.ca}"'
        return NatsConfig.render(self) + f"tls {{ {files}, verify: true, handshake_first: auto }}\n"


@pytest.fixture
def bus(authority: Authority) -> Iterator[NatsServer]:
    """A nats-server that takes TLS alone, from clients of the authority alone."""
    folder = temporary_folder()
    server = NatsServer(folder / "nats")
    plain = {one.name: getattr(server.config, one.name) for one in fields(NatsConfig)}
    certificate, key = authority.issue(HOST)
    server.config = TlsConfig(**plain, certificate=certificate, key=key, ca=authority.file)
    server.start()
    yield server
    server.kill()
    remove_folder(folder)


def over_tls(server: NatsServer, user: str = "admin") -> str:
    return server.url(user).replace("nats://", "tls://")


async def connects(server: NatsServer, ca: Path, *client: Path) -> None:
    connection = await nats.connect(
        over_tls(server), allow_reconnect=False, connect_timeout=5, **bus_tls(over_tls(server), ca, *client)
    )
    await connection.close()


async def test_a_bus_is_believed_by_its_authority_alone(
    bus: NatsServer, authority: Authority, stranger: Authority
) -> None:
    client = authority.issue("127.0.0.9")
    await connects(bus, authority.file, *client)
    with pytest.raises(ssl.SSLCertVerificationError):
        await connects(bus, stranger.file, *client)
    # The server asks for a certificate of its authority, too.
    with pytest.raises((ssl.SSLError, OSError, nats.errors.Error)):
        await connects(bus, authority.file, *stranger.issue("127.0.0.9"))
    authority.issue(HOST, expired=True)
    bus.reload()
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await connects(bus, authority.file, *client)
    authority.issue(HOST)
    bus.reload()
    await connects(bus, authority.file, *client)


async def test_a_bus_that_speaks_plainly_is_not_told_the_password() -> None:
    """Whoever sits between could greet so, whatever the real server does."""
    heard = bytearray()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.0","max_payload":1048576}\r\n')
        heard.extend(await reader.read(65_536))
        writer.close()

    async with await asyncio.start_server(greet, HOST, 0) as door:
        url = f"tls://admin:hidden-word@{HOST}:{door.sockets[0].getsockname()[1]}"
        with pytest.raises((ssl.SSLError, OSError, nats.errors.Error)):
            await nats.connect(url, allow_reconnect=False, connect_timeout=5, **bus_tls(url, None))
    assert heard
    assert b"hidden-word" not in heard


async def test_a_service_follows_certificates_that_are_renewed(
    bus: NatsServer, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    shutil.copy(authority.file, ca)
    certificate, key = authority.issue("127.0.0.9")
    files: dict[str, Any] = {"nats_ca_file": ca, "nats_cert_file": certificate, "nats_key_file": key}
    declaration = Declaration("gateway")
    await provision(over_tls(bus), [declaration], tls=bus_tls(over_tls(bus), ca, certificate, key))
    url = over_tls(bus, "gateway")
    settings = Settings(
        nats_url=url, database_url="postgresql:///unused?host=/run", files_url="file:///x", **files
    )
    service = Service(declaration, settings)
    await service.start()
    try:
        assert await check(HealthSettings(nats_url=url, **files), "gateway")
        # Another authority signs from now on; the service is given its files, and is not restarted.
        for old, new in zip(authority.files(HOST), stranger.issue(HOST), strict=True):
            shutil.copy(new, old)
        shutil.copy(stranger.file, authority.file)
        for old, new in zip((certificate, key), stranger.issue("127.0.0.9"), strict=True):
            shutil.copy(new, old)
        shutil.copy(stranger.file, ca)
        reconnects = service.bus.nc.stats["reconnects"]
        bus.restart()
        nc = service.bus.nc
        await asyncio.to_thread(
            wait_until, lambda: nc.stats["reconnects"] > reconnects and nc.is_connected, "connected again"
        )
        assert await check(HealthSettings(nats_url=url, **files), "gateway")
    finally:
        await service.stop()


# ---------------------------------------------------------------- the database

#: What a client sends that wants TLS (PostgreSQL, "SSLRequest").
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@asynccontextmanager
async def behind_tls(server: PostgresServer, context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of a door that takes TLS as PostgreSQL does and leads to the session's server, which was
    itself built without TLS."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
            writer.write(b"S")
            await writer.start_tls(context)
            inner, outer = await asyncio.open_connection(HOST, server.config.port)
            await asyncio.gather(pass_on(reader, outer), pass_on(inner, writer))

    async with await asyncio.start_server(enter, HOST, 0) as door:
        yield door.sockets[0].getsockname()[1]


async def test_a_database_is_believed_by_its_authority_alone_and_followed_when_that_changes(
    postgres: PostgresServer, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    ca, certificate, key = tmp_path / "ca.pem", tmp_path / "postgres.pem", tmp_path / "postgres.key"

    def renew(files: tuple[Path, Path]) -> None:
        for new, target in zip(files, (certificate, key), strict=True):
            shutil.copy(new, target)

    shutil.copy(authority.file, ca)
    plain = postgres.url("documents")
    secure = plain.replace("sslmode=disable", f"sslmode=verify-full&sslrootcert={ca}")
    with pytest.raises(DatabaseUnavailable, match="rejected SSL upgrade"):
        await open_pool(secure)
    renew(authority.issue(HOST))
    async with behind_tls(postgres, FileContext.server(certificate, key)) as port:
        url = secure.replace(f":{postgres.config.port}/", f":{port}/")
        pool = await open_pool(url)
        assert await pool.fetchval("select current_user") == "documents"
        with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
            await open_pool(url.replace(str(ca), str(stranger.file)))
        # A certificate of the right authority for another host.
        renew(authority.issue("127.0.0.9"))
        with pytest.raises(DatabaseUnavailable, match="IP address mismatch"):
            await open_pool(url)
        renew(authority.issue(HOST, expired=True))
        with pytest.raises(DatabaseUnavailable, match="expired"):
            await open_pool(url)
        # Another authority signs from now on; the pool goes on without a restart.
        renew(stranger.issue(HOST))
        shutil.copy(stranger.file, ca)
        await pool.expire_connections()
        assert await pool.fetchval("select current_user") == "documents"
        await pool.close()


# ---------------------------------------------------------------- the gateway


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_the_gateway_shows_a_renewed_certificate_without_a_restart(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "gateway.pem", tmp_path / "gateway.key"

    def renew(by: Authority) -> None:
        for new, target in zip(by.issue(HOST), (certificate, key), strict=True):
            shutil.copy(new, target)

    renew(authority)
    server = Server(application, tls=FileContext.server(certificate, key))
    server.capture_signals = nullcontext  # type: ignore[assignment,method-assign]
    listener = listen(HOST, 0, settings="another port")
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"https://{HOST}:{listener.getsockname()[1]}/"

    async def answers(believed: Authority) -> bool:
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(believed.file))) as client:
            try:
                return (await client.get(url)).status_code == 204
            except httpx.ConnectError as error:
                if "certificate verify failed" not in str(error):
                    raise
                return False

    try:
        assert await answers(authority)
        assert not await answers(stranger)
        renew(stranger)
        assert await answers(stranger)
        assert not await answers(authority)
        # Half renewed: the key does not belong to the certificate, so those of before stay in force.
        shutil.copy(authority.issue(HOST)[0], certificate)
        assert await answers(stranger)
        certificate.unlink()
        assert await answers(stranger)
        renew(authority)
        assert await answers(authority)
    finally:
        server.should_exit = True
        await serving
