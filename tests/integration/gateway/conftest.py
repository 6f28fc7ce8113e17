from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared import buckets
from tests.integration.gateway.site import Site
from tests.support.nursery import Nursery
from tests.support.servers import NatsServer, PostgresServer, wipe_jetstream

#: Seconds for which what a service in this process knows of the catalogue and of principals may be old.
FRESH = 0.05


@pytest.fixture(scope="package", autouse=True)
def _quickly_known() -> Iterator[None]:
    """What is new in a bucket is soon known: nearly each test waits for the jobs of a service that it has
    just started. How old a view may be is a matter of `tests/integration/shared`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets, "FRESH", FRESH)
        yield


@pytest.fixture
async def bare_site(
    bus_url: str, postgres: PostgresServer, database_name: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[Site]:
    """Bus and database, provisioned; nothing runs yet."""
    async with Site(bus_url, postgres, database_name, tmp_path, nursery) as site:
        yield site


@pytest.fixture
async def site(bare_site: Site) -> Site:
    """The gateway runs, and the status service."""
    await bare_site.start("status")
    await bare_site.start_gateway()
    return bare_site


@pytest.fixture
async def working_site(site: Site) -> Site:
    """The laboratory works off runs besides."""
    await site.start("lab", "scheduler")
    await site.knows("lab.records")
    return site


@pytest.fixture(scope="module")
def servers(nats_server: NatsServer, postgres: PostgresServer) -> Iterator[tuple[str, str]]:
    """A bus without streams, and a fresh database."""
    wipe_jetstream(nats_server.url())
    database = postgres.create_database()
    yield nats_server.url(), database
    postgres.drop_database(database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def common_site(
    servers: tuple[str, str],
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
    nursery: Nursery,
) -> AsyncIterator[Site]:
    """As `site`, for all tests of a file together: for those that only look, or keep out of each other's way.
    A file that asks for it asks for no `bus_url`, which empties the bus, and runs in the module's loop."""
    url, database = servers
    async with Site(url, postgres, database, tmp_path_factory.mktemp("site"), nursery) as site:
        await site.start("status")
        await site.start_gateway()
        yield site
