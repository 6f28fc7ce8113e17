"""An invoice that came before is found, also when both come at once, and has to be confirmed."""

import asyncio
from typing import Any

import pytest

from services.documents.approvals.refusals import StepRefused
from services.documents.invoice_store import find_invoice
from services.documents.store import remember_document
from shared.commands import (
    RejectInvoice,
)
from shared.words import ApprovalState, Outcome
from tests.integration.documents.office import ADA, BEA, Office, reading, state_of
from tests.integration.documents.test_store import uploaded


async def test_the_same_invoice_again_is_a_duplicate_that_has_to_be_confirmed(office: Office) -> None:
    first = await office.arrive(reading(), "first.pdf")
    second = await office.arrive(reading(gross_amount="1190.01"), "second.pdf")
    # Neither is the first one, analysed again, a duplicate of the second.
    assert (await office.analyse(first, reading())).outcome is Outcome.UNCHANGED
    analysed = (await office.told("event.invoice.analysed"))[-1]
    assert analysed.duplicate_of == first
    with pytest.raises(StepRefused) as caught:
        await office.approve(second)
    assert caught.value.failure.code == "duplicate_unconfirmed"
    assert str(first) in caught.value.failure.cause
    taken = await office.approve(second, confirm=["duplicate"])
    assert state_of(taken) is ApprovalState.APPROVED
    assert taken.approval is not None
    assert taken.approval.duplicate_confirmed
    assert taken.invoice is not None
    assert [finding.code for finding in taken.invoice.findings] == ["duplicate_invoice"]


@pytest.mark.parametrize(
    ("changes", "duplicate"),
    [
        ({"invoice_number": "2026 0815", "gross_amount": "5.00"}, True),
        ({"invoice_number": "2026-0816"}, True),  # same amount and date
        ({"invoice_number": "2026-0816", "invoice_date": "2026-03-13"}, False),
        ({"issuer_vat_id": None}, True),  # the account tells
        ({"issuer_vat_id": None, "iban": None}, True),  # the name tells
        ({"issuer_vat_id": "DE811569869"}, False),  # another company, whatever else is the same
        ({"kind": "credit_note"}, False),
    ],
)
async def test_a_duplicate_is_known_by_issuer_and_number_or_amount_and_date(
    office: Office, changes: dict[str, Any], duplicate: bool
) -> None:
    first = await office.unstarted(reading())
    await office.unstarted(reading(**changes))
    analysed = (await office.told("event.invoice.analysed"))[-1]
    assert analysed.duplicate_of == (first if duplicate else None)


async def test_a_rejected_invoice_is_no_reason_to_call_another_a_duplicate(office: Office) -> None:
    first, second = await office.arrive(reading()), await office.arrive(reading())
    refuse = RejectInvoice(asker=ADA, document_id=first, reason="wrong address")
    await office.steps.reject(refuse)
    invoice = await find_invoice(office.pool, second)
    assert invoice is not None
    assert invoice.findings == []
    assert state_of(await office.approve(second)) is ApprovalState.APPROVED
    third = await office.arrive(reading())
    assert (await office.told("event.invoice.analysed"))[-1].duplicate_of == second
    assert third != second


async def test_of_many_analysed_at_once_all_but_one_are_duplicates(office: Office) -> None:
    events = [uploaded() for _ in range(6)]
    for event in events:
        await remember_document(office.pool, event)
    await asyncio.gather(*(office.analyse(event.document_id, reading()) for event in events))
    originals = [
        event.document_id
        for event in await office.told("event.invoice.analysed")
        if event.duplicate_of is None
    ]
    assert len(originals) == 1


async def test_steps_over_invoices_that_repeat_each_other_wait_for_each_other(office: Office) -> None:
    documents = [await office.arrive(reading()) for _ in range(3)]
    steps = [
        step
        for document in documents
        for step in (
            office.correct(document, message=f"for {document}"),
            office.correct(document, BEA, invoice_number=f"N-{document}"),
            office.analyse(document, reading(order_number="7")),
        )
    ]
    await asyncio.gather(*steps)
    for document in documents:
        invoice = await find_invoice(office.pool, document)
        assert invoice is not None
        values = {one.name: one.value for one in invoice.fields}
        assert (values["message"], values["invoice_number"]) == (f"for {document}", f"N-{document}")
