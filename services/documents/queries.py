"""Questions about documents, answered from this service's own tables."""

from services.documents.approvals.cases import Case, load_case
from services.documents.approvals.views import approval_detail
from services.documents.invoice_store import find_invoice
from services.documents.store import (
    StoredDocument,
    document_not_found,
    find_document,
    read_attachments,
    read_pages,
)
from shared.approving import may_see
from shared.commands import AttachedDocument, DocumentDetail, DocumentPage, DocumentQuery
from shared.database import Pool


async def describe_document(pool: Pool, query: DocumentQuery) -> DocumentDetail:
    """The document with its pages and derived files. A client's document that the asker may not see is not
    there: `document_not_found`."""
    found = await find_document(pool, query.document_id, None)
    if found is None or (query.scope.clients is not None and found.client not in query.scope.clients):
        raise document_not_found(query.document_id)
    case = await load_case(pool, found.document_id, lock=False)
    pages = await read_pages(pool, found.document_id, found.recipe) if found.recipe is not None else []
    return DocumentDetail(
        document_id=found.document_id,
        client=found.client,
        file_name=found.file_name,
        media_type=found.media_type,
        size=found.size,
        sha256=found.sha256,
        uploaded_at=found.uploaded_at,
        parent_id=found.parent_id,
        attachments=[
            AttachedDocument(document_id=attached, file_name=name)
            for attached, name in await read_attachments(pool, found.document_id)
        ],
        page_count=found.page_count,
        pages=[
            DocumentPage(
                page=page.page,
                source=page.source,
                confidence=page.confidence,
                characters=page.characters,
                run_id=page.run_id,
            )
            for page in pages
        ],
        files=_files_of(found),
        invoice=await find_invoice(pool, found.document_id),
        duplicate_of=case.invoice.duplicate_of if case is not None and case.invoice is not None else None,
        approval=await approval_detail(pool, case) if case is not None and _shown(query, case) else None,
        payment=case.payment if case is not None else None,
    )


def _shown(query: DocumentQuery, case: Case) -> bool:
    role = case.approval.standing.demand.role if case.approval is not None else None
    return query.asker is None or may_see(query.asker, case.client, role)


def _files_of(document: StoredDocument) -> dict[str, str]:
    keys = {"pdf": document.pdf_key, "text": document.text_key, "searchable-pdf": document.searchable_pdf_key}
    return {name: key for name, key in keys.items() if key is not None}
