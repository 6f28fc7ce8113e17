"""What the pages of approvals show and send, without a bus."""

from datetime import UTC, date, datetime
from uuid import UUID

from services.gateway.pages.approvals import Refused, approval_view, corrections
from services.gateway.problems import WrongField
from shared.commands import AnalysedInvoice, ApprovalDetail, DocumentDetail, InvoiceField
from shared.errors import Failure
from shared.words import ApprovalState

ID = UUID(int=7)
THEN = datetime(2026, 3, 12, tzinfo=UTC)
APPROVAL = ApprovalDetail(
    document_id=ID, client="main", file_name="invoice.pdf", state=ApprovalState.WAITING, values_version="v1",
    values={"iban": "DE75"}, doubtful=["payee_name"], rule="four eyes", role="accounting", approvals_needed=2,
    approved_by=["ada"], due=date(2026, 4, 1), overdue=False, requested_at=THEN,
)  # fmt: skip
DOCUMENT = DocumentDetail(
    document_id=ID, client="main", file_name="invoice.pdf", media_type="application/pdf", size=1, sha256="0",
    uploaded_at=THEN,
    invoice=AnalysedInvoice(
        kind="invoice", source="text", analysed_at=THEN,
        fields=[InvoiceField(name="iban", value="DE75", source="text", confidence=90, verdict="certain")],
    ),
)  # fmt: skip


def test_what_is_doubtful_is_shown_although_nobody_found_it() -> None:
    view = approval_view(APPROVAL, DOCUMENT, "ada")
    assert [(row.name, row.value, row.doubtful) for row in view.fields] == [
        ("iban", "DE75", False),
        ("payee_name", "", True),
    ]
    assert "bic" in [row.name for row in view.missing]
    assert view.mine
    assert view.open
    assert not approval_view(APPROVAL, DOCUMENT, "bea").mine


def test_a_refused_correction_keeps_what_was_typed_beside_its_error() -> None:
    typed = {"is.iban": "CH93 0000", "was.iban": "DE75", "said": "", "confirm": []}
    failure = Failure(code="correction_invalid", cause="wrong", next_step="Correct it.")
    refused = Refused(failure, None, [WrongField(field="iban", message="no IBAN")], "correct", typed)
    [iban] = [row for row in approval_view(APPROVAL, DOCUMENT, "bea", refused).fields if row.name == "iban"]
    assert (iban.value, iban.error) == ("CH93 0000", "no IBAN")


def test_only_what_differs_is_corrected_and_what_was_emptied_is_none() -> None:
    typed = {
        "is.iban": " DE75 ", "was.iban": "DE75", "is.bic": "X", "was.bic": "", "is.message": "",
        "was.message": "old", "said": "because", "confirm": [],
    }  # fmt: skip
    assert corrections(typed) == {"bic": "X", "message": None}
