"""Migrations: once each, in order, whoever starts first; also those that run outside a transaction."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.database import migrate
from tests.support.servers import PostgresServer

TABLE = "create table items (id int not null, name text not null);\n"
INDEX = """-- outside a transaction
drop index concurrently if exists items_by_name;
create unique index concurrently items_by_name on items (name);
"""


@pytest.fixture
def url(postgres: PostgresServer, bare_database_name: str) -> str:
    return postgres.url("gateway", bare_database_name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_items.sql").write_text(TABLE)
    return folder


async def test_replicas_that_start_together_run_each_migration_once(url: str, folder: Path) -> None:
    (folder / "0002_index.sql").write_text(INDEX)
    async with asyncio.timeout(60):
        applied = await asyncio.gather(*(migrate(url, "gateway", folder) for _ in range(4)))
    assert sorted(applied, key=len) == [[], [], [], ["shop/0001_items.sql", "shop/0002_index.sql"]]


async def test_others_read_and_write_while_an_index_is_built(url: str, folder: Path) -> None:
    await migrate(url, "gateway", folder)
    (folder / "0002_index.sql").write_text(INDEX)
    reading, writing = await asyncpg.connect(url), await asyncpg.connect(url)
    # The build waits for the end of this transaction.
    transaction = reading.transaction()
    await transaction.start()
    await reading.execute("insert into items values (1, 'open')")
    migrating = asyncio.create_task(migrate(url, "gateway", folder))
    for number in range(2, 5):
        await asyncio.sleep(0.1)
        await asyncio.wait_for(writing.execute(f"insert into items values ({number}, '{number}')"), 5)
    assert not migrating.done()
    await transaction.commit()
    assert await migrating == ["shop/0002_index.sql"]
    for connection in (reading, writing):
        await connection.close()


async def test_one_that_broke_off_outside_a_transaction_runs_again(url: str, folder: Path) -> None:
    await migrate(url, "gateway", folder)
    connection = await asyncpg.connect(url)
    await connection.execute("insert into items values (1, 'same'), (2, 'same')")
    (folder / "0002_index.sql").write_text(INDEX)
    with pytest.raises(asyncpg.UniqueViolationError):
        await migrate(url, "gateway", folder)
    invalid = "select not indisvalid from pg_index where indexrelid = 'items_by_name'::regclass"
    assert await connection.fetchval(invalid)
    await connection.execute("delete from items where id = 2")
    assert await migrate(url, "gateway", folder) == ["shop/0002_index.sql"]
    assert not await connection.fetchval(invalid)
    await connection.close()


async def test_one_that_fails_within_its_transaction_leaves_nothing(url: str, folder: Path) -> None:
    (folder / "0002_wrong.sql").write_text("create table more (id int);\nselect 1 / 0;\n")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(url, "gateway", folder)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select to_regclass('more')") is None
    names = [row["name"] for row in await connection.fetch("select name from migrations")]
    assert names == ["shop/0001_items.sql"]
    await connection.close()
