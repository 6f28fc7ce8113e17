"""Documents by id, file name or invoice number, within the clients of the asker."""

from uuid import UUID

import pytest

from services.documents import search as searching
from services.documents.core import compact
from services.documents.search import search
from shared.commands import Scope, SearchHits, SearchQuery
from shared.database import Pool
from shared.ids import derived_id

ALPHA = Scope(clients=frozenset({"alpha"}))

#: File name -> client and invoice number.
DOCUMENTS = {
    "Scan 1.pdf": ("alpha", "INV-4711"),
    "scan 10.pdf": ("alpha", "INV-47110"),
    "scan 2.pdf": ("beta", "INV-4712"),
    "Größe.pdf": ("beta", None),
}
IDS = {name: derived_id("document", name) for name in DOCUMENTS}


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    for name, (client, number) in DOCUMENTS.items():
        await pool.execute(
            "insert into documents (document_id, client, file_name, media_type, size, sha256, uploaded_at)"
            " values ($1, $2, $3, 'application/pdf', 1, 'x', now())",
            IDS[name], client, name,
        )  # fmt: skip
        if number is not None:
            await pool.execute(
                "insert into invoices (document_id, kind, source, fields, findings, run_id, outcome,"
                " read_fields, read_findings, number)"
                " values ($1, 'invoice', 'text', '[]', '[]', $1, 'created', '[]', '[]', $2)",
                IDS[name], compact(number),
            )  # fmt: skip
    return pool


async def found(pool: Pool, q: str, scope: Scope = Scope(), limit: int = 20) -> SearchHits:
    return await search(pool, SearchQuery(q=q, scope=scope, limit=limit))


@pytest.mark.parametrize(
    ("typed", "hits"),
    [
        ("INV-4711", [("Scan 1.pdf", "invoice_number"), ("scan 10.pdf", "invoice_number_beginning")]),
        ("inv 4711", [("Scan 1.pdf", "invoice_number"), ("scan 10.pdf", "invoice_number_beginning")]),
        ("SCAN 1.PDF", [("Scan 1.pdf", "file_name")]),
        ("größe", [("Größe.pdf", "file_name_beginning")]),
        ("GRÖSSE.pdf", []),
        ("sc", []),
        ("can", []),
        ("%", []),
        (str(IDS["scan 2.pdf"]), [("scan 2.pdf", "document_id")]),
        (f"document:{IDS['scan 2.pdf']}", [("scan 2.pdf", "document_id")]),
        (str(IDS["scan 2.pdf"])[:8], [("scan 2.pdf", "document_id_beginning")]),
    ],
)
async def test_a_document_is_found(filled: Pool, typed: str, hits: list[tuple[str, str]]) -> None:
    assert [(hit.title, hit.match) for hit in (await found(filled, typed)).items] == hits


async def test_nobody_finds_a_document_of_a_foreign_client(filled: Pool) -> None:
    hidden: list[str | UUID] = [IDS["scan 2.pdf"], "scan 2.pdf", "INV-4712", "größe"]
    for typed in hidden:
        assert (await found(filled, str(typed))).items
        assert await found(filled, str(typed), ALPHA) == SearchHits(items=[])
    assert [hit.title for hit in (await found(filled, "scan", ALPHA)).items] == ["scan 10.pdf", "Scan 1.pdf"]
    assert (await found(filled, "scan", Scope(clients=frozenset()))).items == []


async def test_a_page_is_cut_and_says_so(filled: Pool) -> None:
    hits = await found(filled, "scan", limit=2)
    assert len(hits.items) == 2
    assert hits.more
    assert not (await found(filled, "scan", limit=3)).more


async def test_the_indexes_are_used(filled: Pool) -> None:
    async with filled.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        for statement, index in (
            (searching._BY_NAME, "documents_by_name"),
            (searching._BY_NUMBER, "invoices_by_number"),
        ):
            plan = await connection.fetch(f"explain {statement}", "a", "b", None, 5)
            assert index in "\n".join(row[0] for row in plan)
