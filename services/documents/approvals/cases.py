"""Everything about one invoice that a step needs, loaded with a lock on its document and written in one
transaction: steps over one invoice follow each other, in whichever process they are taken."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.documents.approvals.core import Move, Standing, Step
from services.documents.approvals.rules import Demand
from services.documents.approvals.values import values_of, version_of
from services.documents.settlement import FIELDS, Settled
from shared.commands import InvoiceField, Payment
from shared.ids import new_id
from shared.words import ApprovalState, StepKind


@dataclass(frozen=True, slots=True)
class Invoice:
    """The invoice as it holds now."""

    kind: str
    fields: Sequence[InvoiceField]
    duplicate_of: UUID | None

    @classmethod
    def of(cls, settled: Settled) -> "Invoice":
        return cls(settled.analysis.kind or "invoice", settled.analysis.fields, settled.duplicate_of)

    @property
    def values(self) -> dict[str, str]:
        return values_of(self.fields)

    @property
    def version(self) -> str:
        return version_of(self.kind, self.values, self.duplicate_of)


@dataclass(frozen=True, slots=True)
class Approval:
    """A row of `approvals`, as far as steps need it."""

    standing: Standing
    #: The values of `standing.version`.
    values: dict[str, str]
    cleared_duplicate: UUID | None
    requested_at: datetime
    run_id: UUID
    outcome: str


@dataclass(frozen=True, slots=True)
class Case:
    document_id: UUID
    client: str
    file_name: str
    invoice: Invoice | None
    approval: Approval | None
    payment: Payment | None


async def client_of(connection: Any, document_id: UUID) -> str | None:
    """Whose document it is; None if there is none."""
    client: str | None = await connection.fetchval(
        "select client from documents where document_id = $1", document_id
    )
    return client


async def load_case(connection: Any, document_id: UUID, *, lock: bool) -> Case | None:
    """The case of a document; None if there is no such document."""
    select = "select document_id, client, file_name from documents where document_id = $1"
    row = await connection.fetchrow(f"{select} for update" if lock else select, document_id)
    if row is None:
        return None
    return Case(
        document_id=row["document_id"],
        client=row["client"],
        file_name=row["file_name"],
        invoice=await _invoice(connection, document_id),
        approval=await _approval(connection, document_id),
        payment=await find_payment(connection, document_id),
    )


async def _invoice(connection: Any, document_id: UUID) -> Invoice | None:
    row = await connection.fetchrow(
        "select kind, fields, duplicate_of from invoices where document_id = $1", document_id
    )
    if row is None:
        return None
    return Invoice(row["kind"], FIELDS.validate_json(row["fields"]), row["duplicate_of"])


async def _approval(connection: Any, document_id: UUID) -> Approval | None:
    row = await connection.fetchrow("select * from approvals where document_id = $1", document_id)
    if row is None:
        return None
    last = await connection.fetchrow(
        "select kind, principal, words from approval_steps"
        " where document_id = $1 and kind in ('rejected', 'answered', 'withdrawn')"
        " order by position desc limit 1",
        document_id,
    )
    standing = Standing(
        state=ApprovalState(row["state"]),
        version=row["values_version"],
        demand=Demand(
            rule=row["rule"],
            role=row["role"],
            approvals=row["approvals_needed"],
            due=row["due"],
            cost_center=row["cost_center"],
            note=row["note"],
        ),
        approved_by=tuple(row["approved_by"]),
        question=row["question"],
        asked_by=row["asked_by"],
        rounds=row["rounds"],
        last=Step(StepKind(last["kind"]), last["principal"], last["words"]) if last is not None else None,
    )
    return Approval(
        standing=standing,
        values=json.loads(row["content"]),
        cleared_duplicate=row["cleared_duplicate"],
        requested_at=row["requested_at"],
        run_id=row["run_id"],
        outcome=row["outcome"],
    )


async def find_payment(connection: Any, document_id: UUID) -> Payment | None:
    detail = await connection.fetchval("select detail from payments where document_id = $1", document_id)
    return None if detail is None else Payment.model_validate_json(detail)


async def begin_approval(connection: Any, case: Case, move: Move, run_id: UUID) -> None:
    """Write a new approval with its first steps."""
    assert case.invoice is not None
    await connection.execute(
        "insert into approvals (document_id, client, state, values_version, kind, content, rule, role,"
        " approvals_needed, due, run_id, outcome)"
        " values ($1, $2, 'waiting', '', $3, '{}', '', '', 1, current_date, $4, 'created')",
        case.document_id, case.client, case.invoice.kind, run_id,
    )  # fmt: skip
    await keep_move(connection, case.document_id, case.invoice, move)


async def keep_move(connection: Any, document_id: UUID, invoice: Invoice, move: Move) -> None:
    """Write how an approval stands now, and the steps that led there. Where the standing is about the
    invoice's present values, they are kept with it."""
    standing, demand = move.standing, move.standing.demand
    present = standing.version == invoice.version
    content = json.dumps(invoice.values) if present else None
    await connection.execute(
        "update approvals set state = $2, values_version = $3, kind = $4, content = coalesce($5, content),"
        " rule = $6, note = $7, role = $8, approvals_needed = $9, approved_by = $10, due = $11,"
        " cost_center = $12, question = $13, asked_by = $14, rounds = $15 where document_id = $1",
        document_id, standing.state.value, standing.version, invoice.kind, content, demand.rule, demand.note,
        demand.role, demand.approvals, list(standing.approved_by), demand.due, demand.cost_center,
        standing.question, standing.asked_by, standing.rounds,
    )  # fmt: skip
    for step in move.steps:
        await keep_step(connection, document_id, step, standing.version, content)


async def keep_step(
    connection: Any,
    document_id: UUID,
    step: Step,
    version: str | None,
    content: str | None = None,
    *,
    step_id: UUID | None = None,
    at: datetime | None = None,
) -> bool:
    """Add a line to the history; False if the same `step_id` is there already."""
    written = await connection.execute(
        "insert into approval_steps"
        " (step_id, document_id, kind, principal, words, values_version, content, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, now())) on conflict (step_id) do nothing",
        step_id or new_id(), document_id, step.kind.value, step.principal, step.words, version, content, at,
    )  # fmt: skip
    return not str(written).endswith(" 0")


async def values_at(connection: Any, document_id: UUID, version: str) -> dict[str, str] | None:
    """The values that a version named, in whichever round, if there ever was one of this name."""
    content = await connection.fetchval(
        "select content from approval_steps where document_id = $1 and values_version = $2"
        " and content is not null order by position desc limit 1",
        document_id,
        version.partition(".")[0],
    )
    return None if content is None else dict(json.loads(content))
