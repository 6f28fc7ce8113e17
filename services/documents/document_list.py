"""The list of documents: the newest first, page by page, as far as the asker may see."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.documents.approvals.values import amount_of
from services.documents.invoices.values import written
from services.documents.settlement import FIELDS
from shared.approving import may_see
from shared.commands import DocumentRow, DocumentsFound, DocumentsQuery
from shared.database import Pool
from shared.media_types import types_of
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import ApprovalState, DocumentStage

_NEWEST: Final = Order("documents", (Key("uploaded_at", datetime, descending=True), Key("document_id", UUID)))

_STAGES: Final = {
    DocumentStage.UPLOADED: "pdf_key is null and text_key is null",
    DocumentStage.CONVERTED: "pdf_key is not null and text_key is null",
    DocumentStage.READ: "text_key is not null and not {invoice}",
    DocumentStage.INVOICE: "{invoice}",
}
_INVOICE: Final = "exists (select from invoices where invoices.document_id = documents.document_id)"
_UNREAD: Final = frozenset({DocumentStage.UPLOADED, DocumentStage.CONVERTED})


async def list_documents(pool: Pool, query: DocumentsQuery) -> DocumentsFound:
    """Raises `cursor_invalid`."""
    statement, arguments = statement_of(query)
    rows = await pool.fetch(statement, *arguments)
    items = [_row(row, query) for row in rows[: query.limit]]
    cursor = None
    if len(rows) > query.limit:
        cursor = encode_cursor(_NEWEST, [items[-1].uploaded_at, items[-1].document_id])
    return DocumentsFound(items=items, next_cursor=cursor, unknown=await _unknown(pool, query.heard_of))


def statement_of(query: DocumentsQuery) -> tuple[str, list[Any]]:
    """What is asked of PostgreSQL, with its arguments. Raises `cursor_invalid`."""
    conditions = Conditions()
    if query.kind:
        types = [media_type for kind in query.kind for media_type in types_of(kind)]
        conditions.add("media_type = any({}::text[])", types)
    if query.stage:
        stages = " or ".join(f"({_STAGES[stage].format(invoice=_INVOICE)})" for stage in query.stage)
        conditions.add(stages)
        if set(query.stage) <= _UNREAD:
            # Follows from the stages, and says that the index of these few will do.
            conditions.add("text_key is null")
    for word in (query.text or "").split():
        conditions.add("strpos(lower(file_name), lower({})) > 0", word)
    if query.parent_id is not None:
        conditions.add("parent_id = {}", query.parent_id)
    if query.among is not None:
        conditions.add("document_id = any({}::uuid[])", query.among)
    if query.cursor is not None:
        conditions.add_after(_NEWEST, query.cursor)
    clients = _clients(query)
    limit = conditions.argument(query.limit + 1)
    listed = f"select * from documents where {{}} order by {_NEWEST.sql} limit {limit}"  # noqa: S608
    if clients is None:
        listed = listed.format(conditions.sql)
    else:
        # Each client's newest come from its own part of the index, however few it has among all.
        wanted = conditions.argument(clients)
        one = listed.format(f"documents.client = wanted.client and {conditions.sql}")
        listed = (
            f"select one.* from unnest({wanted}::text[]) as wanted (client)"  # noqa: S608
            f" cross join lateral ({one}) as one order by {_NEWEST.sql} limit {limit}"
        )
    statement = (
        "select listed.*, invoices.kind as invoice_kind, invoices.fields, invoices.duplicate_of,"  # noqa: S608
        " approvals.state as approval, approvals.role, payments.state as payment"
        f" from ({listed}) as listed left join invoices using (document_id)"
        " left join approvals using (document_id) left join payments using (document_id)"
        " order by listed.uploaded_at desc, listed.document_id"
    )
    return statement, conditions.arguments


def _clients(query: DocumentsQuery) -> list[str] | None:
    """Whose documents are looked at; None: everybody's."""
    if query.client is None:
        return None if query.scope.clients is None else sorted(query.scope.clients)
    visible = query.scope.clients is None or query.client in query.scope.clients
    return [query.client] if visible else []


async def _unknown(pool: Pool, heard_of: Iterable[UUID]) -> list[UUID]:
    ids = list(heard_of)
    if not ids:
        return []
    found = await pool.fetch("select document_id from documents where document_id = any($1::uuid[])", ids)
    known = {row["document_id"] for row in found}
    return [id for id in ids if id not in known]


def _row(row: Any, query: DocumentsQuery) -> DocumentRow:
    fields = FIELDS.validate_json(row["fields"]) if row["fields"] is not None else []
    values = {field.name: field.value for field in fields}
    amount = amount_of(values)
    seen = query.asker is None or may_see(query.asker, row["client"], row["role"])
    return DocumentRow(
        document_id=row["document_id"],
        client=row["client"],
        file_name=row["file_name"],
        media_type=row["media_type"],
        size=row["size"],
        uploaded_at=row["uploaded_at"],
        stage=_stage(row),
        parent_id=row["parent_id"],
        page_count=row["page_count"] or row["pdf_pages"],
        invoice_kind=row["invoice_kind"],
        issuer_name=values.get("issuer_name") or values.get("payee_name"),
        invoice_number=values.get("invoice_number"),
        amount=written(amount) if amount is not None else None,
        currency=values.get("currency"),
        duplicate_of=row["duplicate_of"],
        approval=ApprovalState(row["approval"]) if seen and row["approval"] is not None else None,
        payment=row["payment"],
    )


def _stage(row: Any) -> DocumentStage:
    if row["invoice_kind"] is not None:
        return DocumentStage.INVOICE
    if row["text_key"] is not None:
        return DocumentStage.READ
    return DocumentStage.UPLOADED if row["pdf_key"] is None else DocumentStage.CONVERTED
