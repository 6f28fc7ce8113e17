"""Approvals of invoices: who waits for whom, and what people do about it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway import core
from services.gateway.context import QUERY_TIMEOUT, Gateway, MayApprove, MayRead, TheGateway, TheTrace
from services.gateway.fields import Text
from services.gateway.lists import ClientFilter
from services.gateway.problems import ProblemError, WrongField, answers
from services.gateway.routes.steering import COMMAND_TIMEOUT
from shared import subjects
from shared.access import Principal
from shared.commands import (
    AnswerQuestion,
    ApprovalDetail,
    ApprovalQuery,
    ApprovalsPage,
    ApprovalsQuery,
    ApproveInvoice,
    AskBack,
    Command,
    CorrectInvoice,
    RejectInvoice,
    StepTaken,
    WithdrawApproval,
)
from shared.errors import TagwerkError
from shared.words import ApprovalState

router = APIRouter(tags=["approvals"])

Reason = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=3)]
Comment = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1)]


class ApprovalsFilter(ClientFilter):
    """All of these have to hold."""

    state: list[ApprovalState] = Field(default_factory=list, description="Any of these; several times.")
    role: Text | None = Field(default=None, description="Only those that this role is asked to approve.")
    overdue: bool | None = None


class Approve(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"values_version": "3f2a9c0d11ee", "confirm": ["iban"]}]},
    )

    values_version: Text = Field(description="Of the approval that you saw.")
    comment: Comment | None = None
    confirm: list[Text] = Field(
        default_factory=list,
        max_length=50,
        description="Doubtful fields that are right as they are; `duplicate`: to be paid all the same.",
    )


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: Reason


class AnswerIt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answer: Comment


class Correct(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"fields": {"iban": "CH93 0076 2011 6238 5295 7", "order_number": None}}]
        },
    )

    fields: dict[Text, Text | None] = Field(
        min_length=1, max_length=50, description="Field to value; null where the invoice has none."
    )
    reason: Reason | None = None


@router.get("/approvals", summary="Approvals, the earliest due first", responses=answers(404))
async def list_approvals(
    filter: Annotated[ApprovalsFilter, Query()], asking: MayRead, gateway: TheGateway
) -> ApprovalsPage:
    """Those of your clients that you may see: with a role in accounting, or the role that is to approve."""
    if filter.client is not None:
        await gateway.gate.act_for(asking, filter.client, "approvals")
    query = ApprovalsQuery(asker=asking, **filter.model_dump())
    subject = subjects.query("documents", "approvals")
    return await gateway.bus.ask(subject, query, ApprovalsPage, timeout=QUERY_TIMEOUT)


@router.get(
    "/approvals/{document_id}", summary="The approval of an invoice, with its history", responses=answers(404)
)
async def read_approval(document_id: UUID, asking: MayRead, gateway: TheGateway) -> ApprovalDetail:
    query = ApprovalQuery(asker=asking, document_id=document_id)
    subject = subjects.query("documents", "approval")
    try:
        return await gateway.bus.ask(subject, query, ApprovalDetail, timeout=QUERY_TIMEOUT)
    except TagwerkError as error:
        raise _hidden(gateway, asking, document_id, error) from None


@router.post(
    "/approvals/{document_id}/approve", summary="Approve an invoice", responses=answers(403, 404, 409)
)
async def approve(
    document_id: UUID, body: Approve, asking: MayApprove, gateway: TheGateway, trace: TheTrace
) -> StepTaken:
    """The same person twice counts once. 409 `values_changed` if it is not what you saw any more; 422
    `fields_doubtful` names what has to be confirmed or corrected first."""
    command = ApproveInvoice(
        asker=asking, document_id=document_id, traceparent=trace.traceparent, **body.model_dump()
    )
    return await _take(gateway, subjects.APPROVE, command)


@router.post("/approvals/{document_id}/reject", summary="Reject an invoice", responses=answers(403, 404, 409))
async def reject(
    document_id: UUID, body: Because, asking: MayApprove, gateway: TheGateway, trace: TheTrace
) -> StepTaken:
    """It will not be paid. A correction opens it again."""
    command = RejectInvoice(
        asker=asking, document_id=document_id, traceparent=trace.traceparent, reason=body.reason
    )
    return await _take(gateway, subjects.REJECT, command)


@router.post(
    "/approvals/{document_id}/withdraw", summary="Take your own approval back", responses=answers(404, 409)
)
async def withdraw(
    document_id: UUID, body: Because, asking: MayApprove, gateway: TheGateway, trace: TheTrace
) -> StepTaken:
    """As long as the invoice is in no payment file; 409 `payment_ordered` if it is. Approvals of others count
    on."""
    command = WithdrawApproval(
        asker=asking, document_id=document_id, traceparent=trace.traceparent, reason=body.reason
    )
    return await _take(gateway, subjects.WITHDRAW, command)


@router.post("/approvals/{document_id}/ask", summary="Ask back", responses=answers(403, 404, 409))
async def ask(
    document_id: UUID, body: Ask, asking: MayApprove, gateway: TheGateway, trace: TheTrace
) -> StepTaken:
    """Nobody can approve before the question is answered."""
    command = AskBack(
        asker=asking, document_id=document_id, traceparent=trace.traceparent, question=body.question
    )
    return await _take(gateway, subjects.ASK, command)


@router.post(
    "/approvals/{document_id}/answer", summary="Answer the open question", responses=answers(403, 404, 409)
)
async def answer(
    document_id: UUID, body: AnswerIt, asking: MayApprove, gateway: TheGateway, trace: TheTrace
) -> StepTaken:
    command = AnswerQuestion(
        asker=asking, document_id=document_id, traceparent=trace.traceparent, answer=body.answer
    )
    return await _take(gateway, subjects.ANSWER, command)


@router.post(
    "/documents/{document_id}/invoice/corrections",
    summary="Correct or confirm fields of an invoice",
    responses=answers(403, 404, 409),
)
async def correct(
    document_id: UUID, body: Correct, asking: MayApprove, gateway: TheGateway, trace: TheTrace
) -> StepTaken:
    """Kept over every later analysis; the approval is about the corrected values from then on. A wrong field
    changes nothing, and `errors` names each."""
    command = CorrectInvoice(
        asker=asking, document_id=document_id, traceparent=trace.traceparent, **body.model_dump()
    )
    return await _take(gateway, subjects.CORRECT, command)


async def _take(gateway: Gateway, subject: str, command: Command) -> StepTaken:
    """Let the documents service carry it out. A refusal for want of a role is an audit entry."""
    try:
        taken = await gateway.bus.ask(subject, command, StepTaken, timeout=COMMAND_TIMEOUT)
    except TagwerkError as error:
        raise _hidden(gateway, command.asker, command.document_id, error) from None
    refusal = taken.refusal
    if refusal is None:
        return taken
    failure = refusal.failure
    if refusal.roles_wanted:
        concern = f"document:{command.document_id}"
        await gateway.gate.refuse(
            command.asker, concern, failure.cause, client=refusal.client, roles_wanted=refusal.roles_wanted
        )
    errors = [WrongField(field=wrong.field, message=wrong.message) for wrong in refusal.fields]
    raise ProblemError(failure, **({"errors": errors} if errors else {}))


def _hidden(gateway: Gateway, asking: Principal, document_id: UUID, error: TagwerkError) -> TagwerkError:
    """A document that is not there and one that may not be seen give the same answer."""
    if error.failure.code != "document_not_found":
        return error
    gateway.gate.look_for_hidden_document(asking, document_id, None)
    return core.document_not_found(document_id)
