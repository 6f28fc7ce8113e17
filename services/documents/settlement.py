"""From what was read to what holds: knowledge about the supplier, corrections, duplicates, in this order.

Works in the transaction that it is given, which has taken its turn and locked the document. The reading stays
beside it, so that each of the three can change and the rest is made anew.
"""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from services.documents.analysts import Analysis
from services.documents.corrections import Correction, contradictions, findings_that_hold, with_corrections
from services.documents.duplicates import Identity, find_duplicate
from services.documents.suppliers.core import iban_change, warned, with_supplier
from services.documents.suppliers.identity import issuer_keys
from services.documents.suppliers.store import find_supplier
from shared.commands import InvoiceField, InvoiceFinding

FIELDS: Final = TypeAdapter(list[InvoiceField])
FINDINGS: Final = TypeAdapter(list[InvoiceFinding])
#: Findings of this module, which are made anew and not settled by a word on a field.
WARNINGS: Final = frozenset({"iban_changed", "duplicate_invoice"})


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds about the invoice in a document."""

    #: With the fields and findings that hold.
    analysis: Analysis
    identity: Identity
    duplicate_of: UUID | None

    @property
    def values(self) -> dict[str, str]:
        return {field.name: field.value for field in self.analysis.fields}


async def take_turn(connection: Any, client: str) -> None:
    """Wait for what else settles invoices of the client; lasts until the end of the transaction. To be taken
    before the lock on a document.

    Invoices of one client depend on each other: one repeats another, and all teach about their suppliers. Of
    two that are settled at the same time, the second one has to see the first.
    """
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"invoices:{client}")


async def settle(connection: Any, client: str, document_id: UUID, read: Analysis) -> Settled:
    """What holds, where `read` is what was read. `read` has found an invoice."""
    corrections = await corrections_of(connection, document_id)
    fields = with_corrections(read.fields, corrections)
    findings = findings_that_hold(read.findings, fields, corrections)
    findings += contradictions(findings, fields, corrections)
    supplier = await find_supplier(connection, client, issuer_keys(_values(fields)))
    if supplier is not None:
        fields = with_corrections(with_supplier(read.fields, supplier), corrections)
        if (change := iban_change(fields, supplier)) is not None:
            fields = warned(fields)
            findings.append(InvoiceFinding(code=change.code, words=change.words, fields=list(change.fields)))
    identity = Identity.of(_values(fields))
    duplicate = await find_duplicate(connection, client, document_id, read.kind or "invoice", identity)
    if duplicate is not None:
        findings.append(duplicate.finding)
    analysis = replace(read, fields=fields, findings=findings)
    return Settled(analysis, identity, duplicate.document_id if duplicate is not None else None)


async def settle_again(connection: Any, client: str, document_id: UUID) -> Settled | None:
    """Make anew what holds, from the reading that is kept; None if there is no invoice."""
    row = await connection.fetchrow(
        "select kind, source, format, read_fields, read_findings from invoices where document_id = $1",
        document_id,
    )
    if row is None:
        return None
    read = Analysis(
        kind=row["kind"],
        reason=None,
        source=row["source"],
        format=row["format"],
        fields=FIELDS.validate_json(row["read_fields"]),
        findings=FINDINGS.validate_json(row["read_findings"]),
    )
    settled = await settle(connection, client, document_id, read)
    await connection.execute(
        "update invoices set fields = $2, findings = $3, issuers = $4, number = $5, gross = $6, issued = $7,"
        " duplicate_of = $8 where document_id = $1",
        document_id, *columns_of(settled),
    )  # fmt: skip
    return settled


def columns_of(settled: Settled) -> tuple[Any, ...]:
    """The columns `fields, findings, issuers, number, gross, issued, duplicate_of` of a row."""
    identity = settled.identity
    return (
        FIELDS.dump_json(settled.analysis.fields).decode(),
        FINDINGS.dump_json(settled.analysis.findings).decode(),
        list(identity.issuers),
        identity.number,
        identity.gross,
        identity.issued,
        settled.duplicate_of,
    )


async def corrections_of(connection: Any, document_id: UUID) -> list[Correction]:
    rows = await connection.fetch(
        "select field, value, principal from corrections where document_id = $1 order by field", document_id
    )
    return [Correction(**dict(row)) for row in rows]


async def keep_correction(
    connection: Any, document_id: UUID, correction: Correction, reason: str | None
) -> None:
    await connection.execute(
        "insert into corrections (document_id, field, value, principal, reason) values ($1, $2, $3, $4, $5)"
        " on conflict (document_id, field) do update set value = excluded.value,"
        " principal = excluded.principal, reason = excluded.reason, corrected_at = now()",
        document_id, correction.field, correction.value, correction.principal, reason,
    )  # fmt: skip


async def confirm(
    connection: Any, document_id: UUID, confirmed: list[Correction], reason: str | None
) -> None:
    """Keep that fields are as they stand. Only what is said of them changes, no value: whoever approves in
    the same step approves what they saw."""
    if not confirmed:
        return
    for correction in confirmed:
        await keep_correction(connection, document_id, correction, reason)
    row = await connection.fetchrow(
        "select fields, findings from invoices where document_id = $1", document_id
    )
    fields = with_corrections(FIELDS.validate_json(row["fields"]), confirmed)
    # A warning stays, whoever confirmed what it warns of.
    findings = [
        one
        for one in FINDINGS.validate_json(row["findings"])
        if one.code in WARNINGS or findings_that_hold([one], fields, confirmed)
    ]
    await connection.execute(
        "update invoices set fields = $2, findings = $3 where document_id = $1",
        document_id,
        FIELDS.dump_json(fields).decode(),
        FINDINGS.dump_json(findings).decode(),
    )


def _values(fields: list[InvoiceField]) -> dict[str, str]:
    return {field.name: field.value for field in fields}
