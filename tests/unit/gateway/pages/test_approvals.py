"""What the pages of approvals show and send, without a bus."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.gateway.pages.approvals import Refused, approval_view, next_for
from services.gateway.pages.invoice_values import AMBIGUOUS, NO_AMOUNT, amount_typed, corrections, grouped
from services.gateway.pages.invoice_words import FIELDS
from services.gateway.problems import WrongField
from shared.access import Principal
from shared.commands import AnalysedInvoice, ApprovalDetail, ApprovalRow, DocumentDetail, InvoiceField
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
ADA = Principal(id="ada", name="Ada", roles=frozenset({"accounting"}), clients=frozenset({"main"}))
BEA = ADA.model_copy(update={"id": "bea"})


@pytest.mark.parametrize(
    ("reader", "state", "offered"),
    [
        (ADA, "waiting", ["withdraw", "ask", "reject", "correct"]),
        (BEA, "waiting", ["approve", "ask", "reject", "correct"]),
        (BEA, "questioned", ["answer", "reject", "correct"]),
        (BEA, "approved", []),
        (BEA, "rejected", ["correct"]),
        (BEA.model_copy(update={"roles": frozenset({"trustee"})}), "waiting", ["correct"]),
        (BEA.model_copy(update={"roles": frozenset({"uploader"})}), "questioned", ["answer"]),
        (BEA.model_copy(update={"clients": frozenset({"other"})}), "waiting", []),
    ],
)
def test_only_steps_that_are_possible_and_allowed_are_offered(
    reader: Principal, state: str, offered: list[str]
) -> None:
    question = "Was it delivered?" if state == "questioned" else None
    approval = APPROVAL.model_copy(update={"state": ApprovalState(state), "question": question})
    assert approval_view(approval, DOCUMENT, reader).offered == offered


def test_what_was_typed_for_a_step_that_is_not_possible_any_more_is_shown() -> None:
    refused = Refused(
        Failure(code="approval_ended", cause="x", next_step="y"), None, [], "reject", {"said": "no"}
    )
    ended = APPROVAL.model_copy(update={"state": ApprovalState.APPROVED})
    assert approval_view(ended, DOCUMENT, BEA, refused).unsent == "no"
    assert approval_view(APPROVAL, DOCUMENT, BEA, refused).unsent is None


def test_the_next_is_the_first_that_the_reader_can_decide_about() -> None:
    def row(number: int, role: str = "accounting", by: Sequence[str] = ()) -> ApprovalRow:
        shown = APPROVAL.model_dump(
            include={"client", "file_name", "state", "values_version", "due", "overdue"}
        )
        return ApprovalRow(
            **shown, document_id=UUID(int=number), role=role, approvals_needed=2, approved_by=list(by)
        )

    rows = [row(7), row(1, "directors"), row(2, by=["ada"]), row(3)]
    assert next_for(ADA, rows, ID) == rows[3]
    assert next_for(BEA, rows, ID) == rows[2]
    assert next_for(ADA, rows[:3], ID) is None


def test_what_is_doubtful_is_shown_although_nobody_found_it() -> None:
    view = approval_view(APPROVAL, DOCUMENT, ADA)
    assert [(row.name, row.value, row.doubtful) for row in view.fields] == [
        ("currency", "", False),
        ("payable_amount", "", False),
        ("iban", "DE75", False),
        ("payee_name", "", True),
    ]
    assert [row.name for row in view.pressing] == ["currency", "payable_amount", "payee_name"]
    assert "bic" in [row.name for group in view.groups for row in group.rows]
    assert view.mine
    assert view.open
    assert not approval_view(APPROVAL, DOCUMENT, BEA).mine


def test_a_refused_correction_keeps_what_was_typed_beside_its_error() -> None:
    typed = {"is.iban": "CH93 0000", "was.iban": "DE75", "said": "", "confirm": []}
    failure = Failure(code="correction_invalid", cause="wrong", next_step="Correct it.")
    refused = Refused(failure, None, [WrongField(field="iban", message="no IBAN")], "correct", typed)
    [iban] = [row for row in approval_view(APPROVAL, DOCUMENT, BEA, refused).fields if row.name == "iban"]
    assert (iban.typed, iban.was, iban.error) == ("CH93 0000", "DE75", "no IBAN")


def test_every_field_stands_once_in_the_form() -> None:
    view = approval_view(APPROVAL, DOCUMENT, ADA)
    rows = [*view.pressing, *(row for group in view.groups for row in group.rows)]
    assert sorted(row.name for row in rows) == sorted(FIELDS)


def test_only_what_differs_is_corrected_and_what_was_emptied_is_none() -> None:
    typed = {
        "is.iban": "DE75 5121", "was.iban": "DE755121", "is.bic": "X", "was.bic": "", "is.message": "",
        "was.message": "old", "is.net_amount": "1000.00", "was.net_amount": "1’000.00",
        "is.due_date": "31.12.2026", "was.due_date": "2026-12-31", "is.vat_amount": "1.234",
        "was.vat_amount": "1.00", "is.gross_amount": "1.234,5", "was.gross_amount": "", "said": "because",
    }  # fmt: skip
    changed = {"bic": "X", "message": None, "gross_amount": "1234.50"}
    assert corrections(typed) == (changed, {"vat_amount": AMBIGUOUS})


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("1'234.50", "1234.50"), ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("1 234,5", "1234.50"),
        ("1\u202f234\u202f567,00", "1234567.00"), ("1.234.567", "1234567.00"), ("-12.5", "-12.50"),
        ("1190", "1190.00"), ("1’234", "1234.00"),
    ],
)  # fmt: skip
def test_an_amount_is_understood_as_anybody_writes_it(said: str, amount: str) -> None:
    assert amount_typed(said) == amount


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("1.234", AMBIGUOUS),
        ("1,234", AMBIGUOUS),
        ("1,2,3", NO_AMOUNT),
        ("1,234,50", NO_AMOUNT),
        ("x", NO_AMOUNT),
    ],
)
def test_an_amount_that_may_mean_two_things_or_none_is_refused(said: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        amount_typed(said)


def test_references_are_grouped_as_they_are_printed() -> None:
    assert grouped("reference", "210000000003139471430009017") == "21 00000 00003 13947 14300 09017"
    assert grouped("reference", "RF18539007547034") == "RF18 5390 0754 7034"
    assert grouped("reference", "4711") == "4711"
    assert grouped("iban", "CH9300762011623852957") == "CH93 0076 2011 6238 5295 7"
