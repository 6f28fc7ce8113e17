"""What people do about invoices, done again by whoever got no answer; and what banks say of the payments."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from services.documents.analysts import Analysis
from services.documents.invoice_store import PostgresInvoices
from services.documents.store import remember_document
from shared import subjects
from shared.access import Principal
from shared.bus import Bus
from shared.commands import (
    AnswerQuestion,
    ApprovalDetail,
    ApprovalQuery,
    ApproveInvoice,
    AskBack,
    Command,
    CorrectInvoice,
    RejectInvoice,
    StepTaken,
    WithdrawApproval,
)
from shared.database import open_pool
from shared.events import InvoicePaid, PaymentStatusChanged
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.runner.context import RunContext
from shared.words import ApprovalState, PaymentState
from tests.faults.conftest import Sweep
from tests.integration.documents.office import reading
from tests.integration.documents.test_store import uploaded
from tests.support.faults.scene import USER, Scene
from tests.support.faults.sweep import Scenario

APPROVALS = "documents.approvals"
#: Four eyes, and an account that somebody has to confirm; one to reject, and one that seems to be the same.
LARGE = reading(("iban",), gross_amount="7000.00", invoice_number="2026-0700")
WRONG = reading(invoice_number="2026-0815")
REPEATED = reading(invoice_number="2026-0815", due_date="2099-05-10")


def document(scene: Scene, name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{scene.client}/{name}")


async def arrive(scene: Scene, **invoices: Analysis) -> None:
    """Invoices that were analysed, in this order: the service is told, and asks for their approval."""
    pool = await open_pool(scene.lane.database_url("documents"), max_size=1)
    for name, analysis in invoices.items():
        event = uploaded(scene.client, f"{name}.pdf").model_copy(
            update={"document_id": document(scene, name)}
        )
        await remember_document(pool, event)
        context = RunContext(new_id(), 1, "documents.analyse-invoice", scene.client, principal=USER)
        outbox = Outbox(pool, Relay(pool, cast(Bus, None)), context)
        await PostgresInvoices(pool, outbox, context).keep(event.document_id, event.file_name, analysis)
    await pool.close()


def person(scene: Scene, id: str) -> Principal:
    roles = frozenset({"accounting"})
    return Principal(id=id, name=id.title(), roles=roles, clients=frozenset({scene.client}))


async def step(
    scene: Scene, subject: str, kind: type[Command], name: str, asker: str, **words: Any
) -> ApprovalDetail:
    """Take a step twice: whoever got an answer, or none, and is not sure asks again and is told the same."""
    command = kind(asker=person(scene, asker), document_id=document(scene, name), **words)
    first = await scene.ask(subject, command, StepTaken)
    second = await scene.ask(subject, command, StepTaken)
    assert first.refusal is None, first.refusal
    assert first.approval is not None
    assert not second.changed
    assert second.approval == first.approval
    return first.approval


async def approve(scene: Scene, name: str, asker: str = USER, **words: Any) -> ApprovalDetail:
    query = ApprovalQuery(asker=person(scene, asker), document_id=document(scene, name))
    seen = await scene.ask(subjects.query("documents", "approval"), query, ApprovalDetail)
    words["values_version"] = seen.values_version
    return await step(scene, subjects.APPROVE, ApproveInvoice, name, asker, **words)


async def three_arrive(scene: Scene) -> None:
    await arrive(scene, large=LARGE, wrong=WRONG, repeated=REPEATED)


async def decide(scene: Scene) -> None:
    """Ask, answer and approve with four eyes; reject, and correct what was rejected."""
    await step(scene, subjects.ASK, AskBack, "large", "bea", question="Was this delivered?")
    await step(scene, subjects.ANSWER, AnswerQuestion, "large", USER, answer="Yes, on Monday.")
    assert (await approve(scene, "large", confirm=["iban"])).state is ApprovalState.WAITING
    assert (await approve(scene, "large", "bea")).state is ApprovalState.APPROVED
    rejected = await step(
        scene, subjects.REJECT, RejectInvoice, "wrong", USER, reason="another amount was agreed"
    )
    assert rejected.state is ApprovalState.REJECTED
    fields = {"gross_amount": "1200.00"}
    corrected = await step(scene, subjects.CORRECT, CorrectInvoice, "wrong", USER, fields=fields)
    assert corrected.state is ApprovalState.WAITING


STEPS = Scenario(
    dies="documents",
    beside=("scheduler",),
    besides=("values_version",),
    prepare=three_arrive,
    cause=decide,
    expects=(
        f"commit {APPROVALS}.steps.Steps.ask",
        f"commit {APPROVALS}.steps.Steps.answer",
        f"commit {APPROVALS}.steps.Steps.approve",
        f"commit {APPROVALS}.steps.Steps.reject",
        f"commit {APPROVALS}.correcting.Corrections.correct",
        "publish event.invoice.questioned",
        "publish event.invoice.approved",
        "publish event.invoice.rejected",
        "publish event.invoice.corrected",
        "publish event.approval.requested",
        "publish audit.invoice_approved",
        "commit outbox.Relay._pass",
    ),
    sides_of=(f"commit {APPROVALS}.steps.Steps.approve", "publish event.invoice.approved"),
    sample=2,
)


async def test_a_kill_anywhere_in_what_people_do_about_invoices_does_it_once(sweep: Sweep) -> None:
    await sweep(STEPS)


async def two_approved(scene: Scene) -> None:
    await arrive(scene, refused=WRONG, paid=reading(invoice_number="2026-0816", gross_amount="80.00"))
    await scene.rest()
    for name in ("refused", "paid"):
        assert (await approve(scene, name)).state is ApprovalState.APPROVED


async def hear(scene: Scene) -> None:
    """The bank refuses one payment, and a statement shows the other."""
    refused = PaymentStatusChanged(
        client=scene.client, principal=USER, document_id=document(scene, "refused"), file_id=new_id(),
        payment_id="E2E-1", before=PaymentState.ORDERED, after=PaymentState.REJECTED,
        amount=Decimal("1190.00"), currency="CHF", reason_code="AC04", reason="the account is closed",
    )  # fmt: skip
    paid = InvoicePaid(
        client=scene.client, principal=USER, document_id=document(scene, "paid"), amount=Decimal("80.00"),
        currency="CHF", booked_on=date(2026, 4, 8), account="CH9300762011623852957", transaction="bank:1",
        matched_by="reference",
    )  # fmt: skip
    await scene.publish(refused)
    await scene.publish(paid)
    await scene.rest()
    query = ApprovalQuery(asker=person(scene, USER), document_id=refused.document_id)
    again = await scene.ask(subjects.query("documents", "approval"), query, ApprovalDetail)
    assert again.state is ApprovalState.WAITING


HEARD = Scenario(
    dies="documents",
    besides=("values_version",),
    prepare=two_approved,
    cause=hear,
    expects=(
        f"commit {APPROVALS}.payments.record_payment_status",
        f"commit {APPROVALS}.payments.record_invoice_paid",
        "publish event.approval.requested",
        "ack documents-events",
    ),
    sides_of=(f"commit {APPROVALS}.payments.record_payment_status",),
    sample=2,
)


async def test_a_kill_anywhere_in_what_is_heard_of_payments_changes_nothing(sweep: Sweep) -> None:
    await sweep(HEARD)


async def one_approved(scene: Scene) -> None:
    await arrive(scene, wrong=WRONG)
    await scene.rest()
    assert (await approve(scene, "wrong")).state is ApprovalState.APPROVED
    await scene.rest()


async def take_back(scene: Scene) -> None:
    """The own approval is taken back, between two services."""
    words = {"reason": "clicked the wrong one"}
    waiting = await step(scene, subjects.WITHDRAW, WithdrawApproval, "wrong", USER, **words)
    assert (waiting.state, waiting.approved_by) == (ApprovalState.WAITING, [])


WITHDRAWN = Scenario(
    dies="documents",
    beside=("integrations", "scheduler"),
    besides=("values_version",),
    prepare=one_approved,
    cause=take_back,
    expects=(
        f"commit {APPROVALS}.withdrawing.Withdrawals.withdraw",
        "publish event.approval.withdrawn",
        "publish event.approval.requested",
        "publish audit.approval_withdrawn",
    ),
    sides_of=(f"commit {APPROVALS}.withdrawing.Withdrawals.withdraw",),
)


async def test_a_kill_anywhere_in_taking_an_approval_back_does_it_once(sweep: Sweep) -> None:
    await sweep(WITHDRAWN)


async def test_a_kill_anywhere_in_withholding_its_payment_does_it_once(sweep: Sweep) -> None:
    withholding = "commit integrations.payments.withholding.withhold"
    await sweep(
        replace(
            WITHDRAWN,
            dies="integrations",
            beside=("documents", "scheduler"),
            expects=(withholding, "publish event.payment.withheld"),
            sides_of=(withholding,),
        )
    )
