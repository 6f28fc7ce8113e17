"""Named queries on real databases: they read, within their time, and nothing else."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.mqtt_bridge.agent.core import Unfinished
from services.mqtt_bridge.agent.registry import Secret, SqlAction
from services.mqtt_bridge.agent.sql import run_query

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


@pytest.fixture(params=["postgresql", "sqlite"])
async def database(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Path:
    """File with the address of a database that has three orders."""
    script = (
        "create table orders (number integer, customer text, amount numeric(9, 2));"
        "insert into orders values (1, 'a', 1.50), (2, 'b', 2.25), (3, 'a', 3.00);"
    )
    if request.param == "postgresql":
        address = database_url
        connection = await asyncpg.connect(address)
        await connection.execute(script)
        await connection.close()
    else:
        path = tmp_path / "orders.sqlite"
        address = f"sqlite:///{path}"
        with closing(sqlite3.connect(path)) as opened:
            opened.executescript(script)
    file = tmp_path / "address"
    file.write_text(address)
    return file


def action(database: Path, query: str, **more: Any) -> SqlAction:
    content = {"name": "x", "title": "X", "kind": "sql", "database": Secret(file=database), "query": query}
    return SqlAction.model_validate({**content, **more})


async def test_a_query_reads_with_its_parameters_and_up_to_its_limit(database: Path) -> None:
    query = "select number, amount from orders where customer = :customer and amount >= :least order by 1"
    parameters = [{"name": "customer"}, {"name": "least", "type": "number"}]
    wanted = action(database, query, parameters=parameters, row_limit=1)
    # A value is a value, whatever it looks like.
    assert not (await run_query(wanted, {"customer": "a' or 1=1 --", "least": Decimal(0)})).items
    result = await run_query(wanted, {"customer": "a", "least": Decimal("1.50")})
    assert [item.key for item in result.items] == ["1"]
    assert result.items[0].data["amount"] in ("1.50", "1.5")
    assert result.more


@pytest.mark.parametrize(
    ("query", "timeout"),
    [
        ("insert into orders values (4, 'c', 1) returning number", 5.0),
        ("select number from no_such_table", 5.0),
        (ENDLESS, 0.2),
    ],
)
async def test_a_query_that_writes_is_wrong_or_takes_too_long_fails(
    database: Path, query: str, timeout: float
) -> None:
    with pytest.raises(Unfinished) as raised:
        await run_query(action(database, query, timeout=timeout), {})
    assert raised.value.failure.code == "agent_query_failed"
    assert not raised.value.done_perhaps
    rows = await run_query(action(database, "select number from orders"), {})
    assert len(rows.items) == 3
