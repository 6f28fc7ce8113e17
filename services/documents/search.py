"""Documents by what a person has in hand: an id, a file name, an invoice number."""

from collections.abc import Iterable
from typing import Any

from services.documents.core import compact
from shared.commands import Match, Scope, SearchHit, SearchHits, SearchQuery
from shared.database import Pool
from shared.search_terms import SHORTEST_KEY, end_of, ids_between

#: Documents that begin as was typed and are looked through for those that the asker may see.
LOOKED_THROUGH = 5_000

_COLUMNS = "d.document_id, d.client, d.file_name, d.uploaded_at"
_BY_ID = (
    f"select {_COLUMNS}, true as whole from documents d"  # noqa: S608
    " where d.document_id between $1 and $2 and ($3::text[] is null or d.client = any($3))"
    " order by d.document_id limit $4"
)
_BY_NAME = (
    f"select {_COLUMNS}, lower(d.file_name) = $1 as whole from (select * from documents"  # noqa: S608
    ' where lower(file_name) collate "C" >= $1 and lower(file_name) collate "C" < $2'
    f' order by lower(file_name) collate "C", document_id limit {LOOKED_THROUGH}) d'
    " where $3::text[] is null or d.client = any($3)"
    " order by whole desc, d.uploaded_at desc, d.document_id limit $4"
)
_BY_NUMBER = (
    f"select {_COLUMNS}, i.number = $1 as whole from (select document_id, number from invoices"  # noqa: S608
    ' where number collate "C" >= $1 and number collate "C" < $2'
    f' order by number collate "C", document_id limit {LOOKED_THROUGH}) i'
    " join documents d on d.document_id = i.document_id where $3::text[] is null or d.client = any($3)"
    " order by whole desc, d.uploaded_at desc, d.document_id limit $4"
)


async def search(pool: Pool, query: SearchQuery) -> SearchHits:
    """The best matches first: a whole id, number or name, then those that begin so, the newest first."""
    typed = query.q.strip()
    found: list[SearchHit] = []
    between = ids_between(typed)
    if between is not None:
        match: Match = "document_id" if between[0] == between[1] else "document_id_beginning"
        found += await _find(pool, query, _BY_ID, between, match, match)
    number = compact(typed)
    if len(number) >= SHORTEST_KEY:
        bounds = number, end_of(number)
        found += await _find(pool, query, _BY_NUMBER, bounds, "invoice_number", "invoice_number_beginning")
    name = typed.lower()
    if len(name) >= SHORTEST_KEY:
        found += await _find(pool, query, _BY_NAME, (name, end_of(name)), "file_name", "file_name_beginning")
    hits = list({hit.id: hit for hit in reversed(found)}.values())[::-1]
    hits.sort(key=lambda hit: not hit.whole)
    return SearchHits(items=hits[: query.limit], more=len(hits) > query.limit)


async def _find(
    pool: Pool, query: SearchQuery, statement: str, bounds: tuple[Any, Any], whole: Match, beginning: Match
) -> Iterable[SearchHit]:
    scope: Scope = query.scope
    clients = None if scope.clients is None else sorted(scope.clients)
    rows = await pool.fetch(statement, *bounds, clients, query.limit + 1)
    return [
        SearchHit(
            kind="document",
            id=str(row["document_id"]),
            title=row["file_name"],
            match=whole if row["whole"] else beginning,
            client=row["client"],
            at=row["uploaded_at"],
        )
        for row in rows
    ]
