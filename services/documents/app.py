"""The composition root of the documents service."""

from pathlib import Path

import structlog

from services.documents import choices, handlers, queries
from services.documents.analysts import Analysts, ChildAnalysts
from services.documents.approvals.answers import answer_people
from services.documents.approvals.desk import Desk
from services.documents.approvals.payments import record_invoice_paid, record_payment_status
from services.documents.approvals.rules_file import read_rules
from services.documents.approvals.withdrawing import record_payment_withheld
from services.documents.approvals.workflow import PostgresWorkflow, Workflow
from services.documents.attachments import Attachments, IntakeAttachments
from services.documents.converters import ChildConverters, Converters
from services.documents.declaration import DECLARATION
from services.documents.document_list import list_documents
from services.documents.invoice_store import InvoiceStore, PostgresInvoices
from services.documents.page_images import PICTURE_LIMITS, PageImages
from services.documents.readers import ChildReaders, Engine, Readers
from services.documents.search import search
from services.documents.store import DocumentStore, PostgresDocuments
from services.documents.suppliers.lessons import Lessons, PostgresLessons
from shared.commands import DocumentQuery, DocumentsQuery, PageImageQuery, SearchQuery
from shared.events import DocumentUploaded, InvoicePaid, PaymentStatusChanged, PaymentWithheld, RatesImported
from shared.files import Files, open_store
from shared.intake import Intake
from shared.nursery import Nursery
from shared.outbox import Outbox
from shared.process import Children, Limits
from shared.runner.attempt import Attempt
from shared.service import Service
from shared.settings import Settings
from shared.subjects import query
from shared.workplace import remove_abandoned_workplaces

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
#: The checkout or image that this runs from; an installed wheel has no docs to look for.
ROOT = Path(__file__).parents[2]

#: What the children of most documents import; the rest costs time only where it is needed.
PRELOAD = (
    "services.documents.steps.assembly",
    "services.documents.steps.checks",
    "services.documents.steps.converter",
    "services.documents.steps.invoice_reader",
    "services.documents.steps.page_pictures",
    "services.documents.steps.pictures",
    "services.documents.steps.reader",
    "services.documents.steps.recognition",
    "services.documents.steps.rules_checker",
    "services.documents.steps.typesetting",
)
#: LibreOffice maps more than other readers; what it uses of it is little.
OFFICE_LIMITS = Limits(memory=4 * 1024**3, cpu_seconds=90)


def build(settings: Settings) -> Service:
    """The service, ready to start. Raises `TagwerkError`: `ocr_not_available` if Tesseract or a language is
    missing, `approval_rules_invalid` if the rules file cannot be used."""
    desk = Desk(read_rules(settings.approval_rules))
    if removed := remove_abandoned_workplaces():
        log.info("removed temporary files of workers that were killed", folders=len(removed))
    engine = Engine.find(settings.ocr_languages, settings.tessdata)
    nursery = Nursery(PRELOAD)
    children = Children(settings.cpu_slots, nursery=nursery)
    converters = ChildConverters(children, Children(1, OFFICE_LIMITS, nursery=nursery))
    readers = ChildReaders(children, engine)
    analysts = ChildAnalysts(children)
    store = open_store(settings.files_url)
    # Somebody waits in front of each, so they do not wait behind documents that are being read.
    page_images = PageImages(store, Children(1, PICTURE_LIMITS, nursery=nursery))

    def attachments(attempt: Attempt) -> Attachments:
        intake = Intake(service.pool, service.relay, store, size_limit=settings.upload_limit)
        return IntakeAttachments(intake, documents(attempt), attempt.context)

    def documents(attempt: Attempt) -> DocumentStore:
        return PostgresDocuments(service.pool, attempt.outbox, attempt.context)

    async def record_document_uploaded(event: DocumentUploaded) -> None:
        await handlers.record_document_uploaded(service.pool, event)

    async def record_rates_imported(event: RatesImported) -> None:
        await handlers.record_rates_imported(service.pool, event)

    async def record_payment_status_changed(event: PaymentStatusChanged) -> None:
        await record_payment_status(Outbox(service.pool, service.relay), desk, event)

    async def record_withheld(event: PaymentWithheld) -> None:
        await record_payment_withheld(Outbox(service.pool, service.relay), desk, event)

    async def record_paid(event: InvoicePaid) -> None:
        await record_invoice_paid(Outbox(service.pool, service.relay), event)

    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        providers={
            Attachments: attachments,
            Converters: lambda attempt: converters,
            DocumentStore: documents,
            InvoiceStore: lambda attempt: PostgresInvoices(service.pool, attempt.outbox, attempt.context),
            Lessons: lambda attempt: PostgresLessons(service.pool, attempt.outbox, attempt.context),
            Workflow: lambda attempt: PostgresWorkflow(attempt.outbox, attempt.context, desk),
            Files: lambda attempt: Files(store, attempt.context.client),
            Readers: lambda attempt: readers,
            Analysts: lambda attempt: analysts,
        },
        on_event={
            "event.document.uploaded": record_document_uploaded,
            "event.rates.imported": record_rates_imported,
            "event.payment.status_changed": record_payment_status_changed,
            "event.payment.withheld": record_withheld,
            "event.invoice.paid": record_paid,
        },
        probes={"file-store": lambda client: Files(store, client).probe()},
        choices={"document": lambda query: choices.documents(service.pool, query)},
        rule_files={"approval": settings.approval_rules},
        root=ROOT if (ROOT / "docs").is_dir() else None,
    )
    service.background("nursery", nursery.keep)
    service.answer(
        query("documents", "document"),
        DocumentQuery,
        lambda request: queries.describe_document(service.pool, request),
    )
    service.answer(
        query("documents", "documents"),
        DocumentsQuery,
        lambda request: list_documents(service.pool, request),
    )
    service.answer(
        query("documents", "page-image"),
        PageImageQuery,
        lambda request: page_images.answer(service.pool, request),
    )
    service.answer(query("documents", "search"), SearchQuery, lambda request: search(service.pool, request))
    answer_people(service, desk)
    return service
