"""SQL of the totals and of the kinds of record keys: loading what a batch changes, and writing it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
import orjson

from services.status.rows import Changes, to_json
from services.status.store import Connection
from services.status.totals import Place, TotalsRow, count, touched
from shared.words import RunState

#: Rows that are kept in memory between batches.
IN_MEMORY = 4_000

#: Words before a colon that are taken for a kind of records.
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")

_STATES = tuple(RunState)
_COLUMNS: dict[str, str] = {
    "client": "text", "job": "text", **{state.value: "bigint" for state in _STATES},
    "action_required": "bigint", "last_run": "uuid", "last_requested_at": "timestamptz", "ended": "integer",
    "good": "integer", "typical": "float8", "recent": "json",
}  # fmt: skip


class Totals:
    """The tables `<prefix>totals` and `<prefix>record_kinds` through one connection."""

    def __init__(self, connection: Connection, prefix: str = "") -> None:
        self._connection = connection
        arrays = [f"${place}::{kind}[]" for place, kind in enumerate(_COLUMNS.values(), 1)]
        names = list(_COLUMNS)
        self._load = (
            f"select t.* from unnest($1::text[], $2::text[]) as wanted (client, job)"  # noqa: S608
            f" join {prefix}totals t on t.client = wanted.client and t.job = wanted.job"
        )
        self._write = (
            f"insert into {prefix}totals ({', '.join(names)})"  # noqa: S608
            f" select * from unnest({', '.join(arrays)}) on conflict (client, job) do update set"
            f" {', '.join(f'{name} = excluded.{name}' for name in names[2:])}"
        )
        self._add_kinds = (
            f"insert into {prefix}record_kinds (kind) select unnest($1::text[]) on conflict do nothing"
        )
        self._rows: dict[Place, TotalsRow] = {}
        self._kinds: set[str] = set()

    def forget(self) -> None:
        """What is in memory is not what is stored."""
        self._rows.clear()
        self._kinds.clear()

    async def write(self, changes: Changes) -> None:
        """Count what `changes` says within the caller's transaction. Without its commit, `forget`."""
        places = touched(changes)
        if places:
            await self._know(places)
            count(changes, self._rows.__getitem__)
            rows = [_values(self._rows[place]) for place in sorted(places)]
            await self._connection.execute(self._write, *(list(column) for column in zip(*rows, strict=True)))
            if len(self._rows) > IN_MEMORY:
                self._rows.clear()
        kinds = {kind for kind in changes.kinds - self._kinds if _KIND.fullmatch(kind)}
        if kinds:
            await self._connection.execute(self._add_kinds, sorted(kinds))
            self._kinds |= kinds

    async def _know(self, places: Iterable[Place]) -> None:
        missing = [place for place in places if place not in self._rows]
        if not missing:
            return
        found = await self._connection.fetch(
            self._load, [place.client for place in missing], [place.job for place in missing]
        )
        self._rows |= {place: TotalsRow(place) for place in missing}
        self._rows |= {row.place: row for row in map(_row_of, found)}


def _values(row: TotalsRow) -> Sequence[Any]:
    requested_at, run_id = row.last or (None, None)
    recent = {"ends": row.ends, "durations": row.durations} if row.ends else None
    return (
        *row.place,
        *(row.states.get(state, 0) for state in _STATES),
        row.action_required,
        run_id,
        requested_at,
        len(row.ends),
        sum(row.ends),
        row.typical,
        to_json(recent),
    )


def _row_of(row: asyncpg.Record) -> TotalsRow:
    recent = orjson.loads(row["recent"]) if row["recent"] else {}
    return TotalsRow(
        Place(row["client"], row["job"]),
        {state: row[state.value] for state in _STATES if row[state.value]},
        row["action_required"],
        None if row["last_run"] is None else (row["last_requested_at"], row["last_run"]),
        recent.get("ends", []),
        recent.get("durations", []),
    )
