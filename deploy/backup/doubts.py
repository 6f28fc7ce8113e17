"""What may have happened since the moment of a backup, and who restored it should look at."""

from datetime import datetime
from typing import Final

import asyncpg
from pydantic import BaseModel, ConfigDict


class UnfinishedRun(BaseModel):
    model_config = ConfigDict(frozen=True)

    run_id: str
    job: str
    client: str | None
    state: str


class OpenEffect(BaseModel):
    model_config = ConfigDict(frozen=True)

    service: str
    client: str
    effect: str
    run_id: str
    begun_at: datetime


class Doubts(BaseModel):
    """Runs that go on or are done again, and effects of which nobody knew whether they happened."""

    moment: datetime
    runs: list[UnfinishedRun]
    effects: list[OpenEffect]


async def find_doubts(connection: asyncpg.Connection, moment: datetime) -> Doubts:
    """From a database as it was at `moment`."""
    runs = []
    if await connection.fetchval("select to_regclass('status.runs')"):
        runs = await connection.fetch(
            "select run_id::text, job, client, state from status.runs"
            " where state in ('queued', 'running', 'waiting') order by run_id"
        )
    effects = []
    for (schema,) in await connection.fetch(_LEDGERS):
        effects += await connection.fetch(
            f"select $1::text as service, client, effect, run_id::text, begun_at from {schema}.effects"  # noqa: S608
            " where state in ('begun', 'unknown') order by begun_at",
            schema,
        )
    return Doubts(
        moment=moment,
        runs=[UnfinishedRun(**dict(row)) for row in runs],
        effects=[OpenEffect(**dict(row)) for row in effects],
    )


_LEDGERS: Final = """
    select quote_ident(table_schema) from information_schema.columns
    where table_name = 'effects' and column_name in ('effect', 'begun_at', 'state')
    group by 1 having count(*) = 3 order by 1
"""
