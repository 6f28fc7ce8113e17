"""Migrations: once each, in order, whoever starts first; also those that run outside a transaction."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from deploy.migrate import MigrateSettings, migrate_all
from shared.database import SHARED_MIGRATIONS, migrate
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


async def test_what_an_earlier_version_needs_is_taken_away_by_contract_alone(url: str, folder: Path) -> None:
    await migrate(url, "gateway", folder)
    (folder / "0002_kinds.sql").write_text("alter table items add column kind text;\n")
    (folder / "0003_names.sql").write_text("-- contract\nalter table items drop column name;\n")
    (folder / "0004_more.sql").write_text("alter table items add column more text;\n")
    expanded = await migrate(url, "gateway", folder)
    assert expanded == ["shop/0002_kinds.sql", "shop/0004_more.sql"]
    connection = await asyncpg.connect(url)
    await connection.execute("insert into items (id, name) values (1, 'of the earlier version')")
    assert await migrate(url, "gateway", folder) == []
    assert await migrate(url, "gateway", folder, contract=True) == ["shop/0003_names.sql"]
    assert [dict(row) for row in await connection.fetch("select * from items")] == [
        {"id": 1, "kind": None, "more": None}
    ]
    await connection.close()


async def test_a_new_schema_is_at_once_as_the_newest_version_has_it(url: str, folder: Path) -> None:
    (folder / "0002_names.sql").write_text("-- contract\nalter table items drop column name;\n")
    assert await migrate(url, "gateway", folder) == ["shop/0001_items.sql", "shop/0002_names.sql"]


async def test_a_schema_that_is_newer_than_the_version_is_left_as_it_is(url: str, folder: Path) -> None:
    (folder / "0002_kinds.sql").write_text("alter table items add column kind text;\n")
    await migrate(url, "gateway", folder)
    (folder / "0002_kinds.sql").unlink()
    assert await migrate(url, "gateway", folder) == []


async def test_the_migration_step_leaves_what_a_service_would_have_made(
    postgres: PostgresServer, bare_database_name: str
) -> None:
    settings = MigrateSettings(database_url=postgres.admin_url, database_name=bare_database_name)
    modules = ["services.gateway", "services.scheduler", "services.status"]
    ran = await migrate_all(settings, modules, contract=False)
    assert "gateway: shared/0001_outbox_effects_fences.sql" in ran
    assert "status: status/0001_projection.sql" in ran
    assert await migrate_all(settings, modules, contract=True) == []
    url = postgres.url("gateway", bare_database_name)
    assert await migrate(url, "gateway", SHARED_MIGRATIONS) == []
    connection = await asyncpg.connect(url)
    owners = await connection.fetch(
        "select distinct schemaname::text, tableowner::text from pg_tables"
        " where schemaname in ('gateway', 'scheduler', 'status') order by 1"
    )
    assert [tuple(row) for row in owners] == [("gateway", "gateway"), ("status", "status")]
    await connection.close()
