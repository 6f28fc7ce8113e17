"""What the tour saw: the data that the terminal and the report show. Nothing in it is made up afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cli.answers import DocumentChain, UploadedFile
from shared.commands import (
    BankStatementRow,
    BankTransactionRow,
    DocumentDetail,
    PaymentFileDetail,
    RecordRow,
    RunDetail,
)
from shared.words import ApprovalState, PaymentState


@dataclass(slots=True)
class DocumentStory:
    """One document: how it came in, and what is known of it now."""

    name: str
    #: What it is, in words.
    what: str
    document_id: UUID
    detail: DocumentDetail
    #: An earlier tour had brought it.
    known: bool
    #: The e-mail with which it came.
    came_with: str | None = None
    #: Its way from the upload on: runs, approval, payment.
    chain: DocumentChain | None = None
    #: The PDF that was made of it or that it is.
    pdf: bytes | None = None

    @property
    def to_pay(self) -> bool:
        return self.detail.approval is not None

    @property
    def approval(self) -> ApprovalState | None:
        return None if self.detail.approval is None else self.detail.approval.state

    @property
    def payment(self) -> PaymentState | None:
        return None if self.detail.payment is None else self.detail.payment.state

    @property
    def is_paid(self) -> bool:
        return self.payment is PaymentState.PAID

    def field(self, name: str) -> str | None:
        fields = self.detail.invoice.fields if self.detail.invoice is not None else []
        return next((one.value for one in fields if one.name == name), None)

    @property
    def title(self) -> str:
        """`Holzwerk Aebi AG, RE-2026-1041`, or the name of the file."""
        named = [word for word in (self.field("issuer_name"), self.field("invoice_number")) if word]
        return ", ".join(named) or self.name


@dataclass(slots=True)
class PaymentStory:
    """One payment file, with what the bank said of it."""

    file: PaymentFileDetail
    #: The pain.001 as the bank gets it.
    content: bytes
    #: An earlier tour had made it.
    known: bool
    #: End-to-end ids that the bank of the demo rejects -> its reason.
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """The first document once more."""

    file: UploadedFile
    #: Runs that uploads had started about it, before and after.
    runs_before: int
    runs_after: int


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run of the tour, in the order in which the tour met them."""

    run: RunDetail
    #: What it was about, for a person.
    about: str
    records: Sequence[RecordRow] = ()

    @property
    def words(self) -> str:
        """What it did, as its records say."""
        said = [record.message for record in self.records if record.message]
        return "; ".join(said) or self.run.sentence


@dataclass(frozen=True, slots=True)
class Check:
    """Something that the tour expected, and whether it was so."""

    what: str
    held: bool
    #: What was there instead.
    found: str = ""


@dataclass(slots=True)
class Story:
    url: str
    began_at: datetime
    #: Seconds until everything served; None where a running stack was used.
    ready_after: float | None = None
    documents: list[DocumentStory] = field(default_factory=list)
    payments: list[PaymentStory] = field(default_factory=list)
    statements: list[BankStatementRow] = field(default_factory=list)
    #: What the bank booked of the payments.
    transactions: list[BankTransactionRow] = field(default_factory=list)
    #: The imports of the statement: the first, and the same again.
    imports: list[RunDetail] = field(default_factory=list)
    imports_again: list[RunDetail] = field(default_factory=list)
    #: The run about the document that cannot be read, and the document's name.
    failure: TakenRun | None = None
    again: Upload | None = None
    #: Everything that ever touched one invoice.
    touched_key: str | None = None
    touched: list[RecordRow] = field(default_factory=list)
    runs: dict[UUID, TakenRun] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    #: Seconds that the tour took, without the start of the stack.
    took: float | None = None

    def check(self, what: str, held: bool, found: object = "") -> bool:
        self.checks.append(Check(what, held, "" if held else str(found)))
        return held

    @property
    def all_held(self) -> bool:
        return all(check.held for check in self.checks)

    @property
    def known_already(self) -> bool:
        """Whether an earlier tour on the same state had brought all documents."""
        return bool(self.documents) and all(story.known for story in self.documents)

    @property
    def invoices(self) -> list[DocumentStory]:
        return [story for story in self.documents if story.to_pay]

    def runs_of(self, document: DocumentStory) -> list[TakenRun]:
        """The runs of its chain, in their order."""
        entries = document.chain.entries if document.chain is not None else []
        ids = [entry.run_id for entry in entries if entry.run_id is not None]
        return [self.runs[id] for id in ids if id in self.runs and self.runs[id].about == document.name]

    def document(self, document_id: UUID) -> DocumentStory | None:
        return next((story for story in self.documents if story.document_id == document_id), None)


def unchanged(runs: Iterable[RunDetail]) -> bool:
    """Whether these runs found everything as it should be, by their own answer."""
    runs = list(runs)
    return bool(runs) and not any(data_changed(run) for run in runs)


def data_changed(run: RunDetail) -> bool | None:
    """The fifth of its answers: whether data was changed; None where nobody knows."""
    return _answered(run, "data_changed", "changed")


def called_outside(run: RunDetail) -> bool | None:
    """The sixth of its answers."""
    return _answered(run, "external_calls", "called")


def retry_possible(run: RunDetail) -> bool | None:
    """The seventh of its answers."""
    return _answered(run, "retry", "possible")


def retry_safe(run: RunDetail) -> bool | None:
    return _answered(run, "retry", "safe")


def _answered(run: RunDetail, question: str, what: str) -> bool | None:
    data = next((answer.data for answer in run.answers if answer.question == question), {})
    said = data.get(what)
    return said if isinstance(said, bool) else None
