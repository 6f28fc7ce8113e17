"""documents.start-workflow: ask people for the approval that an invoice needs."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from services.documents.approvals.workflow import Workflow
from services.documents.jobs.originals import known_document
from services.documents.store import DocumentStore
from shared.access import Access
from shared.choices import ChosenFrom
from shared.events import Record
from shared.files import Files
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.words import Kind, Level


@job(
    "documents.start-workflow",
    title="Start workflow",
    kind=Kind.PROCESSING,
    owner="Accounting",
    access=Access(
        module="documents", level=Level.GENERAL, roles=frozenset({"accounting", "trustee", "uploader"})
    ),
    expected_runtime=seconds(1),
    timeout=minutes(2),
    retry=Retry(attempts=5, backoff=exponential(seconds(2))),
    repeat=Safe("there is one approval per document, and only other values or rules change it"),
    output="an approval that waits for people: role, number of people, due date, cost center",
    expected_result="one approval for an invoice that is to be paid, and the reason where none is needed",
    logs="service=documents job=documents.start-workflow",
    troubleshooting="docs/jobs/start-workflow.md",
    on="event.invoice.analysed",
)
async def start_workflow(
    document: Annotated[UUID, ChosenFrom("document")],
    *,
    documents: DocumentStore,
    files: Files,
    workflow: Workflow,
) -> AsyncIterator[Record]:
    """Decide by the rules which approval an invoice needs, and ask for it.

    An approval that waits follows its invoice; one that was given or refused never changes by itself.
    """
    await known_document(documents, files, document)
    yield await workflow.start(document)
