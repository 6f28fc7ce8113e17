"""What the pages of documents show, without a bus."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.gateway import arrivals
from services.gateway.pages.documents.list import Wanted, standing_of
from services.gateway.pages.documents.page import document_view
from services.gateway.pages.documents.pictures import SHOWN, pictures_of
from services.gateway.pages.documents.pipeline import JOBS, pipeline_of
from services.gateway.routes.chain import chain_of
from shared.access import Principal
from shared.commands import (
    AnalysedInvoice,
    ApprovalDetail,
    ApprovalStep,
    DocumentDetail,
    DocumentRow,
    DocumentsQuery,
    InvoiceField,
    PageImage,
    Payment,
    RunSummary,
    Scope,
)
from shared.errors import Failure
from shared.events import DocumentUploaded
from shared.words import (
    ApprovalState,
    DocumentKind,
    DocumentStage,
    PaymentState,
    RunState,
    StepKind,
    Trigger,
)
from tests.unit.gateway.pages.jobs import entry

ID = UUID(int=7)
THEN = datetime(2026, 3, 12, 8, tzinfo=UTC)
SOON = THEN + timedelta(minutes=1)
PDF, TEXT = {"pdf": "a"}, {"pdf": "a", "text": "b", "searchable-pdf": "c"}
BROKEN = Failure(code="pdf_encrypted", cause="the PDF is protected by a password", next_step="Remove it.")


def found(name: str, value: str = "1", **changes: Any) -> InvoiceField:
    given: dict[str, Any] = {"source": "text", "confidence": 90, "verdict": "certain", **changes}
    return InvoiceField(name=name, value=value, **given)


def invoice(*fields: InvoiceField, kind: str = "invoice") -> AnalysedInvoice:
    return AnalysedInvoice(kind=kind, source="text", analysed_at=THEN, fields=list(fields))


def document(files: dict[str, str] | None = None, **changes: Any) -> DocumentDetail:
    return DocumentDetail(
        document_id=ID, client="main", file_name="invoice.pdf", media_type="application/pdf", size=1,
        sha256="0", uploaded_at=THEN, files=files or {}, **changes,
    )  # fmt: skip


def run(step: str, state: RunState = RunState.SUCCEEDED, **changes: Any) -> RunSummary:
    [job] = [job for name, job in JOBS.items() if name == step]
    return RunSummary(
        run_id=UUID(int=1), job=job, client="main", principal="ada", effective_principal="ada",
        trigger=Trigger.EVENT, state=state, sentence="", action_required=False, requested_at=THEN,
        finished_at=SOON if state.final else None, **changes,
    )  # fmt: skip


def approval(state: ApprovalState, *kinds: StepKind) -> ApprovalDetail:
    return ApprovalDetail(
        document_id=ID, client="main", file_name="invoice.pdf", state=state, values_version="v", rule="r",
        role="accounting", approvals_needed=1, due=THEN.date(), overdue=False, requested_at=THEN,
        steps=[ApprovalStep(at=SOON, kind=kind, principal="ada", words="") for kind in kinds],
    )  # fmt: skip


def paid(state: PaymentState) -> Payment:
    return Payment(state=state, at=SOON)


READ = [run("pdf"), run("text"), run("invoice")]
ASKED = [*READ, run("approval")]
WAITS = document(TEXT, invoice=invoice(), approval=approval(ApprovalState.WAITING))
APPROVED = approval(ApprovalState.APPROVED, StepKind.APPROVED)


@pytest.mark.parametrize(
    ("about", "runs", "states", "now", "moving"),
    [
        pytest.param(document(), [], "done next next next next next", "uploaded", True, id="just uploaded"),
        pytest.param(
            document(), [run("pdf", RunState.RUNNING)], "done active next next next next", "pdf", True,
            id="being converted",
        ),
        pytest.param(
            document(), [run("pdf", RunState.FAILED, failure=BROKEN)], "done failed next next next next",
            "pdf", False, id="could not be converted",
        ),
        pytest.param(
            document(PDF), [run("pdf")], "done done next next next next", "pdf", True, id="converted"
        ),
        pytest.param(
            document(TEXT), [run("pdf"), run("text", RunState.PARTIALLY_FAILED)],
            "done done partly next next next", "text", True, id="a page could not be read",
        ),
        pytest.param(
            document(TEXT), READ, "done done done none none none", "text", False, id="no invoice in it",
        ),
        pytest.param(
            document(TEXT, invoice=invoice()), READ, "done done done done next next", "invoice", True,
            id="analysed",
        ),
        pytest.param(WAITS, ASKED, "done done done done people next", "approval", False, id="waits"),
        pytest.param(
            document(TEXT, invoice=invoice(kind="credit_note")), ASKED, "done done done done none none",
            "invoice", False, id="a credit note is not paid",
        ),
        pytest.param(
            document(TEXT, invoice=invoice(), approval=approval(ApprovalState.REJECTED)), ASKED,
            "done done done done none none", "invoice", False, id="rejected",
        ),
        pytest.param(
            document(TEXT, invoice=invoice(), approval=APPROVED, payment=paid(PaymentState.OPEN)), ASKED,
            "done done done done done people", "payment", False, id="to be paid",
        ),
        pytest.param(
            document(TEXT, invoice=invoice(), approval=APPROVED, payment=paid(PaymentState.ORDERED)), ASKED,
            "done done done done done active", "payment", False, id="ordered",
        ),
        pytest.param(
            WAITS.model_copy(update={"payment": paid(PaymentState.REJECTED)}), ASKED,
            "done done done done people failed", "approval", False, id="the bank refused",
        ),
        pytest.param(
            document(TEXT, invoice=invoice(), approval=APPROVED, payment=paid(PaymentState.PAID)), ASKED,
            "done done done done done done", "payment", False, id="paid",
        ),
        pytest.param(
            document(TEXT, invoice=invoice(), approval=APPROVED, payment=paid(PaymentState.PAID)),
            [*ASKED, run("text", RunState.RUNNING)], "done done active done done done", "text", True,
            id="read again",
        ),
    ],
)  # fmt: skip
def test_a_document_stands_somewhere_between_upload_and_payment(
    about: DocumentDetail, runs: Sequence[RunSummary], states: str, now: str, moving: bool
) -> None:
    pipeline = pipeline_of(about, runs, SOON)
    assert " ".join(step.state for step in pipeline.steps) == states
    assert (pipeline.now.name, pipeline.moving) == (now, moving)


def test_what_does_not_follow_in_time_is_not_waited_for_for_ever() -> None:
    assert pipeline_of(document(PDF), [run("pdf")], SOON).moving
    assert not pipeline_of(document(PDF), [run("pdf")], SOON + timedelta(hours=1)).moving
    dry = run("pdf", RunState.RUNNING, dry_run=True)
    assert pipeline_of(document(), [dry], SOON).now.name == "uploaded"


def image(page: int, pages: int) -> PageImage:
    return PageImage(
        client="main", key=str(page), media_type="image/webp", size=1, sha256="0", width=900, height=1273,
        page_width=595.3, page_height=841.9, pages=pages,
    )  # fmt: skip


def test_fields_stand_on_the_page_where_they_were_read_and_share_a_place() -> None:
    code = (10.0, 20.0, 110.0, 120.0)
    fields = [
        found("iban", page=2, box=code),
        found("payable_amount", page=2, box=code, verdict="uncertain"),
        found("invoice_number", page=1, box=(1.0, 2.0, 3.0, 5.0)),
        found("currency", page=2),
        found("issuer_name"),
    ]
    about = document(TEXT, invoice=invoice(*fields))
    pictures = pictures_of(about, {1: image(1, 3), 2: image(2, 3), 3: BROKEN})
    assert pictures is not None
    first, second, third = pictures.shown
    [place] = second.places
    assert (place.names, place.doubtful) == ("iban payable_amount", True)
    assert (place.left, place.top, place.width, place.height) == (10, 20, 100, 100)
    assert [place.names for place in first.places] == ["invoice_number"]
    assert not first.places[0].doubtful
    assert (third.problem, third.image) == (BROKEN, None)
    assert pictures_of(document(), {}) is None


def test_many_pages_are_shown_a_few_at_a_time() -> None:
    about = document(TEXT, page_count=25)
    first, middle, last = (pictures_of(about, {}, page) for page in (1, SHOWN + 1, 999))
    assert first is not None
    assert middle is not None
    assert last is not None
    assert [picture.number for picture in first.shown] == list(range(1, SHOWN + 1))
    assert (first.before, first.after) == (None, SHOWN + 1)
    assert (middle.before, middle.after) == (1, 2 * SHOWN + 1)
    assert ([picture.number for picture in last.shown], last.after) == ([25], None)


def test_a_document_is_named_by_its_issuer_and_says_what_may_be_done_again() -> None:
    fields = [found("iban"), found("invoice_number", "4711"), found("issuer_name", "Nordlicht AG")]
    about = document(TEXT, invoice=invoice(*fields))
    entries = [
        entry(job, access={"module": "d", "level": "general", "roles": ["clerk"]}) for job in JOBS.values()
    ]

    def seen_by(role: str) -> Any:
        reader = Principal(id="ada", name="Ada", roles=frozenset({role}), clients=frozenset({"main"}))
        pipeline = pipeline_of(about, READ, SOON)
        return document_view(about, chain_of(about, READ), pipeline, None, entries, reader)

    view = seen_by("clerk")
    assert view.name == "Nordlicht AG"
    assert [field.name for field in view.fields] == ["issuer_name", "invoice_number", "iban"]
    assert (view.gist.number, view.gist.amount) == ("4711", None)
    assert view.again[0].path == f"/jobs/documents.convert-to-pdf/start?client=main&p.document={ID}"
    assert len(view.again) == len(JOBS)
    assert seen_by("visitor").again == []


@pytest.mark.parametrize(
    ("changes", "last", "look", "words"),
    [
        ({"stage": "uploaded"}, None, "active", "not read yet"),
        ({"stage": "uploaded"}, RunState.RUNNING, "active", "being read"),
        ({"stage": "converted"}, RunState.TIMED_OUT, "error", "could not be read"),
        ({"stage": "converted"}, RunState.SUCCEEDED, "active", "text not read yet"),
        ({"stage": "read"}, None, "quiet", "read, no invoice in it"),
        ({"stage": "invoice"}, None, "good", "invoice found"),
        ({"stage": "invoice", "approval": "waiting"}, None, "people", "waiting for approval"),
        ({"stage": "invoice", "approval": "rejected"}, None, "quiet", "rejected"),
        ({"stage": "invoice", "approval": "approved", "payment": "open"}, None, "people", "to be paid"),
        ({"stage": "invoice", "approval": "approved", "payment": "paid"}, None, "good", "paid"),
        (
            {"stage": "invoice", "approval": "waiting", "payment": "rejected"}, None, "people",
            "waiting for approval",
        ),
    ],
)  # fmt: skip
def test_a_row_says_the_last_thing_that_happened(
    changes: dict[str, str], last: RunState | None, look: str, words: str
) -> None:
    row = DocumentRow(
        document_id=ID, client="main", file_name="a.pdf", media_type="application/pdf", size=1,
        uploaded_at=THEN, **changes,
    )  # fmt: skip
    standing = standing_of(row, None if last is None else run("pdf", last))
    assert (standing.look, standing.words) == (look, words)


def test_a_list_begins_anew_when_its_filter_changes() -> None:
    wanted = Wanted(text=" ", client="main", stage=DocumentStage.READ, cursor="abc")
    assert wanted.text is None
    assert wanted.link() == "/documents?client=main&stage=read"
    assert wanted.filtered
    assert not Wanted(cursor="abc").filtered


UPLOADED = DocumentUploaded(
    client="main", principal="ada", about=[], document_id=ID, file_name="Scan März.PNG",
    media_type="image/png", size=5, sha256="0", parent_id=UUID(int=9),
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"client": "main", "text": "märz scan", "kind": ["picture"], "stage": ["uploaded"]}, True),
        ({"client": "other"}, False),
        ({"text": "scan april"}, False),
        ({"kind": ["pdf", "office"]}, False),
        ({"stage": ["read"]}, False),
        ({"parent_id": UUID(int=9)}, True),
        ({"parent_id": UUID(int=8)}, False),
        ({"scope": Scope(clients=frozenset({"other"}))}, False),
    ],
)
def test_what_has_just_come_in_is_filtered_as_the_rest_is(wanted: dict[str, Any], fits: bool) -> None:
    assert arrivals.fits(UPLOADED, DocumentsQuery(**wanted)) is fits
    assert arrivals.as_row(UPLOADED).stage is DocumentStage.UPLOADED


def test_every_kind_of_file_has_media_types() -> None:
    from shared.media_types import PROCESSABLE, kind_of, types_of

    types = [media_type for kind in DocumentKind for media_type in types_of(kind)]
    assert sorted(types) == sorted(PROCESSABLE)
    assert kind_of("text/html") is DocumentKind.TEXT
