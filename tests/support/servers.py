"""Real servers for tests: nats-server and PostgreSQL of the wheels, in a folder of their own, killable."""

import asyncio
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import nats
from nats.js.errors import NotFoundError

from deploy.local.children import child_options, unprivileged_account
from deploy.local.nats import STOP_SIGNAL as NATS_STOP_SIGNAL
from deploy.local.nats import BusUser, NatsConfig, Sync, is_ready
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres import STOP_SIGNAL as POSTGRES_STOP_SIGNAL
from deploy.local.postgres import PostgresConfig
from deploy.local.postgres_home import settle
from deploy.roles import AUDIT_KEEPER, provision_database
from shared.database import SHARED_MIGRATIONS, migrate

#: Users of the bus, and roles of the database with a schema each.
SERVICES: Final = (
    "gateway",
    "scheduler",
    "documents",
    "integrations",
    "reporting",
    "status",
    "audit",
    "mqtt_bridge",
)
#: The service of tests, `tests/support/lab`.
LABORATORY: Final = "lab"
#: Role that owns the fresh database of each test.
OWNER: Final = "owner"

#: And with little write-ahead log, as it may lie in memory.
_UNSYNCED: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
}

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in an event loop of its own, without touching the current one."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def service_folder(service: str) -> Path:
    support = Path(__file__).parent
    return support / "lab" if service == LABORATORY else support.parents[1] / "services" / service


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    """Poll `condition` every 10 ms. Raises `TimeoutError` saying `what` did not come true."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:.0f} s")
        time.sleep(0.01)


class NatsServer:
    """One nats-server process. It keeps its ports and its store over `kill` and `restart`."""

    def __init__(self, folder: Path, *, sync: Sync = "default", max_file: int | None = None) -> None:
        port, monitor_port, mqtt_port = _three_ports()
        config = NatsConfig(
            folder=folder,
            port=port,
            monitor_port=monitor_port,
            mqtt_port=mqtt_port,
            users={name: BusUser(password=secrets.token_urlsafe(12)) for name in ("admin", *SERVICES)},
            sync=sync,
            server_name=f"test-{secrets.token_hex(4)}",
        )
        self.config = config if max_file is None else replace(config, max_file=max_file)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, user: str = "admin") -> str:
        return self.config.url(user)

    @property
    def monitor_url(self) -> str:
        return self.config.monitor_url

    @property
    def mqtt_address(self) -> tuple[str, int]:
        assert self.config.mqtt_port is not None
        return LOOPBACK, self.config.mqtt_port

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return (self.config.folder / "server.log").read_text()

    def start(self) -> None:
        """Start it; for the first time on other ports if somebody else has just taken one of its own."""
        first = self._process is None
        self._start()
        for _ in range(5):
            if self.running or not first or "address already in use" not in self.log:
                break
            port, monitor_port, mqtt_port = _three_ports()
            self.config = replace(self.config, port=port, monitor_port=monitor_port, mqtt_port=mqtt_port)
            self._start()
        if not self.running:
            raise RuntimeError(f"nats-server did not start:\n{self.log}")

    def _start(self) -> None:
        command = self.config.write()
        with (self.config.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **child_options(signal.SIGKILL)
            )
        wait_until(lambda: not self.running or is_ready(self.config.port), "nats-server ready")

    def kill(self) -> None:
        """SIGKILL, as a crash of the process. Returns when it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(NATS_STOP_SIGNAL)

    def reload(self) -> None:
        """Have it read its configuration and its certificates again, and wait until it has."""
        before = self.log.count("Reloaded server configuration")
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log.count("Reloaded server configuration") > before, "nats-server reloaded")

    def restart(self) -> None:
        """Start it again on the same ports and store, after stopping it if it still runs."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(how)
            self._process.wait(timeout=15)


def _three_ports() -> list[int]:
    ports: list[int] = []
    for _ in range(3):
        ports.append(free_port(taken=ports))
    return ports


class PostgresServer:
    """One PostgreSQL process. Not synced to disk, so that tests are faster: killed, it loses its last
    commits. What a kill must not lose is tested on the stack's own (`LocalStack`)."""

    def __init__(self, folder: Path) -> None:
        account = unprivileged_account()
        home = settle(folder, account, outside=folder / "outside")
        names = (*SERVICES, AUDIT_KEEPER, OWNER)
        self.config = PostgresConfig(
            data=home.data,
            binaries=home.binaries,
            port=free_port(),
            superuser_password=secrets.token_urlsafe(12),
            roles={name: secrets.token_urlsafe(12) for name in names},
            account=account,
            settings=_UNSYNCED,
        )
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        #: The database with the services' tables that those of tests are copied from.
        self._migrated = ""

    def url(self, role: str = OWNER, database: str = "tagwerk") -> str:
        """Address for a role: one of `SERVICES`, whose search path is its own schema, or `owner`."""
        return self.config.url(role, database)

    def service_url(self, service: str, database: str) -> str:
        """Address for a service: one of `SERVICES`, or the laboratory, which has no role of its own."""
        if service == LABORATORY:
            return f"{self.url(OWNER, database)}&search_path={LABORATORY}"
        return self.url(service, database)

    @property
    def admin_url(self) -> str:
        return self.config.admin_url()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self._folder / "postgres.log").read_text()

    def start(self) -> None:
        self.config.initialize()
        with (self._folder / "postgres.log").open("ab") as log:
            process = self._process = subprocess.Popen(
                self.config.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=self.config.environment, **child_options(POSTGRES_STOP_SIGNAL, self.config.account),
            )  # fmt: skip
        wait_until(lambda: not self.running or self.config.is_ready(process.pid), "PostgreSQL ready")
        if not self.running:
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log}")

    def provision(self) -> None:
        """Roles and schemas as the stack has them; `owner` may also do what each of the roles may."""
        run_apart(provision_database(self.config.admin_url(), self.config.roles, "tagwerk"))
        self._administer(f"GRANT {', '.join(SERVICES)} TO {OWNER}")

    def kill(self) -> None:
        """SIGKILL of the postmaster; its children notice and end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(POSTGRES_STOP_SIGNAL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def create_database(self, *, migrated: bool = True) -> str:
        """A fresh database owned by `owner`, with each service's tables as its first start leaves them, or
        else with empty schemas; gives its name."""
        if migrated and not self._migrated:
            template = self._copy("tagwerk")
            run_apart(self._migrate(template))
            self._migrated = template
        return self._copy(self._migrated if migrated else "tagwerk")

    def _copy(self, template: str) -> str:
        name = f"test_{secrets.token_hex(6)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY FILE_COPY")
        return name

    async def _migrate(self, database: str) -> None:
        for schema in (*SERVICES, LABORATORY):
            migrations = service_folder(schema) / "migrations"
            if migrations.exists():
                url = self.service_url(schema, database)
                await migrate(url, schema, SHARED_MIGRATIONS)
                await migrate(url, schema, migrations)

    def drop_database(self, name: str) -> None:
        self._administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.admin_url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_apart(execute())

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(how)
            self._process.wait(timeout=15)


def wipe_jetstream(url: str) -> None:
    """Delete every stream, and with them consumers, buckets and object stores. The MQTT listener's own
    streams stay: the server keeps their state in memory too."""

    async def wipe() -> None:
        connection = await nats.connect(url, max_reconnect_attempts=1, connect_timeout=5)
        try:
            manager = connection.jsm()
            while names := await _stream_names(manager):
                for name in names:
                    try:
                        await manager.delete_stream(name)
                    except NotFoundError:
                        continue
        finally:
            await connection.close()

    run_apart(wipe())


async def _stream_names(manager: Any) -> list[str]:
    """Names on the first page that the server gives, but those of the MQTT listener."""
    streams = await manager.streams_info()
    return [stream.config.name for stream in streams if not str(stream.config.name).startswith("$MQTT")]
