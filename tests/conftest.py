"""Fixtures that every test may ask for: real servers of the wheels, started once for the whole session."""

import logging
import os
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from deploy.local import ports
from deploy.local.nats import Sync
from tests.support.folders import remove_folder, temporary_folder
from tests.support.nursery import Nursery
from tests.support.servers import (
    NatsServer,
    PostgresServer,
    wipe_jetstream,
)

#: Tests in front of one stack, which takes longer to start than most of them, and the file that alone takes
#: as long as the rest of them.
PAGES = "tests/e2e/pages/"
EVERY_PAGE = f"{PAGES}test_every_page.py"


class _ByFileOrStack(LoadFileScheduling):  # type: ignore[misc]
    """Gives test processes whole files, and one of them all that share a stack."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return PAGES if file.startswith(PAGES) and file != EVERY_PAGE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return _ByFileOrStack(config, log)


@pytest.fixture(scope="session", autouse=True)
def _ports_of_ones_own() -> Iterator[None]:
    """Test processes that work side by side look for free ports in parts of their own: what is free is not
    taken by another before it is used."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ports, "RANGE", ports.RANGE[process::processes])
        yield


@pytest.fixture(scope="session", autouse=True)
def _what_is_logged_is_heard() -> Iterator[None]:
    """A service that a test runs in its own process configures the logs for the tests that follow: by its
    level, and by loggers that keep to the settings of their first use."""
    configure = structlog.configure

    def audible(**settings: Any) -> None:
        wrapper = structlog.make_filtering_bound_logger(logging.NOTSET)
        configure(**{**settings, "wrapper_class": wrapper, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", audible)
        yield


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """The session's nats-server. A test that kills it must restart it; better take `make_nats_server`."""
    folder = temporary_folder()
    server = NatsServer(folder / "nats")
    server.start()
    yield server
    server.kill()
    remove_folder(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's PostgreSQL, with a role and a schema per service and the role `owner`."""
    folder = temporary_folder()
    server = PostgresServer(folder)
    server.start()
    server.provision()
    yield server
    server.stop()
    remove_folder(folder)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts services as processes of their own, which a test may kill."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def bus_url(nats_server: NatsServer) -> str:
    """Address, as `admin`, of a server without streams, consumers and buckets."""
    if not nats_server.running:
        nats_server.start()
    wipe_jetstream(nats_server.url())
    return nats_server.url()


@pytest.fixture
def database_name(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database with the empty tables of every service, dropped after the test. `postgres.url(role,
    database_name)` is the address for one service's role."""
    name = postgres.create_database()
    yield name
    postgres.drop_database(name)


@pytest.fixture
def bare_database_name(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database with an empty schema per service, dropped after the test."""
    name = postgres.create_database(migrated=False)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def database_url(postgres: PostgresServer, database_name: str) -> str:
    """Address, as its owner, of a fresh database that is dropped after the test."""
    return postgres.url("owner", database_name)


class MakeNatsServer(Protocol):
    def __call__(self, *, sync: Sync = "default", max_file: int | None = None) -> NatsServer: ...


@pytest.fixture
def make_nats_server() -> Iterator[MakeNatsServer]:
    """Starts nats-servers of the test's own, which it may kill; they are gone after the test."""
    folder = temporary_folder()
    servers: list[NatsServer] = []

    def make(*, sync: Sync = "default", max_file: int | None = None) -> NatsServer:
        server = NatsServer(folder / f"nats-{len(servers)}", sync=sync, max_file=max_file)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.kill()
    remove_folder(folder)
