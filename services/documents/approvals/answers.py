"""The service's answers to questions about approvals, and to what people ask for."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.documents.approvals import queries
from services.documents.approvals.correcting import Corrections
from services.documents.approvals.desk import Desk
from services.documents.approvals.refusals import StepRefused
from services.documents.approvals.steps import Steps
from services.documents.approvals.withdrawing import Withdrawals
from shared import subjects
from shared.commands import (
    AnswerQuestion,
    ApprovalQuery,
    ApprovalsQuery,
    ApproveInvoice,
    AskBack,
    Command,
    CorrectInvoice,
    RejectInvoice,
    StepTaken,
    WithdrawApproval,
    Withheld,
    WithholdPayment,
)
from shared.outbox import Outbox
from shared.service import Service

Asked = TypeVar("Asked", bound=Command)

#: Seconds; less than the person's request waits, so that the person hears what happened.
WITHHOLD_TIMEOUT = 10.0


def answer_people(service: Service, desk: Desk) -> None:
    """Register everything; `service` has not started yet."""

    def steps() -> Steps:
        return Steps(Outbox(service.pool, service.relay), desk)

    def corrections() -> Corrections:
        return Corrections(Outbox(service.pool, service.relay), desk)

    def withdrawals() -> Withdrawals:
        return Withdrawals(Outbox(service.pool, service.relay), desk, withhold)

    async def withhold(asked: WithholdPayment) -> Withheld:
        return await service.bus.ask(subjects.WITHHOLD, asked, Withheld, timeout=WITHHOLD_TIMEOUT)

    service.answer(
        subjects.query("documents", "approvals"),
        ApprovalsQuery,
        lambda query: queries.list_approvals(service.pool, query),
    )
    service.answer(
        subjects.query("documents", "approval"),
        ApprovalQuery,
        lambda query: queries.describe_approval(service.pool, query),
    )
    service.answer(subjects.APPROVE, ApproveInvoice, _refusable(lambda asked: steps().approve(asked)))
    service.answer(subjects.REJECT, RejectInvoice, _refusable(lambda asked: steps().reject(asked)))
    service.answer(subjects.ASK, AskBack, _refusable(lambda asked: steps().ask(asked)))
    service.answer(subjects.ANSWER, AnswerQuestion, _refusable(lambda asked: steps().answer(asked)))
    service.answer(
        subjects.WITHDRAW, WithdrawApproval, _refusable(lambda asked: withdrawals().withdraw(asked))
    )
    service.answer(subjects.CORRECT, CorrectInvoice, _refusable(lambda asked: corrections().correct(asked)))


def _refusable(
    handler: Callable[[Asked], Awaitable[StepTaken]],
) -> Callable[[Asked], Awaitable[StepTaken]]:
    """A refusal that names fields or roles is an answer: it has more to say than a failure."""

    async def answer(asked: Asked) -> StepTaken:
        try:
            return await handler(asked)
        except StepRefused as refused:
            return refused.as_answer()

    return answer
