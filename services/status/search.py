"""Runs and records by what a person has in hand: an id, an invoice number, a file name, an IBAN."""

from collections.abc import Sequence

import asyncpg

from services.status import reading
from services.status.progress import Progress
from services.status.queries import within
from shared.commands import Scope, SearchHit, SearchHits, SearchQuery
from shared.database import Pool
from shared.paging import Conditions
from shared.search_terms import SHORTEST_KEY, end_of, ids_between, keys
from shared.words import Outcome, RunState

#: Kinds of records that are looked through.
KINDS = 200
#: Records that begin as was typed and are looked at for different keys; more of them by whom others' have to
#: be left out.
LOOKED_AT = 2_000
LOOKED_THROUGH = 10_000
#: Runs that touched one record, among which the last one is looked for.
TOUCHED = 1_000


class Search:
    def __init__(self, pool: Pool, progress: Progress) -> None:
        self._pool = pool
        self._progress = progress

    async def search(self, query: SearchQuery) -> SearchHits:
        await self._progress.reach(query.at_least)
        kinds = await self._pool.fetch(f"select kind from record_kinds order by kind limit {KINDS}")  # noqa: S608
        candidates = keys(query.q, (row["kind"] for row in kinds))
        runs, more_runs = await self._runs(query)
        exact = await self._last_touched(candidates, query.scope)
        begun: list[SearchHit] = []
        more = False
        if len(query.q.strip()) >= SHORTEST_KEY and len(exact) < query.limit:
            known = {hit.id for hit in exact}
            found, more = await self._beginning(candidates, query)
            begun = await self._last_touched([key for key in found if key not in known], query.scope)
            begun = [hit.model_copy(update={"match": "record_key_beginning"}) for hit in begun]
        records = [*exact, *begun]
        return SearchHits(
            items=[*runs, *records[: query.limit]],
            more=more_runs or more or len(records) > query.limit,
        )

    async def _runs(self, query: SearchQuery) -> tuple[list[SearchHit], bool]:
        between = ids_between(query.q)
        if between is None:
            return [], False
        where = Conditions()
        where.add("r.run_id between {} and {}", *between)
        within(where, query.scope)
        limit = where.argument(query.limit + 1)
        rows = await self._pool.fetch(
            "select r.run_id, r.job, r.client, r.state, r.requested_at from runs r"  # noqa: S608
            f" where {where.sql} order by r.run_id desc limit {limit}",
            *where.arguments,
        )
        whole = between[0] == between[1]
        hits = [
            SearchHit(
                kind="run",
                id=str(row["run_id"]),
                title=row["job"],
                match="run_id" if whole else "run_id_beginning",
                client=row["client"],
                job=row["job"],
                run_id=str(row["run_id"]),
                state=RunState(row["state"]),
                at=row["requested_at"],
            )
            for row in rows[: query.limit]
        ]
        return hits, len(rows) > query.limit

    async def _beginning(self, beginnings: Sequence[str], query: SearchQuery) -> tuple[list[str], bool]:
        """Keys that begin in one of these ways, and whether there may be more of them."""
        where = Conditions()
        within(where, query.scope)
        first = where.argument(list(beginnings))
        last = where.argument([end_of(beginning) for beginning in beginnings])
        # Whoever sees everything sees every record; the others' are told by its runs.
        seen, most = "true", LOOKED_AT
        if query.scope != Scope():
            most = LOOKED_THROUGH
            # Record by record: with `offset 0` no plan can make a table of all runs of the asker first.
            seen = f"exists(select from runs r where r.run_id = c.run_id and {where.sql} offset 0)"
        limit = where.argument(query.limit + 1)
        ranges = f"unnest({first}::text[], {last}::text[]) as wanted (first, last)"
        looked_at = (
            'select key, run_id from records where key >= wanted.first collate "C"'  # noqa: S608
            f' and key < wanted.last collate "C" order by key limit {most}'
        )
        # In the order of the index, so that it ends as soon as there are enough; `offset 0` keeps it so.
        rows = await self._pool.fetch(
            f"select found.key from {ranges} cross join lateral (select distinct c.key from"  # noqa: S608
            f" (select c.key, {seen} as seen from ({looked_at}) c order by c.key offset 0) c"
            f" where c.seen order by c.key limit {limit}) found",
            *where.arguments,
        )
        found = sorted({row["key"] for row in rows})
        if len(found) > query.limit:
            return found[: query.limit + 1], True
        return found, await self._more(looked_at, beginnings, most)

    async def _more(self, looked_at: str, beginnings: Sequence[str], most: int) -> bool:
        """Whether of any of these beginnings there are more records than were looked at."""
        return bool(
            await self._pool.fetchval(
                "select exists(select from unnest($1::text[], $2::text[]) as wanted (first, last)"  # noqa: S608
                f" cross join lateral (select count(*) as number from ({looked_at}) c) found"
                f" where found.number >= {most})",
                beginnings,
                [end_of(beginning) for beginning in beginnings],
            )
        )

    async def _last_touched(self, wanted: Sequence[str], scope: Scope) -> list[SearchHit]:
        """Those of the records that the asker may see, each with the run that touched it last."""
        if not wanted:
            return []
        where = Conditions()
        within(where, scope)
        keys = where.argument(list(wanted))
        rows = await self._pool.fetch(
            "select found.* from"  # noqa: S608
            f" unnest({keys}::text[]) with ordinality as wanted (key, place) cross join lateral"
            f" (select {reading.RECORD}, r.client from (select * from records"
            f' where key = wanted.key collate "C" order by run_id desc limit {TOUCHED}) c'
            f" join runs r on r.run_id = c.run_id where {where.sql} order by c.time desc limit 1) found"
            " order by wanted.place",
            *where.arguments,
        )
        return [_record(row) for row in rows]


def _record(row: asyncpg.Record) -> SearchHit:
    return SearchHit(
        kind="record",
        id=row["key"],
        title=row["label"] or row["key"],
        match="record_key",
        client=row["client"],
        job=row["job"],
        run_id=str(row["run_id"]),
        outcome=Outcome(row["outcome"]),
        at=row["time"],
    )
