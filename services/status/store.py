"""SQL of the projection: loading the rows that a batch needs, and writing what it changed.

Statements are put together from the column lists below and never from data.

All statements run on the projector's own connection, the one that holds the lock. Tables may carry a
prefix: a rebuild writes the same rows to shadow tables.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pgproto.pgproto import UUID as DriverUUID

from services.status.digest import digest_of
from services.status.rows import Changes, RecordRow, RunRow, model_json, to_json
from shared.events import Decided, DoubtfulEffect
from shared.words import Outcome, RunState

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.pool.PoolConnectionProxy

#: The tables that a rebuild makes anew.
PROJECTION = ("runs", "run_about", "records", "calls", "logs", "totals", "record_kinds")

#: Longest key that is indexed: a page of a B-tree must hold several.
LONGEST_KEY = 500

_REQUEST = (
    "client", "principal", "effective_principal", "trigger", "parameters", "reason", "idempotency_key",
    "rerun_of", "cause_run", "cause_event", "request", "parameters_digest",
)  # fmt: skip
#: What later events change: column -> type.
_CHANGING = {
    "sequence": "bigint", "state": "text", "action_required": "boolean", "started_at": "timestamptz",
    "finished_at": "timestamptz", "duration": "float8", "attempt": "integer",
    "next_attempt_at": "timestamptz", "calls": "json", "counts": "json", "records": "integer",
    "changed": "integer", "done": "bigint", "total": "bigint", "failure": "json", "note": "text",
    "in_doubt": "json", "decisions": "json", "cancel_requested": "boolean", "history_incomplete": "boolean",
}  # fmt: skip
_RUN_COLUMNS = (
    "run_id", "job", "requested_at", "first_sequence", "requested", "dry_run", *_CHANGING, *_REQUEST,
)  # fmt: skip
_LOADED = ("run_id", "job", "client", "requested_at", "first_sequence", "requested", "dry_run", *_CHANGING)
_RECORD_COLUMNS = (
    "run_id", "key", "position", "outcome", "changed", "attempt", "time", "label", "message", "failure",
    "changes",
)  # fmt: skip
_RECORD_TYPES = ("uuid", "text", "integer", "text", "boolean", "integer", "timestamptz", "text", "text",
                 "json", "json")  # fmt: skip
_CALL_COLUMNS = ("run_id", "event_id", "place", "sequence", "attempt", "system", "operation", "outcome",
                 "started_at", "duration_ms", "detail", "failure")  # fmt: skip
_CALL_TYPES = ("uuid", "uuid", "integer", "bigint", "integer", "text", "text", "text", "timestamptz",
               "float8", "text", "json")  # fmt: skip
_LOG_COLUMNS = ("run_id", "event_id", "place", "sequence", "attempt", "time", "level", "message", "fields")
_LOG_TYPES = ("uuid", "uuid", "integer", "bigint", "integer", "timestamptz", "text", "text", "json")


async def settle(connection: Connection) -> None:
    """Set a connection up for the projection.

    What a crash of the database loses is projected again, so commits need not wait for the disk. And every
    statement finds its rows by primary key: a plan that was made while the tables were small, and read them
    whole, would be kept while they grow.
    """
    await connection.execute("set synchronous_commit = off; set plan_cache_mode = auto")
    for method in ("seqscan", "hashjoin", "mergejoin"):
        await connection.execute(f"set enable_{method} = off")


class ProjectionTables:
    """The tables `<prefix>runs`, `<prefix>records`, … through one connection."""

    def __init__(self, connection: Connection, prefix: str = "") -> None:
        self._connection = connection
        self._prefix = prefix
        self._load_runs = f"select {', '.join(_LOADED)} from {prefix}runs where run_id = any($1)"  # noqa: S608
        self._load_records = (
            f"select {', '.join('r.' + name for name in _RECORD_COLUMNS)}"  # noqa: S608
            f" from unnest($1::uuid[], $2::text[]) as wanted (run_id, key)"
            f" join {prefix}records r on {_found_by_key('r', 'wanted')}"
        )
        self._update_runs = _update(f"{prefix}runs", "t.run_id = new.run_id", {"run_id": "uuid", **_CHANGING})
        self._update_records = _update(
            f"{prefix}records",
            _found_by_key("t", "new"),
            dict(zip(_RECORD_COLUMNS, _RECORD_TYPES, strict=True)),
        )
        self._add_calls = (
            f"with new as ({_add(f'{prefix}calls', _CALL_COLUMNS, _CALL_TYPES)}"  # noqa: S608
            " returning run_id, system, outcome)"
            " select run_id, system, outcome, count(*) from new group by 1, 2, 3"
        )
        self._add_logs = _add(f"{prefix}logs", _LOG_COLUMNS, _LOG_TYPES)
        self._add_about = _add(f"{prefix}run_about", ("key", "run_id"), ("text", "uuid"))
        self._drop_runs = f"delete from {prefix}runs where run_id = any($1)"  # noqa: S608

    async def load_runs(self, run_ids: Iterable[UUID]) -> list[RunRow]:
        """Those of `run_ids` that exist, without their records."""
        return [_run_of(row) for row in await self._connection.fetch(self._load_runs, list(run_ids))]

    async def load_records(self, keys: Sequence[tuple[UUID, str]]) -> list[tuple[UUID, RecordRow]]:
        """Those of the (run, record key) pairs that exist."""
        rows = await self._connection.fetch(
            self._load_records, [run_id for run_id, _ in keys], [key for _, key in keys]
        )
        return [(row["run_id"], _record_of(row)) for row in rows]

    async def write(self, changes: Changes) -> None:
        """Write the rows of `changes` within the caller's transaction."""
        if changes.calls:
            # First, because the row of a run says how many there are.
            await self._add_new_calls(changes)
        # A run whose request arrived after other events of it gets its whole row anew.
        late = [run.run_id for run in changes.runs.values() if run.stored and run.request is not None]
        if late:
            await self._connection.execute(self._drop_runs, late)
        new = [run for run in changes.runs.values() if not run.stored or run.request is not None]
        if new:
            await self._copy("runs", [_run_values(run) for run in new], _RUN_COLUMNS)
            about = [
                (key, run.run_id)
                for run in new
                if run.request is not None
                for key in run.request.about
                if len(key) <= LONGEST_KEY
            ]
            if about:
                await self._connection.execute(self._add_about, *_arrays(about))
        changed = [run for run in changes.runs.values() if run.stored and run.request is None]
        if changed:
            rows = [(run.run_id, *_changing_values(run)) for run in changed]
            await self._connection.execute(self._update_runs, *_arrays(rows))
        await self._write_records(changes)
        if changes.logs:
            await self._connection.execute(
                self._add_logs, *_arrays([_log_values(line) for line in changes.logs])
            )

    async def _add_new_calls(self, changes: Changes) -> None:
        added = await self._connection.fetch(
            self._add_calls, *_arrays([_call_values(call) for call in changes.calls])
        )
        for run_id, system, outcome, number in added:
            outcomes = changes.runs[run_id].calls.setdefault(system, {})
            outcomes[outcome] = outcomes.get(outcome, 0) + number

    async def _write_records(self, changes: Changes) -> None:
        new: list[tuple[Any, ...]] = []
        old: list[tuple[Any, ...]] = []
        for run_id, records in changes.records.items():
            # The driver's own kind need not be taken apart for each row.
            id = DriverUUID(run_id.bytes)
            for record in records.values():
                (old if record.stored else new).append(_record_values(id, record))
        if new:
            await self._copy("records", new, _RECORD_COLUMNS)
        if old:
            await self._connection.execute(self._update_records, *_arrays(old))

    async def _copy(self, table: str, rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> None:
        await self._connection.copy_records_to_table(self._prefix + table, records=rows, columns=columns)


async def write_archive(connection: Connection, changes: Changes) -> None:
    """Keep the raw messages of `changes`, and what of them is to go to the dead letters."""
    await connection.copy_records_to_table(
        "archive",
        records=changes.archive,
        columns=("sequence", "run_id", "type", "subject", "time", "payload", "gist"),
    )
    if changes.dead:
        await connection.executemany(
            "insert into dead_letters (sequence, subject, time, payload, reason) values ($1, $2, $3, $4, $5)",
            [(d.raw.sequence, d.raw.subject, d.raw.time, d.raw.payload, d.reason) for d in changes.dead],
        )


def _found_by_key(table: str, wanted: str) -> str:
    """Records by run and key, through no other index than that of the key: few runs have the same key, but
    one run may have many records."""
    return f"{table}.key = {wanted}.key and {table}.run_id is not distinct from {wanted}.run_id"


def _update(table: str, where: str, columns: dict[str, str]) -> str:
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), 1))
    values = ", ".join(f"{name} = new.{name}" for name in columns if name not in ("run_id", "key"))
    new = f"unnest({arrays}) as new ({', '.join(columns)})"
    return f"update {table} t set {values} from {new} where {where}"  # noqa: S608


def _add(table: str, columns: Sequence[str], types: Sequence[str]) -> str:
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1))
    names = ", ".join(columns)
    return f"insert into {table} ({names}) select * from unnest({arrays}) on conflict do nothing"  # noqa: S608


def _arrays(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _run_values(run: RunRow) -> tuple[Any, ...]:
    known = (
        run.run_id,
        run.job,
        run.requested_at,
        run.first_sequence,
        run.requested,
        run.dry_run,
        *_changing_values(run),
    )
    request = run.request
    if request is None:
        return known + (None,) * len(_REQUEST)
    cause = request.cause
    rest = {
        "about": request.about or None,
        "cause": cause,
        "only_records": request.only_records,
        "traceparent": request.traceparent,
    }
    return (
        *known,
        request.client,
        request.principal,
        request.effective_principal,
        request.trigger,
        to_json(request.parameters),
        request.reason,
        request.idempotency_key,
        request.rerun_of,
        cause.run_id if cause is not None else None,
        cause.event_id if cause is not None else None,
        to_json({name: value for name, value in rest.items() if value is not None}),
        digest_of(request),
    )


def _changing_values(run: RunRow) -> tuple[Any, ...]:
    return (
        run.sequence,
        run.state,
        run.action_required,
        run.started_at,
        run.finished_at,
        run.duration,
        run.attempt,
        run.next_attempt_at,
        to_json({system: dict(sorted(run.calls[system].items())) for system in sorted(run.calls)}),
        to_json(run.counts),
        run.records,
        run.changed,
        run.done,
        run.total,
        run.failure,
        run.note,
        to_json(run.in_doubt),
        to_json(run.decisions),
        run.cancel_requested,
        run.history_incomplete,
    )


def _record_values(run_id: UUID, record: RecordRow) -> tuple[Any, ...]:
    return (
        run_id, record.key, record.position, record.outcome, record.changed, record.attempt, record.time,
        record.label, record.message, record.failure, record.changes,
    )  # fmt: skip


def _call_values(entry: Any) -> tuple[Any, ...]:
    call = entry.call
    return (
        entry.run_id, entry.event_id, entry.place, entry.sequence, entry.attempt, call.system, call.operation,
        call.outcome, call.started_at, call.duration_ms, call.detail, model_json(call.failure),
    )  # fmt: skip


def _log_values(entry: Any) -> tuple[Any, ...]:
    line = entry.line
    return (
        entry.run_id, entry.event_id, entry.place, entry.sequence, entry.attempt, line.time, line.level,
        line.message, to_json(line.fields),
    )  # fmt: skip


def _run_of(row: asyncpg.Record) -> RunRow:
    run = RunRow(
        row["run_id"], row["job"], row["requested_at"], row["first_sequence"], row["sequence"],
        requested=row["requested"], state=RunState(row["state"]), action_required=row["action_required"],
        started_at=row["started_at"], finished_at=row["finished_at"], duration=row["duration"],
        attempt=row["attempt"], next_attempt_at=row["next_attempt_at"], records=row["records"],
        changed=row["changed"], done=row["done"], total=row["total"], failure=row["failure"],
        note=row["note"],
        cancel_requested=row["cancel_requested"], dry_run=row["dry_run"],
        history_incomplete=row["history_incomplete"], stored=True, all_known=False, client=row["client"],
    )  # fmt: skip
    run.counted = run.counts_as
    if row["calls"]:
        run.calls = orjson.loads(row["calls"])
    if row["counts"]:
        run.counts = orjson.loads(row["counts"])
    if row["in_doubt"]:
        run.in_doubt = [DoubtfulEffect.model_validate(doubt) for doubt in orjson.loads(row["in_doubt"])]
    if row["decisions"]:
        run.decisions = [Decided.model_validate(decision) for decision in orjson.loads(row["decisions"])]
    return run


def _record_of(row: asyncpg.Record) -> RecordRow:
    return RecordRow(
        row["key"], row["position"], Outcome(row["outcome"]), row["changed"], row["attempt"], row["time"],
        row["label"], row["message"], row["failure"], row["changes"], stored=True,
    )  # fmt: skip
