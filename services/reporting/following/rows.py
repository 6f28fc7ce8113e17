"""What is read of the streams, as rows."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError

from services.reporting.following.runs import KnownRun, fold, wanted_events
from shared.dead_letters import DeadLetter
from shared.events import Occurrence, Requested, RunEvent
from shared.feed import RawMessage
from shared.subjects import RUNS, parse_run_subject
from shared.words import OccurrenceVerdict

_RUN: Final = TypeAdapter(KnownRun)
_COLUMNS: Final = (
    "run_id", "job", "client", "principal", "requested_at", "rerun_of", "attempt", "records", "handled",
    "failed", "state", "ended_at", "failure", "doubts", "open_doubts", "mended_by", "mended_at",
)  # fmt: skip
_JSON: Final = frozenset({"failed", "failure", "doubts"})
_UPSERT: Final = (
    f"insert into known_runs ({', '.join(_COLUMNS)})"  # noqa: S608
    f" values ({', '.join(f'${place}' for place in range(1, len(_COLUMNS) + 1))})"
    " on conflict (run_id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "run_id")
)


async def read_runs(batch: Sequence[RawMessage]) -> Sequence[RunEvent]:
    """Of runs under way, and of their ends."""
    return list(wanted_events(batch))


async def write_runs(connection: Any, events: Sequence[RunEvent]) -> None:
    """Runs under way, and those that ended badly."""
    concerned = {event.run_id for event in events}
    concerned |= {event.rerun_of for event in events if isinstance(event, Requested) and event.rerun_of}
    runs = await _read(connection, concerned)
    # A rerun that ends now mends one that may have ended long ago.
    earlier = {run.rerun_of for run in runs.values() if run is not None and run.rerun_of is not None}
    runs |= await _read(connection, earlier - set(runs))
    before = {id: None if run is None else _values(run) for id, run in runs.items()}
    for event in events:
        fold(runs, event)
    gone = [id for id, run in runs.items() if run is None and before.get(id) is not None]
    changed = [
        values for id, run in runs.items() if run is not None and (values := _values(run)) != before.get(id)
    ]
    if gone:
        await connection.execute("delete from known_runs where run_id = any($1::uuid[])", gone)
    if changed:
        await connection.executemany(_UPSERT, changed)


async def _read(connection: Any, ids: set[UUID]) -> dict[UUID, KnownRun | None]:
    rows = await connection.fetch("select * from known_runs where run_id = any($1::uuid[])", list(ids))
    return {row["run_id"]: run_of(row) for row in rows}


def run_of(row: Any) -> KnownRun:
    """The run of a row."""
    fields = dict(row)
    del fields["open_doubts"]
    return _RUN.validate_python(
        {name: orjson.loads(value) if name in _JSON and value else value for name, value in fields.items()}
    )


def _values(run: KnownRun) -> tuple[Any, ...]:
    fields = {
        **asdict(run),
        "failed": json.dumps(run.failed),
        "failure": run.failure.model_dump_json() if run.failure else None,
        "doubts": orjson.dumps({key: asdict(doubt) for key, doubt in run.doubts.items()}).decode(),
        "open_doubts": any(doubt.decided_at is None for doubt in run.doubts.values()),
    }
    return tuple(fields[name] for name in _COLUMNS)


async def read_occurrences(batch: Sequence[RawMessage]) -> Sequence[Occurrence]:
    """Those that nobody was there to start."""
    missed = []
    for raw in batch:
        if b'"missed"' not in raw.payload:
            continue
        try:
            one = Occurrence.model_validate_json(raw.payload)
        except ValidationError:
            continue
        if one.verdict is OccurrenceVerdict.MISSED:
            missed.append(one)
    return missed


async def write_occurrences(connection: Any, missed: Sequence[Occurrence]) -> None:
    await connection.executemany(
        "insert into missed_occurrences (schedule, nominal, job, client, decided_at, reason)"
        " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        [(one.schedule, one.nominal, one.job, one.client, one.time, one.reason) for one in missed],
    )


async def read_dead_letters(batch: Sequence[RawMessage]) -> Sequence[tuple[RawMessage, DeadLetter]]:
    """Messages that could not be handled, and where they lie."""
    letters = []
    for raw in batch:
        try:
            letters.append((raw, DeadLetter.model_validate_json(raw.payload)))
        except ValidationError:
            continue
    return letters


async def write_dead_letters(connection: Any, letters: Sequence[tuple[RawMessage, DeadLetter]]) -> None:
    for raw, letter in letters:
        await connection.execute(
            "insert into dead_letters (sequence, at, durable, subject, code, cause, next_step, client)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
            raw.sequence, raw.time, letter.durable, letter.subject, letter.reason.code, letter.reason.cause,
            letter.reason.next_step, await _client_of(connection, letter),
        )  # fmt: skip


async def _client_of(connection: Any, letter: DeadLetter) -> str | None:
    """Whose message it is, as far as it says so, or its run is known."""
    try:
        said = orjson.loads(letter.payload)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("client"), str):
        return str(said["client"])
    if letter.stream == RUNS:
        try:
            run_id = parse_run_subject(letter.subject).run_id
        except ValueError:
            return None
        found = await connection.fetchval("select client from known_runs where run_id = $1", run_id)
        return None if found is None else str(found)
    return None
