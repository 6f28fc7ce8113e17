"""A tour as it could have been, for tests of what is made of it."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pikepdf

from cli.answers import CausedRun, ChainEntry, DocumentChain, UploadedFile
from cli.demo.story import DocumentStory, PaymentStory, Story, TakenRun, Upload
from shared.commands import (
    Answer,
    BankMatch,
    BankStatementRow,
    BankTransactionRow,
    CurrencyTotal,
    PaymentFileDetail,
    PaymentOrderRow,
    RunDetail,
)
from shared.errors import Failure
from shared.words import Outcome, PaymentState, RunState
from tests.unit.cli.examples import AT, DETAIL, DOCUMENT, OTHER_RUN, QUESTIONS, RUN, detail, record

FILE = UUID("f17e0000-0000-5000-8000-000000000001")
THIRD_RUN = UUID("5c0eaaaa-31f5-5b1e-8a52-0a4c0c6a0003")
MAIL = UUID("d0c00000-0000-5000-8000-000000000002")

LOCKED = Failure(
    code="pdf_encrypted",
    cause="the PDF asks for a password",
    concern="locked-payroll.pdf",
    next_step="Ask the sender for an unlocked copy.",
)


def uploaded(name: str, *, duplicate: bool = False) -> UploadedFile:
    return UploadedFile(
        file_name=name,
        document_id=DOCUMENT,
        duplicate=duplicate,
        media_type="application/pdf",
        sha256="ab" * 32,
        runs=[CausedRun(run_id=RUN, job="documents.convert-to-pdf")],
    )


def answering(run: RunDetail, *, changed: bool | None) -> RunDetail:
    """The run with answers that say as data, too, whether it changed something."""
    data = {
        "data_changed": {"changed": changed},
        "external_calls": {"called": False},
        "retry": {"possible": True, "safe": True},
    }
    answers = [Answer(question=q, title=t, words=w, data=data.get(q, {})) for q, (t, w) in QUESTIONS.items()]
    return run.model_copy(update={"answers": answers})


def a_page() -> bytes:
    target = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(target)
    return target.getvalue()


def an_invoice() -> DocumentStory:
    """One that was read, approved, ordered, and refused by the bank."""
    entry = ChainEntry(
        at=AT, kind="run", words="Succeeded.", run_id=RUN, job="documents.ocr", state="succeeded"
    )
    chain = DocumentChain(document_id=DOCUMENT, file_name="letter <b>.pdf", entries=[entry])
    return DocumentStory(
        "letter <b>.pdf", "a letter", DOCUMENT, DETAIL, known=False, chain=chain, pdf=a_page()
    )


def a_mail() -> DocumentStory:
    """One in which no invoice stands, and that cannot be shown as a picture."""
    nothing = DETAIL.model_copy(
        update={"document_id": MAIL, "invoice": None, "approval": None, "payment": None, "sha256": "cd" * 32}
    )
    return DocumentStory("mail.eml", "an e-mail", MAIL, nothing, known=True, pdf=b"%PDF-1.7 and no more")


def a_payment() -> PaymentStory:
    order = PaymentOrderRow(
        payment_id="d0c-01", block_id="b-001", document_id=DOCUMENT, state=PaymentState.REJECTED,
        payee_name="Nordlicht <Druck> GmbH", iban="CH6230808007654321096", amount=Decimal("1949.75"),
        currency="CHF", account="CH5604835012345678009", execution_date=date(2026, 3, 31),
        reason_code="AC04", reason="AC04: the account is closed",
    )  # fmt: skip
    file = PaymentFileDetail(
        file_id=FILE, client="main", message_id="f17e", run_id=THIRD_RUN, principal="admin", created_at=AT,
        completed_at=AT, size=9, sha256="ef" * 32, states={PaymentState.REJECTED: 1}, orders=[order],
        totals=[CurrencyTotal(currency="CHF", amount=Decimal("1949.75"))],
    )  # fmt: skip
    return PaymentStory(file, b"<Document>&</Document>", known=False, rejected={"d0c-01": "AC04"})


def a_transaction() -> BankTransactionRow:
    match = BankMatch(
        document_id=DOCUMENT, invoice_number="2026-0815", amount=Decimal("1949.75"), currency="CHF",
        matched_by="payment_id", settles=True,
    )  # fmt: skip
    return BankTransactionRow(
        key="bank:1", client="main", account="CH5604835012345678009", booked_on=date(2026, 3, 31),
        amount=Decimal("-1949.75"), currency="CHF", party="Nordlicht Druck GmbH", match="matched",
        matches=[match], run_id=OTHER_RUN,
    )  # fmt: skip


def a_statement() -> BankStatementRow:
    return BankStatementRow(
        key="statement:1", client="main", label="Statement 1", account="CH5604835012345678009",
        currency="CHF", message="camt.053.001.08", opening_amount=Decimal(50000),
        closing_amount=Decimal("48050.25"), total=Decimal("-1949.75"), entries=1, not_booked=0,
        warnings=[], file_name="camt053.xml", run_id=OTHER_RUN,
    )  # fmt: skip


def a_story() -> Story:
    story = Story(url="http://127.0.0.1:4711", began_at=datetime(2026, 3, 12, 14, 2, tzinfo=UTC))
    story.ready_after, story.took = 6.4, 21.5
    story.documents = [an_invoice(), a_mail()]
    read = answering(detail(state=RunState.SUCCEEDED), changed=True)
    again = answering(detail(THIRD_RUN, RunState.SUCCEEDED, counts={"unchanged": 1}), changed=False)
    failed = answering(
        detail(
            OTHER_RUN, RunState.FAILED, failure=LOCKED, sentence="The PDF asks for a password.", counts={}
        ),
        changed=False,
    )
    story.failure = TakenRun(failed, "locked-payroll.pdf")
    story.runs = {
        RUN: TakenRun(read, "letter <b>.pdf", [record(1, Outcome.CREATED)]),
        THIRD_RUN: TakenRun(again, "the same statement again"),
        OTHER_RUN: story.failure,
    }
    story.payments = [a_payment()]
    story.transactions, story.statements = [a_transaction()], [a_statement()]
    story.imports, story.imports_again = [read], [again]
    story.again = Upload(uploaded("letter <b>.pdf", duplicate=True), 1, 1)
    story.touched_key = f"invoice:{DOCUMENT}"
    story.touched = [record(1, Outcome.CREATED, message="<script>alert(1)</script>")]
    story.check("an invoice knows the runs that read and ordered it", True)
    story.check("the same statement again changes nothing", False, "2 created")
    return story
