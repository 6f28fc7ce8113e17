"""Corrections outlive analyses, are followed by the approval, and teach about the supplier."""

from typing import Any, cast
from uuid import UUID

import pytest

from services.documents.analysts import Analysis
from services.documents.approvals.refusals import StepRefused
from services.documents.invoice_store import find_invoice
from services.documents.suppliers.lessons import PostgresLessons
from services.documents.suppliers.store import hints
from shared.bus import Bus
from shared.errors import TagwerkError
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.runner.context import RunContext
from shared.words import ApprovalState, Outcome, StepKind
from tests.integration.documents.office import ADA, BEA, VALUES, Office, kinds, reading, state_of

#: What a person says; the due date of `VALUES` is none that a person can mean.
GIVEN: dict[str, Any] = {name: value for name, value in VALUES.items() if name != "due_date"}
LETTER = Analysis(None, "it calls itself a letter", None, None, [], [])


async def test_a_correction_outlives_every_analysis(office: Office) -> None:
    document = await office.arrive(reading(("gross_amount",)))
    await office.correct(document, gross_amount="1200.00", order_number=None)
    record = await office.analyse(document, reading(invoice_number="2026-0816", order_number="7"))
    assert record.outcome is Outcome.UPDATED
    invoice = await find_invoice(office.pool, document)
    assert invoice is not None
    by_name = {one.name: one for one in invoice.fields}
    assert (by_name["gross_amount"].value, by_name["gross_amount"].source) == ("1200.00", "person")
    assert [other.value for other in by_name["gross_amount"].others] == ["1190.00"]
    assert by_name["invoice_number"].value == "2026-0816"
    assert "order_number" not in by_name
    same = await office.analyse(document, reading(invoice_number="2026-0816", order_number="7"))
    assert same.outcome is Outcome.UNCHANGED


async def test_a_correction_tells_before_and_after_and_the_same_again_nothing(office: Office) -> None:
    document = await office.arrive(reading())
    first = await office.correct(document, gross_amount="1200.00", message="thanks")
    again = await office.correct(document, gross_amount="1200.00", message="thanks")
    assert (first.changed, again.changed, again.approval) == (True, False, first.approval)
    (event,) = await office.told("event.invoice.corrected")
    assert (event.before, event.after) == (
        {"gross_amount": "1190.00", "message": None}, {"gross_amount": "1200.00", "message": "thanks"},
    )  # fmt: skip
    assert await office.audits() == ["invoice_corrected"]
    assert kinds(first) == [StepKind.REQUESTED, StepKind.CORRECTED, StepKind.CHANGED]


async def test_a_correction_voids_what_was_approved_and_may_lead_to_another_rule(office: Office) -> None:
    document = await office.arrive(reading(gross_amount="9000.00"))
    await office.approve(document)
    taken = await office.correct(document, BEA, gross_amount="900.00")
    assert taken.approval is not None
    assert (taken.approval.rule, taken.approval.approvals_needed, taken.approval.approved_by) == (
        "every other invoice", 1, [],
    )  # fmt: skip
    assert StepKind.VOIDED in kinds(taken)
    assert state_of(await office.approve(document, BEA)) is ApprovalState.APPROVED


async def test_a_wrong_field_changes_nothing_and_each_is_named(office: Office) -> None:
    document = await office.arrive(reading())
    with pytest.raises(StepRefused) as caught:
        await office.correct(document, gross_amount="12.00", iban="CH00", colour="red")
    assert caught.value.failure.code == "correction_invalid"
    assert set(caught.value.fields) == {"iban", "colour"}
    assert await office.told("event.invoice.corrected") == []
    invoice = await find_invoice(office.pool, document)
    assert invoice is not None
    assert {one.name: one.value for one in invoice.fields} == VALUES


async def test_another_account_of_a_known_supplier_is_a_warning_until_it_was_approved(
    office: Office,
) -> None:
    await office.approve(await office.arrive(reading()))
    new: dict[str, Any] = {
        "invoice_number": "2",
        "invoice_date": "2026-04-01",
        "iban": "DE75512108001245126199",
    }
    document = await office.arrive(reading(**new))
    with pytest.raises(StepRefused) as caught:
        await office.approve(document)
    assert list(caught.value.fields) == ["iban"]
    assert "contradicted, supplier says CH9300762011623852957" in caught.value.fields["iban"]
    corrected = await office.correct(document, BEA, iban=new["iban"])
    assert corrected.invoice is not None
    codes = [finding.code for finding in corrected.invoice.findings]
    assert codes == ["iban_changed"], "one person's word does not silence the warning"
    await office.approve(document)
    again = await office.arrive(reading(**{**new, "invoice_number": "3", "invoice_date": "2026-05-01"}))
    invoice = await find_invoice(office.pool, again)
    assert invoice is not None
    assert invoice.findings == []


async def test_what_is_known_of_a_supplier_fills_gaps_and_has_to_be_confirmed(office: Office) -> None:
    document = await office.arrive(reading(iban=None))
    await office.correct(document, iban="CH93 0076 2011 6238 5295 7", cost_center="4400")
    other = await office.arrive(reading(iban=None, invoice_number="2", invoice_date="2026-04-01"))
    with pytest.raises(StepRefused) as caught:
        await office.approve(other)
    assert list(caught.value.fields) == ["iban"]
    taken = await office.approve(other, confirm=["iban"])
    assert taken.approval is not None
    assert taken.approval.cost_center == "4400"
    (approved,) = await office.told("event.invoice.approved")
    assert (approved.values["iban"], approved.cost_center) == ("CH9300762011623852957", "4400")
    assert "cost_center" not in approved.values
    foreign = await office.pool.fetchval("select count(*) from suppliers where client <> 'acme'")
    assert foreign == 0


async def test_labels_are_kept_once_and_an_attempt_tells_what_its_run_did(office: Office) -> None:
    document = await office.arrive(reading())
    await office.correct(document, invoice_number="V-1", cost_center="4400")

    async def learn(labels: dict[str, str], run: UUID, attempt: int = 1, client: str = "acme") -> Outcome:
        context = RunContext(run, attempt, "documents.learn-from-correction", client, principal="ada")
        outbox = Outbox(office.pool, Relay(office.pool, cast(Bus, None)), context)
        lessons = PostgresLessons(office.pool, outbox, context)
        assert await lessons.corrected(document) == {"invoice_number": "V-1"}
        return (await lessons.keep(document, "scan.pdf", labels)).outcome

    first, second = new_id(), new_id()
    labels = {"invoice_number": "vorgang"}
    outcomes = [await learn(labels, first), await learn(labels, first, 2), await learn(labels, second)]
    assert outcomes == [Outcome.CREATED, Outcome.CREATED, Outcome.UNCHANGED]
    assert await learn({"gross_amount": "summe"}, new_id()) is Outcome.UPDATED
    assert await learn(labels, new_id(), client="other") is Outcome.SKIPPED
    (hint,) = await hints(office.pool, "acme")
    assert hint.labels == {"invoice_number": "vorgang", "gross_amount": "summe"}
    assert "vat:de136695976" in hint.keys


async def test_an_invoice_that_nobody_found_is_given_by_a_person_approved_and_read_later(
    office: Office,
) -> None:
    document = await office.unstarted(LETTER)
    with pytest.raises(TagwerkError) as caught:
        await office.correct(document, iban=None)
    assert caught.value.failure.code == "invoice_not_found"
    with pytest.raises(StepRefused):
        await office.correct(document, gross_amount="a lot", currency="CHF")
    assert await find_invoice(office.pool, document) is None
    taken = await office.correct(document, ADA, **GIVEN)
    assert taken.invoice is not None
    assert (taken.invoice.kind, taken.invoice.source, taken.invoice.run_id) == ("invoice", "person", None)
    assert {one.name: one.value for one in taken.invoice.fields} == GIVEN
    assert {(one.source, one.verdict) for one in taken.invoice.fields} == {("person", "certain")}
    assert not (await office.correct(document, ADA, **GIVEN)).changed
    [found] = await office.told("event.invoice.analysed")
    assert (found.source, found.values, found.principal) == ("person", GIVEN, "ada")
    assert (await office.start(document)).outcome is Outcome.CREATED
    corrected = await office.correct(document, gross_amount="1191.00")
    assert state_of(corrected) is ApprovalState.WAITING
    assert len(await office.told("event.invoice.analysed")) == 1
    assert state_of(await office.approve(document, BEA)) is ApprovalState.APPROVED
    [approved] = await office.told("event.invoice.approved")
    assert approved.values == {**GIVEN, "gross_amount": "1191.00"}


async def test_what_is_read_later_lies_under_what_a_person_gave(office: Office) -> None:
    document = await office.unstarted(LETTER)
    await office.correct(document, gross_amount="80.00", currency="CHF")
    kept = await office.analyse(document, LETTER)
    assert (kept.outcome, await find_invoice(office.pool, document) is None) == (Outcome.SKIPPED, False)
    record = await office.analyse(document, reading())
    assert record.outcome is Outcome.UPDATED
    invoice = await find_invoice(office.pool, document)
    assert invoice is not None
    assert (invoice.source, invoice.run_id is None) == ("text", False)
    values = {one.name: (one.value, one.source) for one in invoice.fields}
    assert values["gross_amount"] == ("80.00", "person")
    assert values["iban"] == (VALUES["iban"], "text")


async def test_a_given_invoice_that_repeats_another_is_told(office: Office) -> None:
    first = await office.arrive(reading())
    document = await office.unstarted(LETTER)
    taken = await office.correct(document, ADA, **GIVEN)
    assert taken.invoice is not None
    assert "duplicate_invoice" in {finding.code for finding in taken.invoice.findings}
    [found] = [one for one in await office.told("event.invoice.analysed") if one.source == "person"]
    assert found.duplicate_of == first
