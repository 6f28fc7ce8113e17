"""Approvals over the service's own tables: requested, followed, given by people, each step once."""

from datetime import date
from decimal import Decimal

import pytest

from services.documents.analysts import Analysis
from services.documents.approvals.refusals import StepRefused
from services.documents.handlers import record_rates_imported
from services.documents.invoice_store import find_invoice
from shared.commands import (
    AnswerQuestion,
    AskBack,
    RejectInvoice,
)
from shared.errors import TagwerkError
from shared.events import (
    DailyRate,
    RatesImported,
)
from shared.ids import new_id
from shared.words import ApprovalState, Outcome, RateSource, StepKind
from tests.integration.documents.office import ADA, BEA, EVE, UMA, VALUES, Office, kinds, reading, state_of


async def test_an_invoice_is_requested_approved_by_one_person_and_told(office: Office) -> None:
    document = await office.arrive(reading())
    (requested,) = await office.told("event.approval.requested")
    assert (requested.role, requested.approvals_needed, requested.rule) == (
        "accounting", 1, "every other invoice",
    )  # fmt: skip
    assert requested.due.isoformat() == "2099-04-07"
    taken = await office.approve(document, comment="fine")
    assert (taken.changed, state_of(taken)) == (True, ApprovalState.APPROVED)
    assert kinds(taken) == [StepKind.REQUESTED, StepKind.APPROVED]
    (approved,) = await office.told("event.invoice.approved")
    assert approved.values == VALUES
    assert approved.approved_by == ["ada"]
    assert approved.about == [f"document:{document}", f"invoice:{document}"]
    assert await office.audits() == ["invoice_approved"]


async def test_the_same_person_twice_counts_once_and_is_answered_the_same(office: Office) -> None:
    document = await office.arrive(reading(gross_amount="9000.00"))
    first = await office.approve(document)
    again = await office.approve(document)
    assert (first.changed, again.changed) == (True, False)
    assert again.approval == first.approval
    assert state_of(again) is ApprovalState.WAITING
    assert await office.told("event.invoice.approved") == []
    second = await office.approve(document, BEA)
    assert state_of(second) is ApprovalState.APPROVED
    (approved,) = await office.told("event.invoice.approved")
    assert approved.approved_by == ["ada", "bea"]
    once_more = await office.approve(document, BEA)
    assert (once_more.changed, once_more.approval) == (False, second.approval)
    assert len(await office.told("event.invoice.approved")) == 1


async def test_doubtful_payment_fields_have_to_be_confirmed_or_corrected(office: Office) -> None:
    document = await office.arrive(reading(("iban", "gross_amount", "invoice_number")))
    with pytest.raises(StepRefused) as caught:
        await office.approve(document, confirm=["iban"])
    assert caught.value.failure.code == "fields_doubtful"
    assert list(caught.value.fields) == ["gross_amount"]
    invoice = await find_invoice(office.pool, document)
    assert invoice is not None
    assert {one.verdict for one in invoice.fields if one.name == "iban"} == {"uncertain"}
    await office.correct(document, gross_amount="1'191.00")
    taken = await office.approve(document, confirm=["iban"])
    assert state_of(taken) is ApprovalState.APPROVED
    (approved,) = await office.told("event.invoice.approved")
    assert (approved.values["gross_amount"], approved.values["iban"]) == ("1191.00", VALUES["iban"])
    assert taken.invoice is not None
    by_name = {one.name: one for one in taken.invoice.fields}
    assert (by_name["iban"].source, by_name["iban"].verdict) == ("person", "certain")
    assert [other.value for other in by_name["gross_amount"].others] == ["1190.00"]


async def test_who_approves_says_what_they_saw(office: Office) -> None:
    document = await office.arrive(reading())
    seen = await office.version(document)
    await office.correct(document, gross_amount="1200.00")
    with pytest.raises(StepRefused) as caught:
        await office.approve(document, BEA, version=seen)
    assert caught.value.failure.code == "values_changed"
    assert caught.value.fields == {"gross_amount": "1190.00 → 1200.00"}
    assert state_of(await office.approve(document, BEA)) is ApprovalState.APPROVED


async def test_an_analysis_that_has_not_reached_the_approval_yet_is_not_approved(office: Office) -> None:
    document = await office.arrive(reading())
    await office.analyse(document, reading(gross_amount="1300.00"))
    with pytest.raises(StepRefused) as caught:
        await office.approve(document)
    assert caught.value.failure.code == "values_changed"
    record = await office.start(document)
    assert record.outcome is Outcome.UPDATED
    assert record.message is not None
    assert "gross_amount 1190.00 → 1300.00" in record.message
    assert state_of(await office.approve(document)) is ApprovalState.APPROVED


async def test_a_credit_note_and_a_document_without_an_invoice_ask_nobody(office: Office) -> None:
    credit = await office.unstarted(reading(kind="credit_note"))
    record = await office.start(credit)
    assert (record.outcome, record.message) == (
        Outcome.SKIPPED, "a credit note is not paid, so nobody has to approve it",
    )  # fmt: skip
    letter = await office.unstarted(Analysis(None, "it is a letter", None, None, [], []))
    assert (await office.start(letter)).outcome is Outcome.SKIPPED
    assert await office.told("event.approval.requested") == []


async def test_what_an_attempt_has_done_the_run_has_done_and_another_run_changes_nothing(
    office: Office,
) -> None:
    document, run = await office.unstarted(reading()), new_id()
    outcomes = [(await office.start(document, run_id=run, attempt=n)).outcome for n in (1, 2)]
    assert outcomes == [Outcome.CREATED, Outcome.CREATED]
    assert (await office.start(document)).outcome is Outcome.UNCHANGED
    assert len(await office.told("event.approval.requested")) == 1
    with pytest.raises(TagwerkError, match="there is no document"):
        await office.start(document, client="other")


async def test_what_was_approved_stays_as_it_is_whatever_is_read_later(office: Office) -> None:
    document = await office.arrive(reading())
    await office.approve(document)
    assert (await office.start(document)).outcome is Outcome.UNCHANGED
    await office.analyse(document, reading(gross_amount="1.00"))
    record = await office.start(document)
    assert record.outcome is Outcome.SKIPPED
    assert record.message is not None
    assert "what was approved stays as it is" in record.message
    assert len(await office.told("event.invoice.approved")) == 1


async def test_questions_are_answered_and_a_rejected_invoice_is_opened_by_a_correction(
    office: Office,
) -> None:
    document = await office.arrive(reading())
    ask = AskBack(asker=ADA, document_id=document, question="Was this delivered?")
    assert state_of(await office.steps.ask(ask)) is ApprovalState.QUESTIONED
    assert not (await office.steps.ask(ask)).changed
    reply = AnswerQuestion(asker=UMA, document_id=document, answer="No.")
    assert state_of(await office.steps.answer(reply)) is ApprovalState.WAITING
    assert not (await office.steps.answer(reply)).changed
    refuse = RejectInvoice(asker=ADA, document_id=document, reason="not delivered")
    assert state_of(await office.steps.reject(refuse)) is ApprovalState.REJECTED
    assert not (await office.steps.reject(refuse)).changed
    assert (await office.start(document)).outcome is Outcome.SKIPPED
    opened = await office.correct(document, gross_amount="100.00")
    assert state_of(opened) is ApprovalState.WAITING
    questions = [(one.question, one.answer) for one in await office.told("event.invoice.questioned")]
    assert questions == [("Was this delivered?", None), ("Was this delivered?", "No.")]
    assert len(await office.told("event.invoice.rejected")) == 1
    again = (await office.told("event.approval.requested"))[-1]
    assert again.reason == "ada corrected the invoice after it was rejected"


async def test_who_may_not_see_finds_nothing_and_who_lacks_the_role_is_told_which(office: Office) -> None:
    document = await office.arrive(reading())
    with pytest.raises(TagwerkError) as caught:
        await office.approve(document, EVE)
    assert caught.value.failure.code == "document_not_found"
    with pytest.raises(StepRefused) as refused:
        await office.approve(document, UMA)
    assert (refused.value.failure.code, refused.value.roles_wanted) == ("access_refused", ["accounting"])
    with pytest.raises(StepRefused) as refused:
        await office.correct(document, UMA, gross_amount="1.00")
    assert refused.value.roles_wanted == ["accounting", "trustee"]


async def test_totals_of_other_currencies_are_compared_by_the_rates_that_were_imported(
    office: Office,
) -> None:
    without = await office.arrive(reading(currency="USD"))
    (requested,) = await office.told("event.approval.requested")
    assert requested.approvals_needed == 2
    rates = [
        DailyRate(currency="USD", day=day, base="USD", quote="CHF", rate=Decimal(rate))
        for day, rate in ((date(2026, 3, 11), "0.9"), (date(2026, 3, 13), "90"))
    ]
    event = RatesImported(client="acme", principal="ada", source=RateSource.BAZG, rates=rates)
    for _ in range(2):
        await record_rates_imported(office.pool, event)
    record = await office.start(without)
    assert record.outcome is Outcome.UPDATED
    assert record.message is not None
    assert "1190.00 USD are 1071.00 CHF (BAZG, 2026-03-11)" in record.message
    assert (await office.told("event.approval.requested"))[-1].approvals_needed == 1
