"""The tour's own judgement: what is not as expected is named, and the demo fails."""

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo import words
from cli.demo.samples import ATTACHMENT, LETTER, ON_PAPER, PAPERS, make_locked_pdf
from cli.demo.story import TakenRun, unchanged
from cli.demo.views import RunsTable
from cli.exits import Exit
from shared.commands import (
    BankStatementsPage,
    BankTransactionsPage,
    PayablesPage,
    RecordsPage,
    ReportsPage,
    RunsPage,
)
from shared.words import ApprovalState, Outcome, PaymentState, RunState
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import (
    AUDIT_STATE,
    CHAIN,
    DETAIL,
    DOCUMENT,
    RECORDS,
    RUN,
    detail,
    events,
    record,
    summary,
    upload_answer,
)
from tests.unit.cli.gateway import CannedGateway, Said, server_sent
from tests.unit.cli.stories import LOCKED, a_story, answering


def test_a_tour_that_finds_something_else_names_it_and_fails(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    """A running stack whose one run fails in part, which takes each upload for a new document, and on which
    nothing is ever approved or paid."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "credentials.json").write_text(json.dumps({"url": gateway.url, "token": "secret"}))
    gateway.on("GET", "/readyz", {"ready": True})
    gateway.on("POST", "/documents", upload_answer("scan.pdf"), status=201)
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail())
    gateway.on("GET", f"/runs/{RUN}/records", RECORDS)
    gateway.on("GET", f"/documents/{DOCUMENT}", DETAIL)
    gateway.on("GET", f"/documents/{DOCUMENT}/chain", CHAIN)
    gateway.on("GET", "/runs", RunsPage(items=[summary()]))
    gateway.on(
        "POST",
        f"/runs/{RUN}/rerun",
        {"run_id": str(RUN), "job": "documents.ocr", "client": "main", "sequence": 20, "existing": False},
    )
    gateway.on("GET", "/records", RecordsPage(items=[record(1, Outcome.CREATED)]))
    gateway.on("GET", "/payables", PayablesPage(items=[]))
    gateway.on("GET", "/bank/transactions", BankTransactionsPage(items=[]))
    gateway.on("GET", "/bank/statements", BankStatementsPage(items=[]))
    for job in ("audit.verify-log", "reporting.due-date-report"):
        started = {"run_id": str(RUN), "job": job, "client": "main", "sequence": 30, "existing": False}
        gateway.on("POST", f"/jobs/{job}/runs", started, status=202)
    gateway.on("GET", "/reports", ReportsPage(items=[]))
    gateway.on("GET", "/audit/state", AUDIT_STATE)

    ran = run("demo", "--state-dir", state)

    assert ran.exit == Exit.FAILED
    said = " ".join(ran.out.split())
    for expected in (
        "the report can be found (found: there is none)",
        "the audit log is as it was written (found: ",
        "qr-bill-scanned.pdf: 4 jobs succeeded (found: )",
        "qr-bill-scanned.pdf: its PDF can be downloaded (found: none)",
        "what is to be paid was read as it stands on the paper (found: {'payable_amount': '1949.75'",
        "the e-mail's attachment is a document of its own",
        "is approved (found: questioned)",
        "every approved invoice is ordered (found: no invoices)",
        "the same statement again changes nothing (found: [])",
        "the locked PDF: its run failed (found: partially_failed)",
        "the error says that it is encrypted (found: no failure)",
        "the second upload is recognized as the same document",
        "an invoice knows the runs that read and ordered it (found: ['documents.ocr'])",
    ):
        assert expected in said
    assert "not as expected" in said
    assert (state / "demo-report.html").exists()
    asked = [(one.method, one.path) for one in gateway.asked]
    assert ("POST", f"/approvals/{DOCUMENT}/approve") not in asked, (
        "a person approves what they have compared"
    )
    assert asked.count(("POST", f"/runs/{RUN}/rerun")) == len((*PAPERS, LETTER)), (
        "an earlier tour's, once each"
    )


def test_a_stack_that_cannot_start_is_a_problem_with_its_cause(run: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "letter.txt").write_text("not a state folder")
    ran = run("demo", "--state-dir", tmp_path / "state")
    assert ran.exit == Exit.PROBLEM
    assert "not_a_state_folder" in ran.err


def test_only_runs_that_say_so_count_as_unchanged() -> None:
    same = answering(detail(), changed=False)
    assert unchanged([same, same])
    assert not unchanged([same, answering(detail(), changed=True)])
    assert not unchanged([])


def test_a_run_is_told_in_words_by_its_own_answers() -> None:
    taken = TakenRun(answering(detail(), changed=None), "scan.pdf", [record(1, Outcome.CREATED)])
    assert words.outcomes(taken) == "1 created, 1 failed"
    assert words.changed_words(taken) == "in doubt"
    assert words.called_words(taken) == "no"
    assert words.retry_words(taken) == "safe"
    assert taken.words == "recognized with 91 % confidence"
    failed = TakenRun(detail(state=RunState.FAILED, failure=LOCKED, counts={}), "locked.pdf")
    assert words.outcomes(failed) == "pdf encrypted"
    assert words.retry_words(failed) == "no", "nothing is promised that the run does not say"
    assert failed.words == failed.run.sentence
    assert words.money(Decimal("-1286.4"), "CHF") == "CHF -1,286.40"


def test_a_document_shows_the_runs_of_its_own_chain() -> None:
    story = a_story()
    assert [taken.run.run_id for taken in story.runs_of(story.documents[0])] == [RUN]
    assert story.runs_of(story.documents[1]) == []
    assert story.invoices == [story.documents[0]]


def test_the_papers_are_there_and_each_invoice_of_them_is_known_by_heart() -> None:
    assert all(paper.path.exists() for paper in (*PAPERS, LETTER))
    assert set(ON_PAPER) == {"qr-bill-scanned.pdf", "invoice-zugferd.pdf", ATTACHMENT}
    assert ATTACHMENT in LETTER.path.read_text()


def test_the_locked_pdf_is_locked_and_new_each_time(tmp_path: Path) -> None:
    import pikepdf

    first = make_locked_pdf(tmp_path).read_bytes()
    assert make_locked_pdf(tmp_path).read_bytes() != first
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(tmp_path / "locked-payroll.pdf")


@pytest.mark.parametrize("width", [70, 140])
def test_the_table_of_runs_has_every_run_whole_at_any_width(width: int) -> None:
    console = Console(width=width, file=io.StringIO())
    console.print(RunsTable(a_story()))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len([line for line in lines if "succeeded" in line or "failed !" in line]) == 3
    assert any("the same statement again" in line for line in lines)
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("approval", "payment", "expected"),
    [
        (ApprovalState.WAITING, None, "Somebody with the role accounting approves it"),
        (ApprovalState.WAITING, PaymentState.REJECTED, "Ask the payee for the right account"),
        (ApprovalState.QUESTIONED, None, "Somebody answers: Was this"),
        (ApprovalState.REJECTED, None, "it is not paid"),
        (ApprovalState.APPROVED, None, "Create the payment file"),
        (ApprovalState.APPROVED, PaymentState.REJECTED, "Create the payment file"),
        (ApprovalState.APPROVED, PaymentState.ACCEPTED, "the bank has the order"),
        (ApprovalState.APPROVED, PaymentState.PAID, "Nothing."),
    ],
)
def test_an_invoice_says_what_a_person_does_next(
    approval: ApprovalState, payment: PaymentState | None, expected: str
) -> None:
    document = a_story().documents[0]
    assert document.detail.approval is not None
    assert document.detail.payment is not None
    paid = document.detail.payment.model_copy(update={"state": payment}) if payment else None
    stands = document.detail.approval.model_copy(update={"state": approval})
    document.detail = document.detail.model_copy(update={"approval": stands, "payment": paid})
    assert expected in words.to_be_done(document)
    assert words.amount_of(document) == "CHF 1,949.75"
    assert words.to_be_done(a_story().documents[1]) == "Nothing."
    assert words.amount_of(a_story().documents[1]) == "–"
