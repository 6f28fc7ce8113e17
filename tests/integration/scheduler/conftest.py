from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.nursery import Nursery


@pytest.fixture
async def engine(bus_url: str, database_url: str, tmp_path: Path, nursery: Nursery) -> AsyncIterator[Engine]:
    """The bus and a database, provisioned; no service runs yet."""
    async with Engine(bus_url, database_url, tmp_path, nursery) as engine:
        yield engine
