"""The list of documents: what is asked for, within the clients of the asker, the newest first."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.documents.document_list import list_documents, statement_of
from shared.access import Principal
from shared.commands import DocumentsFound, DocumentsQuery, Scope
from shared.database import Pool
from shared.errors import TagwerkError
from shared.ids import derived_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALPHA = Scope(clients=frozenset({"alpha"}))
FIELDS = (
    '[{"name": "issuer_name", "value": "Nordlicht AG", "source": "text", "confidence": 90, "verdict":'
    ' "certain"}, {"name": "gross_amount", "value": "12.50", "source": "text", "confidence": 90, "verdict":'
    ' "certain"}, {"name": "currency", "value": "CHF", "source": "text", "confidence": 90, "verdict":'
    ' "certain"}]'
)

#: File name -> client, media type, minutes before noon, and what there is of it.
DOCUMENTS: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "mail.eml": ("alpha", "message/rfc822", 9, {"pdf_key": "p", "text_key": "t"}),
    "Scan March 1.pdf": ("alpha", "application/pdf", 8, {"pdf_key": "p", "text_key": "t", "pdf_pages": 2}),
    "scan march 2.png": ("alpha", "image/png", 7, {"pdf_key": "p"}),
    "letter.docx": ("alpha", "application/msword", 7, {}),
    "scan april.pdf": ("beta", "application/pdf", 1, {}),
}
IDS = {name: derived_id("document", name) for name in DOCUMENTS}


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    for name, (client, media_type, minutes, more) in DOCUMENTS.items():
        parent = IDS["mail.eml"] if name == "Scan March 1.pdf" else None
        await pool.execute(
            "insert into documents (document_id, client, file_name, media_type, size, sha256, uploaded_at,"
            " parent_id, pdf_key, text_key, pdf_pages) values ($1, $2, $3, $4, 1, 'x', $5, $6, $7, $8, $9)",
            IDS[name], client, name, media_type, NOON - timedelta(minutes=minutes), parent,
            more.get("pdf_key"), more.get("text_key"), more.get("pdf_pages"),
        )  # fmt: skip
    await pool.execute(
        "insert into invoices (document_id, kind, source, fields, findings, run_id, outcome,"
        " read_fields, read_findings) values ($1, 'invoice', 'text', $2, '[]', $1, 'created', '[]', '[]')",
        IDS["Scan March 1.pdf"],
        FIELDS,
    )
    await pool.execute(
        "insert into approvals (document_id, client, state, values_version, kind, content, rule, role,"
        " approvals_needed, due, run_id, outcome) values ($1, 'alpha', 'approved', 'v', 'invoice', '{}', 'r',"
        " 'manager', 1, '2026-03-09', $1, 'created')",
        IDS["Scan March 1.pdf"],
    )
    await pool.execute(
        "insert into payments (document_id, state, at, detail) values ($1, 'ordered', now(), '{}')",
        IDS["Scan March 1.pdf"],
    )
    return pool


async def names(pool: Pool, **wanted: Any) -> list[str]:
    return [row.file_name for row in (await list_documents(pool, DocumentsQuery(**wanted))).items]


async def test_a_row_tells_the_invoice_and_how_far_it_is(filled: Pool) -> None:
    [row] = (await list_documents(filled, DocumentsQuery(parent_id=IDS["mail.eml"]))).items
    assert (row.document_id, row.stage, row.page_count) == (IDS["Scan March 1.pdf"], "invoice", 2)
    assert (row.issuer_name, row.amount, row.currency) == ("Nordlicht AG", "12.50", "CHF")
    assert (row.approval, row.payment) == ("approved", "ordered")
    clients = frozenset({"alpha"})
    for role, approval in (("manager", "approved"), ("accounting", "approved"), ("clerk", None)):
        asker = Principal(id="ada", name="Ada", roles=frozenset({role}), clients=clients)
        query = DocumentsQuery(parent_id=IDS["mail.eml"], asker=asker)
        assert (await list_documents(filled, query)).items[0].approval == approval


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {"scan april.pdf", "letter.docx", "scan march 2.png", "Scan March 1.pdf", "mail.eml"}),
        ({"text": "MARCH scan"}, {"scan march 2.png", "Scan March 1.pdf"}),
        ({"text": "100%"}, set()),
        ({"kind": ["picture", "mail"]}, {"scan march 2.png", "mail.eml"}),
        ({"kind": ["office"]}, {"letter.docx"}),
        ({"stage": ["uploaded"]}, {"scan april.pdf", "letter.docx"}),
        ({"stage": ["uploaded", "converted"]}, {"scan april.pdf", "letter.docx", "scan march 2.png"}),
        ({"stage": ["read"]}, {"mail.eml"}),
        ({"stage": ["invoice"]}, {"Scan March 1.pdf"}),
        ({"client": "beta"}, {"scan april.pdf"}),
        ({"client": "beta", "scope": ALPHA}, set()),
        ({"client": "alpha", "scope": ALPHA, "kind": ["pdf"]}, {"Scan March 1.pdf"}),
        ({"scope": Scope(clients=frozenset())}, set()),
        ({"scope": ALPHA, "text": "scan"}, {"scan march 2.png", "Scan March 1.pdf"}),
    ],
)
async def test_a_list_has_what_fits_and_no_more(
    filled: Pool, wanted: dict[str, Any], found: set[str]
) -> None:
    listed = await names(filled, **wanted)
    assert len(listed) == len(found)
    assert set(listed) == found


@pytest.mark.parametrize("scope", [Scope(), Scope(clients=frozenset({"alpha", "beta"}))])
async def test_page_by_page_everything_comes_once_the_newest_first(filled: Pool, scope: Scope) -> None:
    seen: list[UUID] = []
    cursor = None
    for _ in range(5):
        page = await list_documents(filled, DocumentsQuery(limit=1, cursor=cursor, scope=scope))
        seen += [row.document_id for row in page.items]
        cursor = page.next_cursor
    assert cursor is None
    same_moment = sorted((IDS["letter.docx"], IDS["scan march 2.png"]))
    assert seen == [IDS["scan april.pdf"], *same_moment, IDS["Scan March 1.pdf"], IDS["mail.eml"]]
    with pytest.raises(TagwerkError, match="cursor"):
        await list_documents(filled, DocumentsQuery(cursor="WzFd"))


async def test_what_the_asker_has_heard_of_and_is_not_known_is_named(filled: Pool) -> None:
    new = derived_id("document", "new")
    query = DocumentsQuery(heard_of=[IDS["mail.eml"], new], limit=1)
    found = await list_documents(filled, query)
    assert isinstance(found, DocumentsFound)
    assert found.unknown == [new]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "documents_newest"),
        ({"scope": ALPHA}, "documents_of_client"),
        ({"scope": Scope(clients=frozenset({"alpha", "beta"})), "text": "scan"}, "documents_of_client"),
        ({"client": "alpha", "stage": ["uploaded"]}, "documents_unread"),
        ({"parent_id": IDS["mail.eml"]}, "documents_of_parent"),
    ],
)
async def test_a_list_reads_no_more_than_its_page(pool: Pool, wanted: dict[str, Any], index: str) -> None:
    """50,000 documents, of which few are not read: an index leads to those of the page, and nothing is sorted
    but them."""
    statement, arguments = statement_of(DocumentsQuery(limit=20, **wanted))
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(
                "insert into documents (document_id, client, file_name, media_type, size, sha256,"
                " uploaded_at, pdf_key, text_key, parent_id) select gen_random_uuid(),"
                " case when n % 2 = 0 then 'alpha' else 'beta' end, 'scan ' || n || '.pdf',"
                " 'application/pdf', 1, 'x', timestamptz '2026-01-01' + n * interval '1 minute',"
                " case when n % 1000 > 0 then 'p' end, case when n % 1000 > 0 then 't' end,"
                " case when n = 7 then $1::uuid end"
                " from generate_series(1, 50000) as n",
                IDS["mail.eml"],
            )
            await connection.execute("analyze documents")
            plan = "\n".join(
                row[0]
                for row in await connection.fetch(f"explain (analyze, timing off) {statement}", *arguments)
            )
        finally:
            await transaction.rollback()
    assert index in plan, plan
    assert "Seq Scan on documents" not in plan, plan
