from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.gateway.site import Site
from tests.support.nursery import Nursery
from tests.support.servers import PostgresServer


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
