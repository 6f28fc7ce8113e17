"""One client's documents, runs and people for tests of approvals, without a bus."""

import json
from typing import Any, cast
from uuid import UUID

from services.documents.analysts import Analysis
from services.documents.approvals.correcting import Corrections
from services.documents.approvals.desk import Desk
from services.documents.approvals.queries import describe_approval
from services.documents.approvals.rules import DEFAULT_RULES
from services.documents.approvals.steps import Steps
from services.documents.approvals.workflow import PostgresWorkflow
from services.documents.invoice_store import PostgresInvoices
from services.documents.store import remember_document
from shared.access import Principal
from shared.bus import Bus
from shared.commands import (
    ApprovalQuery,
    ApproveInvoice,
    CorrectInvoice,
    InvoiceField,
    StepTaken,
)
from shared.database import Pool
from shared.events import (
    Record,
    decode_business_event,
)
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.runner.context import RunContext
from shared.words import ApprovalState, StepKind
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

    async def unstarted(self, analysis: Analysis, file_name: str = "scan.pdf") -> UUID:
        """A document whose invoice was analysed, and nobody was asked yet."""
        event = uploaded(file_name=file_name)
        await remember_document(self.pool, event)
        await self.analyse(event.document_id, analysis)
        return event.document_id

    async def arrive(self, analysis: Analysis, file_name: str = "scan.pdf") -> UUID:
        """A document whose invoice waits for its approval."""
        document = await self.unstarted(analysis, file_name)
        await self.start(document)
        return document

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
        """What names the values that stand there now."""
        query = ApprovalQuery(asker=ADA, document_id=document)
        return (await describe_approval(self.pool, query)).values_version

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


def kinds(taken: StepTaken) -> list[StepKind]:
    assert taken.approval is not None
    return [step.kind for step in taken.approval.steps]


def state_of(taken: StepTaken) -> ApprovalState:
    assert taken.approval is not None
    return taken.approval.state
