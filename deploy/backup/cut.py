"""One moment for database and streams: what is restored is what a power failure then would have left.

While every table is locked against writing, for some milliseconds, the end of every stream is noted and a
snapshot of the database is opened. Nothing can become true in the database meanwhile, so no message up to
those ends tells of rows that the snapshot lacks, and no row of the snapshot tells of a message behind them.
How far durables have come is noted before: what they hand out again is recognized as known.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import orjson
from nats.aio.client import Client

from deploy.backup.manifest import Durable, Stream
from deploy.backup.places import Places
from shared import subjects
from shared.errors import TagwerkError

#: What is backed up. What the MQTT listener keeps for its sessions is not: the bridge has it within
#: milliseconds.
STREAMS: Final = (*subjects.STREAMS, *(f"KV_{bucket}" for bucket in subjects.BUCKETS))

#: Milliseconds for which writers may wait for the locks: less than the second after which PostgreSQL begins
#: to look for deadlocks, so that it ends none of them.
_LOCKED_WITHIN: Final = 800
#: Where we may set it, we are the one that gives way in a deadlock, and a vacuum at work gives way to us.
_GIVE_WAY: Final = 100
_TRIES: Final = 30
#: Seconds between two tries, in the mean: writers shall get on.
_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Cut:
    moment: datetime
    #: Name of the database's snapshot, as `pg_dump --snapshot` takes it; for as long as the cut is open.
    snapshot: str
    #: Sees the same.
    connection: asyncpg.Connection
    streams: list[Stream]
    #: Seconds for which writers waited.
    locked: float


@asynccontextmanager
async def consistent_cut(places: Places, nc: Client) -> AsyncIterator[Cut]:
    """Raises `TagwerkError`: `stream_missing`, `database_too_busy`."""
    durables = {name: await _durables(nc, name) for name in STREAMS}
    locking = await places.database()
    reading = await places.database()
    try:
        for _ in range(_TRIES):
            try:
                cut = await _try(locking, reading, nc, durables)
                break
            except (asyncpg.QueryCanceledError, asyncpg.DeadlockDetectedError):
                await asyncio.sleep(_PAUSE * random.uniform(0.5, 1.5))  # noqa: S311  (no secret)
        else:
            raise TagwerkError(
                "database_too_busy",
                f"transactions that write took longer than {_LOCKED_WITHIN} ms each of {_TRIES} times",
                next_step="Try again when no large import is at work.",
                retryable=True,
            )
        yield cut
    finally:
        for connection in (locking, reading):
            await connection.close(timeout=10)


async def _try(
    locking: asyncpg.Connection, reading: asyncpg.Connection, nc: Client, durables: dict[str, list[Durable]]
) -> Cut:
    clock = asyncio.get_running_loop().time
    async with locking.transaction():
        await _give_way(locking)
        tables = await locking.fetchval(_TABLES)
        began = clock()
        if tables:
            await locking.execute(f"lock table {tables} in share mode")
        moment = datetime.now(UTC)
        streams = await _streams(nc, durables)
        snapshot = await _open_snapshot(reading)
    return Cut(moment, snapshot, reading, streams, clock() - began)


async def _give_way(locking: asyncpg.Connection) -> None:
    # A savepoint: only a superuser may, unless it is granted.
    with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
        async with locking.transaction():
            await locking.execute(f"set local deadlock_timeout = {_GIVE_WAY}")
    await locking.execute(f"set local statement_timeout = {_LOCKED_WITHIN}")


async def _open_snapshot(reading: asyncpg.Connection) -> str:
    await reading.execute("begin isolation level repeatable read read only")
    snapshot: str = await reading.fetchval("select pg_export_snapshot()")
    return snapshot


#: All tables of ours, each with its partitions.
_TABLES: Final = """
    select string_agg(format('%I.%I', n.nspname, c.relname), ', ')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""


async def _streams(nc: Client, durables: dict[str, list[Durable]]) -> list[Stream]:
    answer = await api(nc, "STREAM.LIST")
    found = {stream["config"]["name"]: stream for stream in answer["streams"]}
    streams = []
    for name, known in durables.items():
        if name not in found:
            raise TagwerkError(
                "stream_missing",
                f"the bus has no stream {name}",
                concern=name,
                next_step="Start this stack once, or run `python -m deploy.provision`; then try again.",
            )
        state = found[name]["state"]
        streams.append(
            Stream(
                name=name, config=found[name]["config"], first=state["first_seq"], last=state["last_seq"],
                messages=state["messages"], durables=known,
            )
        )  # fmt: skip
    return streams


async def _durables(nc: Client, stream: str) -> list[Durable]:
    found: list[Durable] = []
    offset = 0
    while True:
        answer = await api(nc, f"CONSUMER.LIST.{stream}", {"offset": offset}, absent="consumers")
        consumers = answer["consumers"] or []
        found += [
            Durable(name=one["name"], config=one["config"], floor=one["ack_floor"]["stream_seq"])
            for one in consumers
            if one["config"].get("durable_name")
        ]
        offset += len(consumers)
        if not consumers or offset >= answer["total"]:
            return found


async def api(
    nc: Client, subject: str, request: dict[str, Any] | None = None, *, absent: str | None = None
) -> dict[str, Any]:
    """Ask JetStream. Raises `TagwerkError` (`bus_refuses`), but for what does not exist answers an empty
    list named `absent`, where one is named."""
    reply = await nc.request(f"$JS.API.{subject}", orjson.dumps(request or {}), timeout=30)
    answer: dict[str, Any] = orjson.loads(reply.data)
    refusal = answer.get("error")
    if refusal is None:
        return answer
    if refusal["code"] == 404 and absent is not None:
        return {absent: [], "total": 0}
    raise TagwerkError(
        "bus_refuses",
        f"the bus refuses {subject}: {refusal['description']}",
        concern=subject,
        next_step="Give the address of the bus with its administrator's user and password.",
    )
