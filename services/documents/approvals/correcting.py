"""A person corrects fields of an invoice: kept, told, learned from, and followed by the approval."""

from datetime import date
from typing import Any

from services.documents.approvals import core
from services.documents.approvals.access import expect_role
from services.documents.approvals.cases import Case, Invoice, keep_move, keep_step
from services.documents.approvals.core import Step
from services.documents.approvals.desk import Desk, requested_event
from services.documents.approvals.refusals import StepRefused
from services.documents.approvals.steps import audited, facts_of, opened, settle_repeats, taken
from services.documents.corrections import CORRECTABLE, Correction, normalized
from services.documents.invoice_store import begin_draft
from services.documents.settlement import Settled, corrections_of, keep_correction, settle_again
from services.documents.suppliers.store import learn_facts
from shared.approving import CORRECTING
from shared.commands import CorrectInvoice, StepTaken
from shared.errors import TagwerkError
from shared.events import InvoiceAnalysed, InvoiceCorrected
from shared.outbox import Outbox, Transaction
from shared.words import ApprovalState, StepKind


class Corrections:
    """Carries out corrections."""

    def __init__(self, outbox: Outbox, desk: Desk) -> None:
        self._outbox = outbox
        self._desk = desk

    async def correct(self, command: CorrectInvoice) -> StepTaken:
        """The same correction again changes nothing. A value that was read already is confirmed by it. Where
        no invoice was found, the values make one."""
        async with opened(self._outbox, command) as (tx, case):
            expect_role(command.asker, case, CORRECTING)
            core.expect_correctable(case.approval.standing if case.approval is not None else None)
            wanted = _normalized(command, case)
            if case.invoice is None and all(value is None for value in wanted.values()):
                raise _no_invoice(case)
            known = {one.field: one.value for one in await corrections_of(tx.connection, case.document_id)}
            new = {name: value for name, value in wanted.items() if name not in known or known[name] != value}
            if new:
                await self._keep(tx, case, command, new)
            return await taken(tx.connection, case.document_id, changed=bool(new))

    async def _keep(
        self, tx: Transaction, case: Case, command: CorrectInvoice, new: dict[str, str | None]
    ) -> None:
        asker, connection = command.asker.id, tx.connection
        if case.invoice is None:
            await begin_draft(connection, case.document_id)
        for name, value in new.items():
            correction = Correction(name, value, asker)
            await keep_correction(connection, case.document_id, correction, command.reason)
        settled = await settle_again(connection, case.client, case.document_id)
        assert settled is not None
        read = case.invoice.values if case.invoice is not None else {}
        before = {name: read.get(name) for name in new}
        tx.event(InvoiceCorrected(**facts_of(command, case), before=before, after=new, reason=command.reason))
        tx.audit(
            audited("invoice_corrected", command.asker.id, case, command.reason).model_copy(
                update={"before": before, "after": dict(new)}
            )
        )
        if case.invoice is None:
            # The approval of a found invoice begins with this event, and so does that of a given one.
            tx.event(_found(command, case, settled))
        await _learn(connection, case.client, settled, new)
        await self._let_follow(tx, case, Invoice.of(settled), command, before, new)
        await settle_repeats(tx, self._desk, case, command)

    async def _let_follow(
        self,
        tx: Transaction,
        case: Case,
        invoice: Invoice,
        command: CorrectInvoice,
        before: dict[str, str | None],
        new: dict[str, str | None],
    ) -> None:
        """The approval is about the corrected values from now on; a rejected invoice gets another chance."""
        if case.approval is None:
            return
        asker, standing = command.asker.id, case.approval.standing
        said = ", ".join(
            f"{CORRECTABLE[name]} {_shown(before[name])} → {_shown(value)}"
            if before[name] != value
            else f"{CORRECTABLE[name]} {_shown(value)} confirmed"
            for name, value in new.items()
        )
        reason = f" ({command.reason})" if command.reason else ""
        step = Step(StepKind.CORRECTED, asker, f"corrected: {said}{reason}")
        await keep_step(tx.connection, case.document_id, step, invoice.version)
        told = {"traceparent": command.traceparent}
        if standing.state is ApprovalState.REJECTED:
            demand = await self._desk.demand(tx.connection, case.client, invoice)
            why = f"{asker} corrected the invoice after it was rejected"
            move = core.reopen(standing, invoice.version, demand, asker, why)
            await keep_move(tx.connection, case.document_id, invoice, move)
            tx.event(requested_event(case, move, asker, reason=why, **told))
            return
        await self._desk.follow(tx, case, invoice, asker, "the values were corrected", **told)


def _normalized(command: CorrectInvoice, case: Case) -> dict[str, str | None]:
    """The values as they are kept. Raises `correction_invalid` with every field that is wrong."""
    values: dict[str, str | None] = {}
    wrong: dict[str, str] = {}
    for name, said in command.fields.items():
        try:
            if said is None and name not in CORRECTABLE:
                raise ValueError("an invoice has no such field")
            values[name] = None if said is None else normalized(name, said, _today())
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise StepRefused(
            "correction_invalid",
            "; ".join(f"{name}: {words}" for name, words in wrong.items()),
            concern=f"document:{case.document_id}",
            client=case.client,
            next_step="Correct the fields that are named, and send all of them again; nothing was changed.",
            fields=wrong,
        )
    return values


def _found(command: CorrectInvoice, case: Case, settled: Settled) -> InvoiceAnalysed:
    return InvoiceAnalysed(
        **facts_of(command, case),
        kind=settled.analysis.kind or "invoice",
        source="person",
        values=settled.values,
        doubtful=[field.name for field in settled.analysis.fields if field.verdict != "certain"],
        duplicate_of=settled.duplicate_of,
    )


async def _learn(connection: Any, client: str, settled: Settled, new: dict[str, str | None]) -> None:
    """What stays the same from invoice to invoice is known of the supplier from now on."""
    names = [name for name, value in new.items() if value is not None]
    sure = {one.name: one.value for one in settled.analysis.fields if one.verdict == "certain"}
    if await learn_facts(connection, client, sure, names, approved=False) is None:
        # Nothing sure tells who it is; the same guess from the next invoice finds it again.
        await learn_facts(connection, client, settled.values, names, approved=False)


def _no_invoice(case: Case) -> TagwerkError:
    return TagwerkError(
        "invoice_not_found",
        f"no invoice was found in {case.file_name}, so there is nothing that could be taken away",
        concern=f"document:{case.document_id}",
        next_step="If it is an invoice, give its fields: `tagwerk correct DOCUMENT NAME=VALUE...`.",
    )


def _shown(value: str | None) -> str:
    return "none" if value is None else value


def _today() -> date:
    return date.today()  # noqa: DTZ011  (a bound of plausibility, two years wide: no zone matters)
