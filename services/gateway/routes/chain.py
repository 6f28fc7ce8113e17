"""The whole chain of a document: from its upload to its payment, in the order of time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.gateway.context import QUERY_TIMEOUT, AtLeast, Gateway, MayRead, TheGateway
from services.gateway.problems import answers
from services.gateway.routes.documents import find_document
from shared import subjects
from shared.access import Principal
from shared.commands import DocumentDetail, RunsPage, RunsQuery, RunSummary
from shared.words import ApprovalState, PaymentState, RunState

router = APIRouter(tags=["documents"])

#: Runs of one document that are shown: the first ones.
RUNS_SHOWN = 1000


class ChainEntry(BaseModel):
    """One thing that happened to a document."""

    at: datetime
    #: `uploaded`, `run`, or what happened to its approval: `requested`, `approved`, `payment`, ...
    kind: str
    principal: str | None = None
    words: str
    #: Of a run.
    run_id: UUID | None = None
    job: str | None = None
    state: RunState | None = None
    #: What started it, and the run before it in the chain.
    caused_by_event: str | None = None
    caused_by_run: UUID | None = None


class DocumentChain(BaseModel):
    document_id: UUID
    file_name: str
    approval: ApprovalState | None = None
    payment: PaymentState | None = None
    entries: list[ChainEntry]


@router.get(
    "/documents/{document_id}/chain",
    summary="Everything that happened to a document: runs, approval, payment",
    responses=answers(404),
)
async def read_chain(
    document_id: UUID, asking: MayRead, gateway: TheGateway, at_least: AtLeast = 0
) -> DocumentChain:
    """Runs of jobs that you may see, each with its cause; and the steps of an approval that you may see."""
    document = await find_document(gateway, asking, document_id)
    return chain_of(document, await read_runs(gateway, asking, document_id, at_least))


async def read_runs(
    gateway: Gateway, asking: Principal, document_id: UUID, at_least: int = 0
) -> Sequence[RunSummary]:
    """The runs about a document that `asking` may see, in the order in which they were requested."""
    query = RunsQuery(
        about=f"document:{document_id}",
        sort="requested_at",
        limit=RUNS_SHOWN,
        **await gateway.gate.scope(asking, at_least),
    )
    subject = subjects.query("status", "runs")
    return (await gateway.bus.ask(subject, query, RunsPage, timeout=QUERY_TIMEOUT)).items


def chain_of(document: DocumentDetail, runs: Sequence[RunSummary]) -> DocumentChain:
    """What is known of a document, in the order of time. Pure."""
    entries = [_uploaded(document), *map(_of_run, runs), *_of_approval(document)]
    return DocumentChain(
        document_id=document.document_id,
        file_name=document.file_name,
        approval=document.approval.state if document.approval is not None else None,
        payment=document.payment.state if document.payment is not None else None,
        entries=sorted(entries, key=lambda entry: entry.at),
    )


def _uploaded(document: DocumentDetail) -> ChainEntry:
    return ChainEntry(
        at=document.uploaded_at, kind="uploaded", words=f"{document.file_name}, {document.size:,} bytes"
    )


def _of_run(run: RunSummary) -> ChainEntry:
    return ChainEntry(
        at=run.requested_at,
        kind="run",
        principal=run.principal,
        words=run.sentence,
        run_id=run.run_id,
        job=run.job,
        state=run.state,
        caused_by_event=run.cause.event_type if run.cause is not None else None,
        caused_by_run=run.cause.run_id if run.cause is not None else None,
    )


def _of_approval(document: DocumentDetail) -> list[ChainEntry]:
    steps = document.approval.steps if document.approval is not None else []
    return [
        ChainEntry(at=step.at, kind=step.kind, principal=step.principal, words=step.words) for step in steps
    ]
