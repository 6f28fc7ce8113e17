"""The service is killed right before and right after each store and publish of an approval: nothing comes
twice, nothing is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from shared import subjects
from shared.audit import AuditEntry
from shared.commands import ApproveInvoice, Command, CorrectInvoice, StepTaken
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import decode_business_event
from shared.words import ApprovalState, Outcome, RunState
from tests.integration.documents.conftest import Installation
from tests.integration.documents.office import ADA, Office, reading
from tests.integration.documents.test_learning import WORKFLOW, started
from tests.support.nursery import environment_of

POINTS = ("before-commit", "after-commit", "before-publish", "after-publish")


@asynccontextmanager
async def dying(installation: Installation, where: str, subject: str) -> AsyncIterator[None]:
    """A service that dies within the block, at the latest a minute after its end."""
    arguments = ["-m", "tests.integration.documents.dying_service", where, subject]
    process = await installation.nursery.run(arguments, environment_of(installation.settings))
    try:
        yield
        assert await process.wait() == -signal.SIGKILL
    finally:
        await process.end()


async def step(installation: Installation, subject: str, command: Command) -> StepTaken:
    """Ask until somebody answers, as a person would whose answer did not come."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await installation.bus.ask(subject, command, StepTaken, timeout=2)
            except TagwerkError:
                await asyncio.sleep(0.05)


async def told(installation: Installation, kind: str) -> int:
    """How many events of this type lie in the stream, once the outbox is empty."""
    messages = await installation.bus.read(subjects.EVENTS, kind)
    return len({decode_business_event(message.data).id for message in messages})


async def emptied(pool: Pool) -> None:
    async with asyncio.timeout(60):
        while await pool.fetchval("select exists(select from outbox)"):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("where", POINTS)
async def test_a_workflow_that_is_killed_asks_once(
    installation: Installation, pool: Pool, office: Office, where: str
) -> None:
    document = await office.unstarted(reading())
    async with dying(installation, where, "event.approval.requested"):
        pass
    await installation.start()
    run = await installation.ended(await started(installation, WORKFLOW, document), WORKFLOW)
    assert run.end.state is RunState.SUCCEEDED, run.end.failure
    assert {record.outcome for record in run.records} == {Outcome.CREATED}
    await emptied(pool)
    assert await told(installation, "event.approval.requested") == 1
    assert await pool.fetchval("select count(*) from approval_steps") == 1


@pytest.mark.parametrize("where", POINTS)
async def test_an_approval_that_is_killed_is_given_once(
    installation: Installation, pool: Pool, office: Office, where: str
) -> None:
    document = await office.arrive(reading())
    command = ApproveInvoice(asker=ADA, document_id=document, values_version=await office.version(document))
    async with dying(installation, where, "event.invoice.approved"):
        waiting = asyncio.create_task(step(installation, subjects.APPROVE, command))
    await installation.start()
    taken = await waiting
    assert taken.approval is not None
    assert (taken.approval.state, taken.approval.approved_by) == (ApprovalState.APPROVED, ["ada"])
    assert [one.kind for one in taken.approval.steps] == ["requested", "approved"]
    await emptied(pool)
    assert await told(installation, "event.invoice.approved") == 1
    audits = await installation.bus.read(subjects.AUDIT, "audit.invoice_approved")
    assert len({AuditEntry.model_validate_json(entry.data).id for entry in audits}) == 1


async def test_a_correction_that_is_killed_is_made_once(
    installation: Installation, pool: Pool, office: Office
) -> None:
    document: UUID = await office.arrive(reading())
    command = CorrectInvoice(asker=ADA, document_id=document, fields={"gross_amount": "1200.00"})
    async with dying(installation, "after-commit", "event.invoice.corrected"):
        waiting = asyncio.create_task(step(installation, subjects.CORRECT, command))
    await installation.start()
    taken = await waiting
    assert taken.approval is not None
    assert taken.approval.values["gross_amount"] == "1200.00"
    assert [one.kind for one in taken.approval.steps] == ["requested", "corrected", "changed"]
    await emptied(pool)
    assert await told(installation, "event.invoice.corrected") == 1
    assert await told(installation, "event.approval.requested") == 2
