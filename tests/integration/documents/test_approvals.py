"""Approvals over the service's own tables: requested, followed, given by people, each step once."""

import json
from typing import Any, cast
from uuid import UUID

import pytest

from services.documents.analysts import Analysis
from services.documents.approvals.correcting import Corrections
from services.documents.approvals.desk import Desk
from services.documents.approvals.refusals import StepRefused
from services.documents.approvals.rules import DEFAULT_RULES
from services.documents.approvals.steps import Steps
from services.documents.approvals.workflow import PostgresWorkflow
from services.documents.invoice_store import PostgresInvoices, find_invoice
from services.documents.store import remember_document
from shared.access import Principal
from shared.bus import Bus
from shared.commands import (
    ApproveInvoice,
    CorrectInvoice,
    InvoiceField,
    StepTaken,
)
from shared.database import Pool
from shared.events import Record, decode_business_event
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.runner.context import RunContext
from shared.words import ApprovalState, Outcome, StepKind
from tests.integration.documents.test_store import uploaded

ADA = Principal(id="ada", name="Ada", roles=frozenset({"accounting"}), clients=frozenset({"acme"}))
BEA = Principal(id="bea", name="Bea", roles=frozenset({"accounting"}), clients=frozenset({"acme"}))
UMA = Principal(id="uma", name="Uma", roles=frozenset({"uploader"}), clients=frozenset({"acme"}))
EVE = Principal(id="eve", name="Eve", roles=frozenset({"accounting"}), clients=frozenset({"other"}))

VALUES = {
    "issuer_name": "Nordlicht Druck GmbH", "issuer_vat_id": "DE136695976", "invoice_number": "2026-0815",
    "invoice_date": "2026-03-12", "due_date": "2099-04-10", "gross_amount": "1190.00", "currency": "CHF",
    "iban": "CH9300762011623852957",
}  # fmt: skip


def field(name: str, value: str, verdict: str = "certain") -> InvoiceField:
    return InvoiceField(name=name, value=value, source="text", confidence=90.0, verdict=verdict)


def reading(doubtful: tuple[str, ...] = (), kind: str = "invoice", **changes: str | None) -> Analysis:
    """What was read: `VALUES` with changes."""
    values = {name: value for name, value in {**VALUES, **changes}.items() if value is not None}
    fields = [
        field(name, value, "uncertain" if name in doubtful else "certain") for name, value in values.items()
    ]
    return Analysis(kind, None, "text", None, fields, [])


class Office:
    """One client's documents, runs and people, without a bus: what leaves is looked at in the outbox."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.outbox = Outbox(pool, Relay(pool, cast(Bus, None)))
        self.desk = Desk(DEFAULT_RULES)
        self.steps = Steps(self.outbox, self.desk)
        self.corrections = Corrections(self.outbox, self.desk)

    async def arrive(self, analysis: Analysis, file_name: str = "scan.pdf") -> UUID:
        event = uploaded(file_name=file_name)
        await remember_document(self.pool, event)
        await self.analyse(event.document_id, analysis)
        await self.start(event.document_id)
        return event.document_id

    async def analyse(self, document: UUID, analysis: Analysis) -> Record:
        context = RunContext(new_id(), 1, "documents.analyse-invoice", "acme", principal="uma")
        outbox = Outbox(self.pool, Relay(self.pool, cast(Bus, None)), context)
        return await PostgresInvoices(self.pool, outbox, context).keep(document, "scan.pdf", analysis)

    async def start(
        self, document: UUID, *, run_id: UUID | None = None, attempt: int = 1, client: str = "acme"
    ) -> Record:
        context = RunContext(run_id or new_id(), attempt, "documents.start-workflow", client, principal="uma")
        outbox = Outbox(self.pool, Relay(self.pool, cast(Bus, None)), context)
        return await PostgresWorkflow(outbox, context, self.desk).start(document)

    async def version(self, document: UUID) -> str:
        return str(
            await self.pool.fetchval("select values_version from approvals where document_id = $1", document)
        )

    async def approve(
        self, document: UUID, asker: Principal = ADA, *, version: str | None = None, **more: Any
    ) -> StepTaken:
        seen = version or await self.version(document)
        command = ApproveInvoice(asker=asker, document_id=document, values_version=seen, **more)
        return await self.steps.approve(command)

    async def correct(self, document: UUID, asker: Principal = ADA, **fields: str | None) -> StepTaken:
        command = CorrectInvoice(asker=asker, document_id=document, fields=fields, reason="looked at it")
        return await self.corrections.correct(command)

    async def told(self, kind: str) -> list[Any]:
        """Events of this type that left, in their order."""
        rows = await self.pool.fetch("select payload from outbox where subject = $1 order by id", kind)
        return [decode_business_event(row["payload"]) for row in rows]

    async def audits(self) -> list[str]:
        rows = await self.pool.fetch("select payload from outbox where subject like 'audit.%' order by id")
        return [json.loads(row["payload"])["action"] for row in rows]


@pytest.fixture
async def office(pool: Pool) -> Office:
    return Office(pool)


def kinds(taken: StepTaken) -> list[StepKind]:
    assert taken.approval is not None
    return [step.kind for step in taken.approval.steps]


def state_of(taken: StepTaken) -> ApprovalState:
    assert taken.approval is not None
    return taken.approval.state


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
