"""Taking the own approval back: decided where payments are made, told by the answer or by the event, once."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from services.documents.approvals.withdrawing import Withdrawals, record_payment_withheld
from services.documents.suppliers.identity import issuer_keys
from services.documents.suppliers.store import find_supplier
from shared.access import Principal
from shared.commands import WithdrawApproval, Withheld, WithholdPayment
from shared.errors import TagwerkError
from shared.events import PaymentWithheld
from shared.ids import new_id
from shared.words import ApprovalState, StepKind
from tests.integration.documents.office import ADA, BEA, UMA, VALUES, Office, kinds, reading, state_of


class Till:
    """The integrations service as the documents service sees it."""

    def __init__(self) -> None:
        self.asked: list[WithholdPayment] = []
        #: What happens before it answers.
        self.meanwhile: Callable[[WithholdPayment], Awaitable[object]] | None = None
        self.ordered = False

    async def withhold(self, asked: WithholdPayment) -> Withheld:
        self.asked.append(asked)
        if self.ordered:
            raise TagwerkError("payment_ordered", "it is in a file", next_step="Ask the bank.")
        if self.meanwhile is not None:
            await self.meanwhile(asked)
        return Withheld(document_id=asked.document_id)


def event_of(asked: WithholdPayment) -> PaymentWithheld:
    return PaymentWithheld(
        client=asked.client, principal=asked.principal, document_id=asked.document_id, round=asked.round,
        reason=asked.reason,
    )  # fmt: skip


def command(document: UUID, who: Principal = ADA) -> WithdrawApproval:
    return WithdrawApproval(asker=who, document_id=document, reason="clicked the wrong one")


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def withdrawals(office: Office, till: Till) -> Withdrawals:
    return Withdrawals(office.outbox, office.desk, till.withhold)


async def test_an_approved_invoice_waits_again_and_has_to_be_looked_at_again(
    office: Office, till: Till, withdrawals: Withdrawals
) -> None:
    document = await office.arrive(reading())
    seen = await office.version(document)
    await office.approve(document, version=seen)
    taken = await withdrawals.withdraw(command(document))
    assert (taken.changed, state_of(taken)) == (True, ApprovalState.WAITING)
    assert kinds(taken) == [StepKind.REQUESTED, StepKind.APPROVED, StepKind.WITHDRAWN]
    [asked] = till.asked
    assert (asked.document_id, asked.principal, asked.round) == (document, "ada", 1)
    [approved] = await office.told("event.invoice.approved")
    assert asked.since > approved.time
    [withdrawn] = await office.told("event.approval.withdrawn")
    assert (withdrawn.principal, withdrawn.reason, withdrawn.approved_by) == (
        "ada", "clicked the wrong one", [],
    )  # fmt: skip
    assert (await office.told("event.approval.requested"))[-1].reason == (
        "ada withdrew the own approval: clicked the wrong one"
    )
    assert (await office.audits())[-1] == "approval_withdrawn"
    again = await withdrawals.withdraw(command(document))
    assert (again.changed, again.approval, len(till.asked)) == (False, taken.approval, 1)
    with pytest.raises(TagwerkError, match="it is asked again since you saw it"):
        await office.approve(document, version=seen)
    assert state_of(await office.approve(document)) is ApprovalState.APPROVED


async def test_one_of_two_takes_the_own_approval_back_without_asking_anybody(
    office: Office, till: Till, withdrawals: Withdrawals
) -> None:
    document = await office.arrive(reading(gross_amount="9000.00"))
    await office.approve(document)
    taken = await withdrawals.withdraw(command(document))
    assert (state_of(taken), till.asked) == (ApprovalState.WAITING, [])
    assert taken.approval is not None
    assert taken.approval.approved_by == []
    with pytest.raises(TagwerkError) as caught:
        await withdrawals.withdraw(command(document, BEA))
    assert caught.value.failure.code == "not_approved_by_you"


async def test_what_is_in_a_payment_file_stays_approved(
    office: Office, till: Till, withdrawals: Withdrawals
) -> None:
    document = await office.arrive(reading())
    before = await office.approve(document)
    till.ordered = True
    with pytest.raises(TagwerkError) as caught:
        await withdrawals.withdraw(command(document))
    assert caught.value.failure.code == "payment_ordered"
    assert (await office.approve(document)).approval == before.approval
    assert await office.told("event.approval.withdrawn") == []
    with pytest.raises(TagwerkError, match="there is no approval of uma"):
        await withdrawals.withdraw(command(document, UMA))


async def test_the_event_alone_does_it_once_and_takes_no_later_approval_back(
    office: Office, till: Till, withdrawals: Withdrawals
) -> None:
    document = await office.arrive(reading())
    await office.approve(document)

    async def first(asked: WithholdPayment) -> None:
        await record_payment_withheld(office.outbox, office.desk, event_of(asked))

    till.meanwhile = first
    taken = await withdrawals.withdraw(command(document))
    assert (taken.changed, state_of(taken)) == (True, ApprovalState.WAITING)
    await office.approve(document)
    await record_payment_withheld(office.outbox, office.desk, event_of(till.asked[0]))
    stands = await office.approve(document)
    assert (stands.changed, state_of(stands)) == (False, ApprovalState.APPROVED)
    assert len(await office.told("event.approval.withdrawn")) == 1
    unknown = event_of(till.asked[0]).model_copy(update={"document_id": new_id()})
    await record_payment_withheld(office.outbox, office.desk, unknown)


async def test_two_who_take_theirs_back_at_once_both_do(
    office: Office, till: Till, withdrawals: Withdrawals
) -> None:
    document = await office.arrive(reading(gross_amount="9000.00"))
    for who in (ADA, BEA):
        await office.approve(document, who)
    taken = await asyncio.gather(*(withdrawals.withdraw(command(document, who)) for who in (ADA, BEA)))
    assert [one.changed for one in taken] == [True, True]
    assert taken[-1].approval is not None
    withdrawn = await office.told("event.approval.withdrawn")
    assert sorted(len(one.approved_by) for one in withdrawn) == [0, 1]


async def test_an_invoice_that_was_read_anew_while_it_was_approved_waits_with_what_it_says_then(
    office: Office, withdrawals: Withdrawals
) -> None:
    document = await office.arrive(reading())
    await office.approve(document)
    await office.analyse(document, reading(gross_amount="1300.00"))
    taken = await withdrawals.withdraw(command(document))
    assert taken.approval is not None
    assert taken.approval.values["gross_amount"] == "1300.00"
    assert state_of(await office.approve(document)) is ApprovalState.APPROVED


async def test_an_account_that_only_this_approval_made_known_is_not_known_any_more(
    office: Office, withdrawals: Withdrawals
) -> None:
    async def known() -> bool:
        supplier = await find_supplier(office.pool, "acme", issuer_keys(VALUES))
        return supplier is not None and VALUES["iban"] in supplier.ibans

    first = await office.arrive(reading())
    second = await office.arrive(reading(invoice_number="2026-0999", gross_amount="80.00"))
    assert not await known()
    for document in (first, second):
        await office.approve(document)
    await withdrawals.withdraw(command(first))
    assert await known(), "the other approval vouches for it"
    await withdrawals.withdraw(command(second))
    assert not await known()
