"""Lists of the ERP in PostgreSQL: a page in one transaction with its outcomes, a list's end in another."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.integrations.erp.rest.entries import (
    Entry,
    Judged,
    State,
    StoredEntry,
    entry_key,
    is_settled,
    judge,
    too_many_gone,
)
from shared.errors import TagwerkError
from shared.events import Record
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import ErpList, Outcome


class EntryStore(Protocol):
    """What a run may do with the ERP's entries of its client. In a dry run it only compares."""

    async def begin(self, of: ErpList) -> str | None:
        """Before a list is read: its ETag when it was last read to its end, by another run than this."""

    async def store_page(self, entries: Sequence[Entry]) -> Sequence[Record]:
        """Store what is new or has changed; the records to yield. `entries` are of one list."""

    async def finish(self, of: ErpList, seen: set[str], etag: str | None, rule: "Gone") -> Sequence[Record]:
        """The list was read to its end: mark as gone what was not seen, and keep the ETag. Raises
        `erp_too_many_gone`."""

    async def unchanged(self, of: ErpList) -> Record:
        """The one record of a list that is as it was."""

    async def known(self, of: ErpList) -> Sequence[Entry]:
        """The entries that are not gone, as they are stored."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What is done about entries that a list has no more."""

    #: Percent of the list that may be gone at once.
    limit: int
    #: Somebody has said that it is right.
    accepted: bool = False


class PostgresEntries:
    """The entries of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context
        #: When this run began to read a list, by the database's clock.
        self._began: dict[ErpList, datetime] = {}

    async def begin(self, of: ErpList) -> str | None:
        async with self._outbox.transaction() as tx:
            self._began[of] = await tx.connection.fetchval("select now()")
            etag: str | None = await tx.connection.fetchval(
                "select etag from erp_lists where client = $1 and list = $2 and run_id <> $3",
                self._context.client,
                of,
                self._context.run_id,
            )
        return etag

    async def store_page(self, entries: Sequence[Entry]) -> Sequence[Record]:
        # A list that moves while it is read can bring an entry twice.
        once = {entry.id: entry for entry in entries}
        if not once:
            return []
        of = entries[0].list
        async with self._outbox.transaction() as tx:
            await self._lock(tx)
            rows = await self._rows(tx, of, list(once))
            told = await self._settled_by_this_run(tx) if of is ErpList.OPEN_ITEMS else set()
            records, changed = [], []
            for id, entry in once.items():
                row = rows.get(id)
                judged = judge(State(entry.values), _stored(row) if row else None, self._context.run_id)
                if row is None or (_state(row), row["etag"], row["label"]) != (
                    judged.state, entry.etag, entry.label,
                ):  # fmt: skip
                    changed.append((entry, judged))
                if id not in told:
                    records.append(_record(of, id, entry.label, judged))
            if changed and not self._context.dry_run:
                await self._write(tx, of, changed)
            return [tx.record(record) for record in records]

    async def finish(self, of: ErpList, seen: set[str], etag: str | None, rule: Gone) -> Sequence[Record]:
        context, began = self._context, self._began[of]
        async with self._outbox.transaction() as tx:
            await self._lock(tx)
            if await self._read_by_another(tx, of, began):
                # Who of the two read the newer state, nobody knows: the next run reads it again.
                etag = None
            rows = await tx.connection.fetch(
                "select * from erp_entries where client = $1 and list = $2 and (not gone or run_id = $3)"
                " and (run_id = $3 or changed_at < $4) order by id",
                context.client,
                of,
                context.run_id,
                began,
            )
            missing = [row for row in rows if row["id"] not in seen]
            unexpected = [row for row in missing if not row["gone"] and not is_settled(_state(row).values)]
            if not rule.accepted and too_many_gone(len(unexpected), len(rows), rule.limit):
                raise _too_many_gone(of, len(unexpected), len(rows), rule.limit)
            judged = [
                (row, judge(State(_state(row).values, gone=True), _stored(row), context.run_id))
                for row in missing
            ]
            if not context.dry_run:
                await tx.connection.executemany(
                    "update erp_entries set gone = true, run_id = $4, before = $5, changed_at = now()"
                    " where client = $1 and list = $2 and id = $3",
                    [
                        (context.client, of, row["id"], context.run_id, _json(one.before))
                        for row, one in judged
                    ],
                )
                await tx.connection.execute(
                    "insert into erp_lists (client, list, etag, run_id) values ($1, $2, $3, $4)"
                    " on conflict (client, list) do update set etag = excluded.etag,"
                    " run_id = excluded.run_id, read_at = now()",
                    context.client,
                    of,
                    etag,
                    context.run_id,
                )
            return [tx.record(_record(of, row["id"], row["label"], one)) for row, one in judged]

    async def unchanged(self, of: ErpList) -> Record:
        async with self._outbox.transaction() as tx:
            count = await tx.connection.fetchval(
                "select count(*) from erp_entries where client = $1 and list = $2 and not gone",
                self._context.client,
                of,
            )
        return Record(
            key=f"erp-list:{of}",
            outcome=Outcome.UNCHANGED,
            label=str(of).replace("-", " ").capitalize(),
            message=f"the ERP says that none of {count:,} has changed since they were read last",
        )

    async def known(self, of: ErpList) -> Sequence[Entry]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select * from erp_entries where client = $1 and list = $2 and not gone order by id",
                self._context.client,
                of,
            )
        return [Entry(of, row["id"], row["label"], json.loads(row["values"]), row["etag"]) for row in rows]

    async def _lock(self, tx: Transaction) -> None:
        # Two runs at once would both see that an entry is not there.
        if not self._context.dry_run:
            await tx.connection.execute(
                "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"erp-entries:{self._context.client}"
            )

    async def _read_by_another(self, tx: Transaction, of: ErpList, began: datetime) -> bool:
        """Whether another run has stored something of the list since this one began to read it."""
        return bool(
            await tx.connection.fetchval(
                "select exists (select from erp_lists where client = $1 and list = $2 and run_id <> $3"
                " and read_at >= $4) or exists (select from erp_entries where client = $1 and list = $2"
                " and run_id <> $3 and changed_at >= $4)",
                self._context.client,
                of,
                self._context.run_id,
                began,
            )
        )

    async def _rows(self, tx: Transaction, of: ErpList, ids: list[str]) -> Mapping[str, Any]:
        rows = await tx.connection.fetch(
            "select * from erp_entries where client = $1 and list = $2 and id = any($3::text[])",
            self._context.client,
            of,
            ids,
        )
        return {row["id"]: row for row in rows}

    async def _settled_by_this_run(self, tx: Transaction) -> set[str]:
        """Open items of which this run has told already what it changed."""
        rows = await tx.connection.fetch(
            "select item_id from erp_settlements where client = $1 and run_id = $2 and done_at is not null",
            self._context.client,
            self._context.run_id,
        )
        return {row["item_id"] for row in rows}

    async def _write(self, tx: Transaction, of: ErpList, changed: Sequence[tuple[Entry, Judged]]) -> None:
        await tx.connection.execute(
            "insert into erp_entries (client, list, id, label, values, etag, run_id, before)"
            " select $1, $2, new.id, new.label, new.values::jsonb, new.etag, $3, new.before::jsonb"
            " from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[])"
            " as new (id, label, values, etag, before)"
            " on conflict (client, list, id) do update set label = excluded.label, values = excluded.values,"
            " gone = false, etag = excluded.etag, run_id = excluded.run_id, before = excluded.before,"
            " changed_at = now()",
            self._context.client,
            of,
            self._context.run_id,
            [entry.id for entry, _ in changed],
            [entry.label for entry, _ in changed],
            [json.dumps(entry.values) for entry, _ in changed],
            [entry.etag for entry, _ in changed],
            [_json(judged.before) for _, judged in changed],
        )


def _state(row: Any) -> State:
    return State(json.loads(row["values"]), row["gone"])


def _stored(row: Any) -> StoredEntry:
    before = json.loads(row["before"]) if row["before"] else None
    return StoredEntry(
        _state(row), State(before["values"], before["gone"]) if before else None, UUID(str(row["run_id"]))
    )


def _json(state: State | None) -> str | None:
    return None if state is None else json.dumps({"values": state.values, "gone": state.gone})


def _record(of: ErpList, id: str, label: str, judged: Judged) -> Record:
    if judged.outcome is Outcome.DELETED:
        message: str | None = "gone from the ERP; kept here, and marked as gone"
    elif judged.before is not None and judged.before.gone and not judged.state.gone:
        message = "it is in the ERP again"
    else:
        message = "changed here, as the ERP has it" if judged.outcome is Outcome.UPDATED else None
    return Record(
        key=entry_key(of, id), outcome=judged.outcome, label=label, message=message, changes=judged.changes
    )


def _too_many_gone(of: ErpList, gone: int, known: int, limit: int) -> TagwerkError:
    return TagwerkError(
        "erp_too_many_gone",
        f"{gone:,} of {known:,} entries of the list {of} are gone from the ERP at once, and the limit is "
        f"{limit} %; none of them was marked as gone",
        concern=f"erp-list:{of}",
        next_step="Look into the ERP whether they are really gone. If so, start the job again with "
        "`accept_gone`; if not, have the ERP's answer corrected.",
    )
