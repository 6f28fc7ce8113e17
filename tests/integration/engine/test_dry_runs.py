"""A dry run writes nothing: not when its job behaves, not when it does not, not when it knows none."""

from typing import Any

import asyncpg
import pytest

from shared.events import Requested
from shared.words import Outcome, RunState
from tests.support.engine import Engine


async def left(engine: Engine) -> dict[str, list[Any]]:
    connection = await asyncpg.connect(engine.settings().database_url)
    try:
        tables = ("items", "effects", "outbox", "fences")
        return {table: await connection.fetch(f"select * from lab.{table}") for table in tables}
    finally:
        await connection.close()


async def test_it_tells_what_would_become_of_each_record_and_leaves_nothing(engine: Engine) -> None:
    await engine.start("lab")
    before = await left(engine)
    told = await engine.run("lab.rehearse", letters=["a", "b"], dry_run=True)
    assert told.end.state is RunState.SUCCEEDED
    assert {record.key: (record.outcome, record.message) for record in told.records} == {
        "a": (Outcome.SKIPPED, "would be created: to the post"),
        "b": (Outcome.SKIPPED, "would be created: to the post"),
        "last": (Outcome.SKIPPED, "would fail: it has no address"),
    }
    request = told.events[0]
    assert isinstance(request, Requested)
    assert request.dry_run
    assert await left(engine) == before


@pytest.mark.parametrize("mode", ["stores", "sends"])
async def test_a_job_that_writes_all_the_same_is_kept_from_it(engine: Engine, mode: str) -> None:
    await engine.start("lab")
    before = await left(engine)
    told = await engine.run("lab.rehearse", letters=["a"], mode=mode, dry_run=True)
    assert told.end.state is RunState.FAILED
    assert told.end.failure is not None
    assert told.end.failure.code == "dry_run_wrote"
    assert told.end.in_doubt == []
    assert await left(engine) == before


async def test_a_job_that_knows_no_dry_run_does_nothing(engine: Engine) -> None:
    await engine.start("lab")
    before = await left(engine)
    told = await engine.run("lab.store", keys=["a"], dry_run=True)
    assert told.end.failure is not None
    assert (told.end.state, told.end.failure.code) == (RunState.FAILED, "dry_run_not_supported")
    assert await left(engine) == before
