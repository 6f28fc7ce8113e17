"""Approvals of invoices, what people do about them, and corrections.

The commands carry the principal who asks, as the gateway knows them: who may do what depends on the role that
the rule of each approval names, so the documents service decides it with the approval in its hands.
"""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.access import Principal
from shared.commands.common import PagedQuery, Query
from shared.commands.documents import AnalysedInvoice, ApprovalDetail
from shared.errors import Failure
from shared.words import ApprovalState


class ApprovalsQuery(PagedQuery):
    """`query.documents.approvals` -> `ApprovalsPage`: those that the asker may see, the earliest due first,
    so that what is overdue stands in front."""

    asker: Principal
    client: str | None = None
    #: Any of these states.
    state: list[ApprovalState] = Field(default_factory=list)
    #: Only those that this role is asked to approve.
    role: str | None = None
    overdue: bool | None = None


class ApprovalQuery(Query):
    """`query.documents.approval` -> `ApprovalDetail`, or `approval_not_found`."""

    asker: Principal
    document_id: UUID


class ApprovalRow(BaseModel):
    """One row of a list of approvals."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    client: str
    file_name: str
    state: ApprovalState
    values_version: str
    issuer_name: str | None = None
    invoice_number: str | None = None
    #: What is to be paid, as `1234.50`.
    amount: str | None = None
    currency: str | None = None
    role: str
    approvals_needed: int
    approved_by: list[str] = Field(default_factory=list)
    due: date
    overdue: bool
    #: Payment fields that a person has to confirm or correct before an approval is accepted.
    doubtful: list[str] = Field(default_factory=list)
    duplicate_of: UUID | None = None
    question: str | None = None


class ApprovalsPage(BaseModel):
    items: list[ApprovalRow]
    next_cursor: str | None = None


class Command(BaseModel):
    """What every command about one invoice carries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    asker: Principal
    document_id: UUID
    traceparent: str | None = None


class ApproveInvoice(Command):
    """`command.documents.approve` -> `StepTaken`."""

    #: The values that the approver saw; other ones in the meantime are `values_changed`.
    values_version: str
    comment: str | None = None
    #: Doubtful fields that the approver confirms as they are; `duplicate`: that it is to be paid although it
    #: looks like a duplicate.
    confirm: list[str] = Field(default_factory=list)


class RejectInvoice(Command):
    """`command.documents.reject` -> `StepTaken`."""

    reason: str = Field(min_length=3)


class WithdrawApproval(Command):
    """`command.documents.withdraw` -> `StepTaken`: the asker's own approval does not count any more."""

    reason: str = Field(min_length=3)


class AskBack(Command):
    """`command.documents.ask` -> `StepTaken`: the approval waits for an answer."""

    question: str = Field(min_length=3)


class AnswerQuestion(Command):
    """`command.documents.answer` -> `StepTaken`."""

    answer: str = Field(min_length=1)


class CorrectInvoice(Command):
    """`command.documents.correct` -> `StepTaken`."""

    #: Field -> value as a person writes it; None: the invoice has no such field.
    fields: dict[str, str | None] = Field(min_length=1)
    reason: str | None = None


class WrongValue(BaseModel):
    """A field that stands in the way."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    field: str
    message: str


class Refusal(BaseModel):
    """Why a step was not taken, with what the person needs to mend it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    failure: Failure
    client: str
    fields: list[WrongValue] = Field(default_factory=list)
    #: Any one of these roles would do, if a role is missing.
    roles_wanted: list[str] = Field(default_factory=list)


class StepTaken(BaseModel):
    """What became of a command: either `refusal`, or how things stand now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: False: the same person had done the same before, and nothing changed.
    changed: bool = False
    approval: ApprovalDetail | None = None
    invoice: AnalysedInvoice | None = None
    refusal: Refusal | None = None
