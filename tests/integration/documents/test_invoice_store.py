"""The invoice, its outcome and its event in one transaction, for one client only."""

from typing import cast
from uuid import UUID

import pytest

from services.documents.analysts import Analysis
from services.documents.invoice_store import PostgresInvoices, find_invoice
from services.documents.store import remember_document
from shared.bus import Bus
from shared.commands import InvoiceField
from shared.database import Pool
from shared.errors import TagwerkError
from shared.ids import new_id
from shared.outbox import Outbox, Relay, Superseded
from shared.runner.context import RunContext
from shared.words import Outcome
from tests.integration.documents.test_store import outbox, uploaded

NONE = Analysis(None, "it is a letter", None, None, [], [])


def found(number: str) -> Analysis:
    field = InvoiceField(
        name="invoice_number", value=number, source="text", confidence=90.0, verdict="certain"
    )
    return Analysis("invoice", None, "text", None, [field], [])


def context(client: str = "acme", *, run_id: UUID | None = None, attempt: int = 1) -> RunContext:
    return RunContext(run_id or new_id(), attempt, "documents.analyse-invoice", client, principal="ada")


def store(pool: Pool, of: RunContext) -> PostgresInvoices:
    # The relay is never run here: what lies in the outbox is looked at where it lies.
    return PostgresInvoices(pool, Outbox(pool, Relay(pool, cast(Bus, None)), of), of)


async def known(pool: Pool) -> UUID:
    event = uploaded()
    await remember_document(pool, event)
    return event.document_id


async def test_an_invoice_its_outcome_and_its_event_are_written_together(pool: Pool) -> None:
    document, run = await known(pool), context()
    record = await store(pool, run).keep(document, "a.pdf", found("1"))
    assert record.outcome is Outcome.CREATED
    invoice = await find_invoice(pool, document)
    assert invoice is not None
    assert (invoice.run_id, invoice.fields) == (run.run_id, found("1").fields)
    assert sorted(await outbox(pool)) == [
        "event.invoice.analysed",
        f"run.documents.analyse-invoice.{run.run_id}.ev",
    ]


async def test_another_reading_is_an_update_with_its_changes_and_the_same_is_unchanged(pool: Pool) -> None:
    document = await known(pool)
    await store(pool, context()).keep(document, "a.pdf", found("1"))
    updated = await store(pool, context()).keep(document, "a.pdf", found("2"))
    assert (updated.outcome, updated.changes) == (Outcome.UPDATED, {"invoice_number": ("1", "2")})
    same = await store(pool, context()).keep(document, "a.pdf", found("2"))
    assert (same.outcome, same.changes) == (Outcome.UNCHANGED, None)
    assert (await outbox(pool)).count("event.invoice.analysed") == 2


async def test_what_the_first_attempt_did_the_run_did(pool: Pool) -> None:
    document, run = await known(pool), new_id()
    await store(pool, context(run_id=run)).keep(document, "a.pdf", found("1"))
    again = await store(pool, context(run_id=run, attempt=2)).keep(document, "a.pdf", found("1"))
    assert again.outcome is Outcome.CREATED
    assert (await outbox(pool)).count("event.invoice.analysed") == 1


async def test_an_attempt_that_was_superseded_keeps_nothing(pool: Pool) -> None:
    document, run = await known(pool), new_id()
    await store(pool, context(run_id=run, attempt=2)).keep(document, "a.pdf", found("1"))
    with pytest.raises(Superseded):
        await store(pool, context(run_id=run, attempt=1)).keep(document, "a.pdf", found("2"))
    invoice = await find_invoice(pool, document)
    assert invoice is not None
    assert invoice.fields == found("1").fields


async def test_an_invoice_that_turns_out_to_be_none_is_removed_and_told(pool: Pool) -> None:
    document = await known(pool)
    await store(pool, context()).keep(document, "a.pdf", found("1"))
    removed = await store(pool, context()).keep(document, "a.pdf", NONE)
    assert (removed.outcome, removed.message) == (Outcome.DELETED, "it is a letter")
    assert await find_invoice(pool, document) is None
    skipped = await store(pool, context()).keep(document, "a.pdf", NONE)
    assert skipped.outcome is Outcome.SKIPPED


async def test_a_document_of_another_client_keeps_no_invoice(pool: Pool) -> None:
    document = await known(pool)
    with pytest.raises(TagwerkError) as caught:
        await store(pool, context("other")).keep(document, "a.pdf", found("1"))
    assert caught.value.failure.code == "document_not_found"
    assert await find_invoice(pool, document) is None
