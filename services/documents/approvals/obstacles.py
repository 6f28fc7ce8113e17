"""What stands in the way of an approval: other values than the approver saw, and payment data in doubt."""

from typing import Any, Final

from services.documents.approvals.cases import Approval, Case, Invoice, values_at
from services.documents.approvals.refusals import StepRefused
from services.documents.approvals.values import (
    doubtful_payment_fields,
    missing_for_approval,
    words_for_changes,
)
from services.documents.core import changes_between
from services.documents.corrections import Correction
from services.documents.settlement import confirm
from shared.commands import ApproveInvoice

#: In `confirm`: that the invoice is to be paid although it seems to be a duplicate.
DUPLICATE: Final = "duplicate"


async def expect_seen(
    connection: Any, command: ApproveInvoice, case: Case, approval: Approval, invoice: Invoice
) -> None:
    """The asker saw what is to be approved. Raises `values_changed` with what is different."""
    standing = approval.standing
    if command.values_version == standing.shown_version and standing.version == invoice.version:
        return
    changes: dict[str, tuple[str | None, str | None]] = {}
    seen = await values_at(connection, command.document_id, command.values_version)
    if seen is None:
        cause = f"the invoice never had a version {command.values_version} that was to be approved"
    elif seen == invoice.values and standing.version == invoice.version:
        cause = "it is asked again since you saw it; its history says why"
    else:
        cause = f"the invoice is not what you saw any more: {words_for_changes(seen, invoice.values)}"
        changes = changes_between(seen, invoice.values)
    raise StepRefused(
        "values_changed",
        cause,
        concern=f"document:{command.document_id}",
        client=case.client,
        next_step="Look at the invoice again, and approve what it says now. If this stays, rerun"
        " documents.start-workflow for it.",
        fields={name: f"{old or 'none'} → {new or 'none'}" for name, (old, new) in changes.items()},
    )


async def expect_confirmed(
    connection: Any, command: ApproveInvoice, case: Case, approval: Approval, invoice: Invoice
) -> list[str]:
    """Nothing that pays is in doubt any more; keeps what the asker confirms with this step, and names it."""
    concern = f"document:{case.document_id}"
    values = invoice.values
    if unknown := [name for name in command.confirm if name not in values and name != DUPLICATE]:
        raise StepRefused(
            "confirmation_invalid",
            f"the invoice has no {', '.join(unknown)} that could be confirmed",
            concern=concern,
            client=case.client,
            next_step=f"Name fields that it has, or {DUPLICATE}.",
            fields=dict.fromkeys(unknown, "the invoice has no such field"),
        )
    if missing := missing_for_approval(values):
        raise StepRefused(
            "values_missing",
            f"the invoice has no {' and no '.join(missing)}, so nobody can say what is approved",
            concern=concern,
            client=case.client,
            next_step="Correct the fields first: `tagwerk correct DOCUMENT NAME=VALUE`.",
            fields=dict.fromkeys(missing, "missing"),
        )
    doubtful = doubtful_payment_fields(invoice.fields)
    if left := [name for name in doubtful if name not in command.confirm]:
        by_name = {field.name: field for field in invoice.fields}
        said = {
            name: f"{by_name[name].value} is {by_name[name].verdict}"
            + "".join(f", {other.source} says {other.value}" for other in by_name[name].others)
            for name in left
        }
        raise StepRefused(
            "fields_doubtful",
            "; ".join(f"{name}: {words}" for name, words in said.items()),
            concern=concern,
            client=case.client,
            next_step="Compare them with the page. Correct what is wrong (`tagwerk correct`), and confirm"
            " what is right (`--confirm NAME`).",
            fields=said,
        )
    duplicate = invoice.duplicate_of
    repeats = duplicate is not None and duplicate != approval.cleared_duplicate
    if repeats and DUPLICATE not in command.confirm:
        raise StepRefused(
            "duplicate_unconfirmed",
            f"the invoice seems to be the one in document {duplicate}",
            concern=concern,
            client=case.client,
            next_step=f"Compare the two. Reject this one, or confirm that both are to be paid: {DUPLICATE}.",
            fields={DUPLICATE: f"document {duplicate}"},
        )
    confirmed = [name for name in doubtful if name in command.confirm]
    said_so = [Correction(name, values[name], command.asker.id) for name in confirmed]
    await confirm(connection, case.document_id, said_so, command.comment)
    if repeats:
        await connection.execute(
            "update approvals set cleared_duplicate = $2 where document_id = $1", case.document_id, duplicate
        )
        confirmed.append(DUPLICATE)
    return confirmed
