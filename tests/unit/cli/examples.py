"""Answers of a gateway as they could be: one run that succeeded in part, its lists, a job, a document."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.commands import (
    AnalysedInvoice,
    Answer,
    ApprovalDetail,
    ApprovalRow,
    ApprovalsPage,
    ApprovalStep,
    Attempt,
    AuditCheck,
    AuditEntriesPage,
    AuditEntryRow,
    AuditHead,
    AuditState,
    BankDetail,
    BankMatch,
    BankStatementRow,
    BankStatementsPage,
    BankTransactionRow,
    BankTransactionsPage,
    CallRow,
    CallsPage,
    CurrencyTotal,
    DocumentDetail,
    DocumentPage,
    DocumentRow,
    DocumentsPage,
    ErpEntriesPage,
    ErpEntryRow,
    InvoiceField,
    InvoiceFinding,
    JobOverview,
    LogRow,
    LogsPage,
    OtherValue,
    Overview,
    PayableRow,
    PayablesPage,
    Payment,
    PaymentFileDetail,
    PaymentFileRow,
    PaymentFilesPage,
    PaymentOrderRow,
    RateRow,
    RatesPage,
    RecordRow,
    RecordsPage,
    RunDetail,
    RunNode,
    RunsPage,
    RunSummary,
    RunTree,
    Span,
    TimelineEntry,
    Trace,
)
from shared.errors import Failure
from shared.events import Cause
from shared.words import (
    ApprovalState,
    CallOutcome,
    DocumentStage,
    ErpList,
    LogLevel,
    Outcome,
    PaymentState,
    RateSource,
    RunState,
    StepKind,
    Trigger,
)

RUN = UUID("5c0e2a4b-31f5-5b1e-8a52-0a4c0c6a0001")
OTHER_RUN = UUID("5c0e9999-31f5-5b1e-8a52-0a4c0c6a0002")
DOCUMENT = UUID("d0c00000-0000-5000-8000-000000000001")
EVENT = UUID("e0e00000-0000-5000-8000-000000000001")
AT = datetime(2026, 3, 12, 14, 2, 11, tzinfo=UTC)

UNREADABLE = Failure(
    code="page_unreadable",
    cause="page 2 holds an image that cannot be decoded",
    concern="scan.pdf, page 2",
    next_step="Scan the page again and upload the document anew.",
)

QUESTIONS = {
    "started": ("Did it start?", "Yes. It started at 14:02:11 UTC, 0.3 s after the request."),
    "finished": ("Did it finish?", "Yes, but not completely. 1 of 2 records were handled, 1 failed."),
    "records": ("Which records were processed?", "2 records: 1 created, 1 failed."),
    "failures": ("Which failed, and why?", "1 record failed: scan.pdf, page 2."),
    "data_changed": ("Was data changed?", "Yes: 1 record created."),
    "external_calls": ("Was an external system called?", "No external system was called."),
    "retry": ("Is a retry possible, and what would it repeat?", "Yes, and it is safe."),
}


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def summary(run_id: UUID = RUN, state: RunState = RunState.PARTIALLY_FAILED, **changes: Any) -> RunSummary:
    fields: dict[str, Any] = {
        "run_id": run_id,
        "job": "documents.ocr",
        "client": "main",
        "principal": "admin",
        "effective_principal": "admin",
        "trigger": Trigger.EVENT,
        "state": state,
        "sentence": "1 of 2 pages was recognized, 1 failed.",
        "action_required": state is not RunState.SUCCEEDED,
        "requested_at": AT,
        "started_at": at(0.3),
        "finished_at": at(2.5) if state.final else None,
        "duration": 2.2 if state.final else None,
        "attempt": 1,
        "counts": {"created": 1, "failed": 1},
        "done": 2,
        "total": 2,
        "about": [f"document:{DOCUMENT}"],
        "cause": Cause(event_id=EVENT, event_type="event.document.uploaded"),
        "sequence": 14,
    }
    return RunSummary(**(fields | changes))


def detail(run_id: UUID = RUN, state: RunState = RunState.PARTIALLY_FAILED, **changes: Any) -> RunDetail:
    fields: dict[str, Any] = {
        **summary(run_id, state).model_dump(),
        "parameters": {"document": str(DOCUMENT)},
        "idempotency_key": str(EVENT),
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "expected_runtime": 60.0,
        "answers": [Answer(question=q, title=t, words=w) for q, (t, w) in QUESTIONS.items()],
        "attempts": [
            Attempt(
                attempt=1,
                worker="host:4711",
                started_at=at(0.3),
                ended_at=at(2.5) if state.final else None,
                outcome=str(state),
            )
        ],
        "timeline": [
            TimelineEntry(sequence=10, time=AT, attempt=0, type="run.requested", words="admin asked for it"),
            TimelineEntry(
                sequence=11, time=at(0.3), attempt=1, type="run.started", words="attempt 1 started"
            ),
            TimelineEntry(
                sequence=12, time=at(1.2), attempt=1, type="run.recorded", words="1 record created"
            ),
            TimelineEntry(
                sequence=13, time=at(2.0), attempt=1, type="run.recorded", words="<b>1</b> record failed"
            ),
            TimelineEntry(sequence=14, time=at(2.5), attempt=1, type="run.finished", words="it ended"),
        ],
    }
    return RunDetail(**(fields | changes))


def record(page: int, outcome: Outcome, run_id: UUID = RUN, **changes: Any) -> RecordRow:
    fields: dict[str, Any] = {
        "key": f"document:{DOCUMENT}/page:{page}",
        "outcome": outcome,
        "label": f"scan.pdf, page {page}",
        "message": f"recognized with 9{page} % confidence",
        "run_id": run_id,
        "job": "documents.ocr",
        "attempt": 1,
        "time": at(page),
        "position": page,
    }
    return RecordRow(**(fields | changes))


RUNS = RunsPage(items=[summary(), summary(OTHER_RUN, RunState.SUCCEEDED, counts={"created": 3})])

RECORDS = RecordsPage(
    items=[
        record(1, Outcome.CREATED),
        record(2, Outcome.FAILED, message=None, failure=UNREADABLE, changes={"text": (None, "Rechnung")}),
    ],
    next_cursor="bW9yZQ",
)

TRACE = Trace(
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    items=[
        Span(
            span_id="53995c3f42cd8ad8", service="gateway", name="POST /api/v1/documents", kind="server",
            started_at=at(0), microseconds=394_000, failed=False,
        ),
        Span(
            span_id="00f067aa0ba902b7", parent_id="53995c3f42cd8ad8", service="documents",
            name="process run.requested", kind="consumer", started_at=at(1), microseconds=4_200_000,
            failed=True, error="pdf_encrypted", run_id=RUN, job="documents.ocr", attempt=2,
            attributes={"messaging.system": "nats"}, links=["1" * 32],
        ),
    ],
    left_out=3,
    days=3,
)  # fmt: skip

CALLS = CallsPage(
    items=[
        CallRow(
            run_id=RUN,
            attempt=1,
            system="rates-feed",
            operation="GET /daily",
            outcome=CallOutcome.SUCCEEDED,
            started_at=at(1),
            duration_ms=120.5,
            detail="200",
        )
    ]
)

LOGS = LogsPage(
    items=[
        LogRow(
            run_id=RUN,
            attempt=1,
            time=at(1),
            level=LogLevel.WARNING,
            message="page is skewed",
            fields={"page": 2, "degrees": 1.1},
        )
    ]
)

ERP_ENTRIES = ErpEntriesPage(
    items=[
        ErpEntryRow(
            client="main",
            list=ErpList.SUPPLIERS,
            id="70001",
            label="Präzision GmbH",
            values={"name": "Präzision GmbH", "vat_id": "DE123456789", "blocked": True},
            gone=False,
            changed_at=at(0),
            run_id=RUN,
        ),
        ErpEntryRow(
            client="other",
            list=ErpList.SUPPLIERS,
            id="70002",
            label="Papier und Stift",
            values={"name": "Papier und Stift", "blocked": False},
            gone=True,
            changed_at=at(0),
            run_id=RUN,
        ),
    ]
)

RATES = RatesPage(
    items=[
        RateRow(
            currency="EGP",
            day=date(2026, 6, 4),
            base="EGP",
            quote="CHF",
            rate=Decimal("0.0166619"),
            client="main",
            source=RateSource.BAZG,
            run_id=RUN,
        )
    ],
    next_cursor="bW9yZQ",
)

APPROVAL = ApprovalDetail(
    document_id=DOCUMENT,
    client="main",
    file_name="scan.pdf",
    state=ApprovalState.QUESTIONED,
    values_version="3f2a9c0d11ee",
    values={"payable_amount": "1949.75", "currency": "CHF"},
    doubtful=["payable_amount"],
    duplicate_of=EVENT,
    rule="four eyes from 5000 CHF",
    note="there is no rate to compare USD with CHF",
    role="accounting",
    approvals_needed=2,
    approved_by=["ada"],
    due=date(2026, 3, 10),
    overdue=True,
    cost_center="4400",
    question="Was this [b]delivered[/b]?",
    asked_by="bea",
    requested_at=AT,
    steps=[
        ApprovalStep(
            at=AT,
            kind=StepKind.APPROVED,
            principal="ada",
            words="approved: fine; one more person has to approve",
            values_version="3f2a9c0d11ee",
        )
    ],
)

APPROVALS = ApprovalsPage(
    items=[
        ApprovalRow(
            document_id=DOCUMENT,
            client="main",
            file_name="scan.pdf",
            state=ApprovalState.WAITING,
            values_version="3f2a9c0d11ee",
            issuer_name="Nordlicht Druck GmbH",
            invoice_number="2026-0815",
            amount="1949.75",
            currency="CHF",
            role="accounting",
            approvals_needed=2,
            approved_by=["ada"],
            due=date(2026, 3, 10),
            overdue=True,
            doubtful=["payable_amount"],
            duplicate_of=EVENT,
        )
    ],
    next_cursor="bW9yZQ",
)

DOCUMENTS = DocumentsPage(
    items=[
        DocumentRow(
            document_id=DOCUMENT,
            client="main",
            file_name="scan [1].pdf",
            media_type="application/pdf",
            size=81_234,
            uploaded_at=AT,
            stage=DocumentStage.INVOICE,
            page_count=2,
            invoice_kind="invoice",
            issuer_name="Nordlicht Druck GmbH",
            invoice_number="2026-0815",
            amount="1949.75",
            currency="CHF",
            duplicate_of=EVENT,
            approval=ApprovalState.APPROVED,
            payment=PaymentState.REJECTED,
        ),
        DocumentRow(
            document_id=RUN,
            client="main",
            file_name="offer.docx",
            media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            size=512,
            uploaded_at=AT,
            stage=DocumentStage.UPLOADED,
            parent_id=DOCUMENT,
        ),
    ],
    next_cursor="bW9yZQ",
)

FILE = UUID("0192d4f0-11aa-7c01-8a55-77be3d5fb2b3")

PAYABLES = PayablesPage(
    items=[
        PayableRow(
            document_id=DOCUMENT,
            client="main",
            kind="invoice",
            state=PaymentState.OPEN,
            invoice_number="2026-0815",
            payee_name="Käserei Oberland [AG]",
            iban="CH4431999123000889012",
            reference="210000000003139471430009017",
            amount=Decimal("1234.50"),
            currency="CHF",
            due_date=date(2026, 3, 31),
            approved_by=["ada", "ben"],
            approved_at=AT,
            payment_id=f"{DOCUMENT.hex}-01",
            file_id=FILE,
            held="the bank rejected its payment: AC04: the account is closed",
        )
    ],
    next_cursor="bW9yZQ",
)

CHAIN = {
    "document_id": str(DOCUMENT),
    "file_name": "scan.pdf",
    "approval": "questioned",
    "payment": None,
    "entries": [
        {"at": "2026-03-12T14:02:10Z", "kind": "uploaded", "words": "scan.pdf, 850,676 bytes"},
        {
            "at": "2026-03-12T14:02:11Z",
            "kind": "run",
            "principal": "admin",
            "words": "1 of 2 pages was recognized, 1 failed.",
            "run_id": str(RUN),
            "job": "documents.ocr",
            "state": "partially_failed",
            "caused_by_event": "event.document.uploaded",
        },
        {
            "at": "2026-03-12T14:02:12Z",
            "kind": "questioned",
            "principal": "bea",
            "words": "asked: Was this delivered?",
        },
    ],
}

PAYMENT_FILE = PaymentFileDetail(
    file_id=FILE,
    client="main",
    message_id=FILE.hex,
    run_id=RUN,
    principal="ada",
    created_at=AT,
    completed_at=AT,
    size=2711,
    sha256="9f" * 32,
    totals=[CurrencyTotal(currency="CHF", amount=Decimal("1234.50"))],
    states={PaymentState.REJECTED: 1},
    orders=[
        PaymentOrderRow(
            payment_id=f"{DOCUMENT.hex}-01",
            block_id=f"{FILE.hex}001",
            document_id=DOCUMENT,
            state=PaymentState.REJECTED,
            payee_name="Käserei Oberland [AG]",
            iban="CH4431999123000889012",
            reference="210000000003139471430009017",
            amount=Decimal("1234.50"),
            currency="CHF",
            account="CH9300762011623852957",
            execution_date=date(2026, 3, 31),
            status_at=AT,
            reason_code="AC04",
            reason="AC04: the account is closed",
        )
    ],
)

PAYMENT_FILES = PaymentFilesPage(
    items=[PaymentFileRow(**{name: getattr(PAYMENT_FILE, name) for name in PaymentFileRow.model_fields})],
    next_cursor="bW9yZQ",
)

TRANSACTIONS = BankTransactionsPage(
    items=[
        BankTransactionRow(
            key="bank:CH9300762011623852957:2026-03-09:-95.40CHF:1",
            client="main",
            account="CH9300762011623852957",
            booked_on=date(2026, 3, 9),
            valued_on=date(2026, 3, 10),
            amount=Decimal("-95.40"),
            currency="CHF",
            bank_reference="BR000000000001",
            code="PMNT-ICDT-ESCT",
            text="Zahlung",
            charges="1.50 CHF",
            party="Muster AG",
            party_account="CH5604835012345678009",
            details_count=1,
            details=[
                BankDetail(
                    amount=Decimal("-95.40"), currency="CHF", party="Muster AG",
                    party_account="CH5604835012345678009", payment_id="E2E-0000001",
                    references=["RF18539007547034"], text="RE-2026-0815", instructed=Decimal("100.00"),
                    instructed_currency="EUR", rate=Decimal("0.954"), charges="1.50 CHF",
                )
            ],
            match="matched",
            matches=[
                BankMatch(
                    document_id=DOCUMENT, invoice_number="RE-2026-0815", payee_name="Muster AG",
                    amount=Decimal("100.00"), currency="EUR", matched_by="reference", settles=True,
                )
            ],
            run_id=RUN,
        )
    ],
    next_cursor="bW9yZQ",
)  # fmt: skip

STATEMENTS = BankStatementsPage(
    items=[
        BankStatementRow(
            key="bank-statement:CH9300762011623852957:2026-03-09:9f2c01ab",
            client="main",
            label="Statement 12 of CH9300762011623852957",
            account="CH9300762011623852957",
            currency="CHF",
            message="camt.053.001.08",
            opening_amount=Decimal("1000.00"),
            opening_day=date(2026, 3, 8),
            closing_amount=Decimal("904.60"),
            closing_day=date(2026, 3, 9),
            total=Decimal("-95.40"),
            entries=1,
            not_booked=2,
            warnings=["it opens with 1000.00 on 2026-03-08: a statement in between is missing"],
            file_name="march.xml",
            run_id=RUN,
        )
    ],
    next_cursor="bW9yZQ",
)

DETAIL = DocumentDetail(
    document_id=DOCUMENT,
    client="main",
    file_name="scan.pdf",
    media_type="application/pdf",
    size=850676,
    sha256="ab" * 32,
    uploaded_at=AT,
    page_count=2,
    pages=[DocumentPage(page=1, source="tesseract", confidence=91.4, characters=812, run_id=RUN)],
    files={"text": "documents/x/derived/text.txt", "searchable-pdf": "documents/x/derived/searchable.pdf"},
    invoice=AnalysedInvoice(
        kind="invoice",
        source="qr_bill",
        fields=[
            InvoiceField(
                name="payable_amount",
                value="1949.75",
                source="qr_bill",
                confidence=99.0,
                verdict="contradicted",
                page=2,
                box=(190.1, 590.3, 320.4, 720.6),
                others=[OtherValue(value="1947.95", source="text")],
            ),
            InvoiceField(
                name="currency", value="CHF", source="qr_bill", confidence=99.0, verdict="certain", page=2
            ),
        ],
        findings=[
            InvoiceFinding(
                code="sources_contradict",
                words="amount to pay: 1949.75 (qr_bill), but 1947.95 (text)",
                fields=["payable_amount"],
            )
        ],
        run_id=OTHER_RUN,
        analysed_at=AT,
    ),
    approval=APPROVAL,
    payment=Payment(
        state=PaymentState.REJECTED,
        at=AT,
        amount="1949.75",
        currency="CHF",
        execution_date=date(2026, 3, 31),
        reason_code="AC04",
        reason="the account is closed",
    ),
)

JOB: dict[str, Any] = {
    "id": "documents.ocr",
    "service": "documents",
    "title": "Recognize text",
    "description": "Read the text of every page of a document.",
    "kind": "processing",
    "owner": "Document services",
    "access": {"module": "documents", "level": "general", "roles": ["accounting", "uploader"]},
    "expected_runtime": 60.0,
    "timeout": 600.0,
    "retry": "up to 3 attempts, the first retry after 5 s",
    "safe_to_repeat": True,
    "repeat": "page results are kept",
    "systems": [],
    "locations": ["file-store"],
    "dry_run": False,
    "output": "text and searchable PDF",
    "expected_result": "every page has text",
    "logs": "service=documents job=documents.ocr",
    "troubleshooting": "docs/jobs/ocr.md",
    "danger": None,
    "runs_as": "user",
    "on": "event.document.uploaded",
    "schedule": None,
    "limit": None,
    "parameters": {
        "type": "object",
        "properties": {"document": {"type": "string", "format": "uuid"}},
        "required": ["document"],
    },
    "software_version": "0.1.0",
    "retired": False,
    "may_start": True,
    "reason": "allowed",
    "needs_confirmation": False,
}


PREFLIGHT: dict[str, Any] = {
    "job": "documents.ocr",
    "client": "main",
    "dry_run": False,
    "may_start": True,
    "needs_confirmation": True,
    "confirmed": False,
    "checks": [
        {
            "check": "permission",
            "concern": None,
            "verdict": "ok",
            "code": "allowed",
            "words": "You may start it for client main. It works as you, admin.",
            "cause": None,
            "mend": None,
            "data": {"client": "main", "effective_principal": "admin", "elevates": False},
        },
        {
            "check": "system",
            "concern": "ecb",
            "verdict": "warning",
            "code": "external_system_unavailable",
            "words": "ecb cannot be used now; the run would be tried again, and might fail.",
            "cause": "no connection",
            "mend": "Check that ecb can be reached.",
            "data": {"duration_ms": 3.5},
        },
    ],
    "effect": {
        "words": "Writes the text. It works as you, admin, for client main.",
        "output": "the text",
        "expected_result": "every page has text",
        "locations": ["file-store"],
        "systems": ["ecb"],
        "client": "main",
        "principal": "admin",
        "effective_principal": "admin",
        "elevates": False,
        "danger": None,
        "dry_run": False,
    },
    "checked_at": AT.isoformat(),
}

CHOICES: dict[str, Any] = {
    "items": [
        {"value": "CH9300762011623852957", "label": "CH93 0076 2011 6238 5295 7, Muster AG", "detail": "CHF"}
    ],
    "more": True,
}

SYSTEMS: dict[str, Any] = {
    "items": [
        {
            "name": "ecb",
            "kind": "system",
            "service": "integrations",
            "jobs": ["integrations.import-daily-rates"],
            "verdict": "warning",
            "words": "no connection",
            "mend": "Check that ecb can be reached.",
            "checked_at": AT.isoformat(),
            "duration_ms": 3.5,
            "instances": [],
            "client": None,
            "last_succeeded": {
                "system": "ecb",
                "outcome": "succeeded",
                "run_id": str(RUN),
                "job": "integrations.import-daily-rates",
                "client": "main",
                "operation": "fetch rates",
                "started_at": AT.isoformat(),
                "duration_ms": 35.0,
                "detail": "200",
                "failure": None,
            },
            "last_failed": None,
            "breakers": [
                {
                    "system": "ecb",
                    "host": "www.ecb.europa.eu:443",
                    "state": "open",
                    "since": AT.isoformat(),
                    "failures": 5,
                    "failing_since": AT.isoformat(),
                    "last_error": "no connection: www.ecb.europa.eu does not answer",
                    "next_try": AT.isoformat(),
                    "last_success": None,
                }
            ],
        }
    ]
}


def events(run_id: UUID = RUN, state: str = "partially_failed") -> list[tuple[int, dict[str, Any]]]:
    """The events of a run as the gateway streams them: sequence and JSON."""
    base = {"version": 1, "run_id": str(run_id), "attempt": 1}

    def event(number: int, type: str, **more: Any) -> tuple[int, dict[str, Any]]:
        own = {"id": str(UUID(int=number)), "time": at(number - 10).isoformat(), "type": type}
        return number, {**base, **own, **more}

    return [
        event(
            10,
            "run.requested",
            job="documents.ocr",
            client="main",
            principal="admin",
            effective_principal="admin",
            trigger="event",
            attempt=0,
        ),
        event(11, "run.started", worker="host:4711"),
        event(12, "run.progressed", done=1, total=2, message=None),
        event(13, "run.of_the_future", surprise=True),
        event(14, "run.finished", state=state),
    ]


def upload_answer(name: str, *, duplicate: bool = False) -> dict[str, Any]:
    """As the gateway answers one accepted file."""
    return {
        "client": "main",
        "files": [
            {
                "file_name": name,
                "document_id": str(DOCUMENT),
                "duplicate": duplicate,
                "event_id": str(EVENT),
                "media_type": "application/pdf",
                "size": 850676,
                "sha256": "ab" * 32,
                "runs": [{"job": "documents.ocr", "run_id": str(RUN), "links": {"run": f"/runs/{RUN}"}}],
            }
        ],
    }


def refused_upload(name: str) -> dict[str, Any]:
    """As the gateway answers one file that it cannot take: a problem, with the file's own in it."""
    problem = {
        "type": "urn:tagwerk:problem:file_type_unsupported",
        "title": "Unsupported Media Type",
        "status": 415,
        "detail": f"the content of {name} is no PDF, PNG, JPEG or TIFF",
        "code": "file_type_unsupported",
        "concern": name,
        "next_step": "Save or print it as PDF, then upload that.",
        "retryable": False,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
    return {**problem, "files": [{"file_name": name, "runs": [], "problem": problem}]}


OVERVIEW = Overview(
    states={"running": 2, "succeeded": 40, "failed": 3},
    action_required=3,
    jobs=[
        JobOverview(
            job="documents.ocr",
            states={"running": 2, "succeeded": 40, "failed": 3},
            action_required=3,
            last=summary(),
            ended=43,
            succeeded=40,
            typical=2.2,
        )
    ],
)
TREE = RunTree(
    root=RunNode(
        run=summary(OTHER_RUN, RunState.SUCCEEDED),
        children=[RunNode(run=summary(), how="caused", more=True)],
    )
)
FOUND: dict[str, Any] = {
    "items": [
        {
            "kind": "run",
            "id": str(RUN),
            "title": "Recognize text",
            "match": "run_id_beginning",
            "client": "main",
            "job": "documents.ocr",
            "run_id": str(RUN),
            "state": "partially_failed",
            "at": AT.isoformat(),
            "why": "the id of the run begins so",
            "link": f"/api/v1/runs/{RUN}",
        },
        {
            "kind": "record",
            "id": "invoice:INV-4711",
            "title": "invoice:INV-4711",
            "match": "record_key",
            "client": "main",
            "job": "documents.analyse-invoice",
            "run_id": str(OTHER_RUN),
            "outcome": "failed",
            "at": AT.isoformat(),
            "why": "the key of the record",
            "link": "/api/v1/records?key=invoice%3AINV-4711",
        },
    ],
    "more": True,
    "unanswered": [
        {
            "part": "documents",
            "cause": "the documents service is not running",
            "next_step": "Start the documents service, or look at its log.",
        }
    ],
}


#: How the audit log stands, verified by the run.
AUDIT_STATE = AuditState(
    log_id=EVENT,
    entries=1017,
    newest_at=AT,
    hash="ab" * 32,
    signs=True,
    head=AuditHead(
        ordinal=2,
        number=1000,
        signed_at=AT,
        statement="a head\n",
        signature="cd" * 64,
        key="ef" * 32,
        written_at=AT,
    ),
    check=AuditCheck(run_id=RUN, finished_at=AT, entries=1017, heads=2),
    kinds=["principal_changed", "signed_in"],
)
AUDIT_ENTRIES = AuditEntriesPage(
    items=[
        AuditEntryRow(
            number=1017, event_id=EVENT, recorded_at=AT, kind="principal_changed", hash="ab" * 32, time=AT,
            principal="admin", concern="principal:ada", reason="she left", before={"active": True},
            after={"active": False},
        ),
        AuditEntryRow(
            number=3, event_id=DOCUMENT, recorded_at=AT, kind="signed_in", hash="cd" * 32, removed=True
        ),
    ],
    next_cursor="bnVtYmVy",
)  # fmt: skip
