from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.engine import Engine


@pytest.fixture
async def engine(bus_url: str, database_url: str, tmp_path: Path) -> AsyncIterator[Engine]:
    """The bus and a database, provisioned; no service runs yet."""
    async with Engine(bus_url, database_url, tmp_path) as engine:
        yield engine
