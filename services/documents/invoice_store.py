"""Analysed invoices in PostgreSQL; the row, its outcome and `event.invoice.analysed` in one transaction."""

import json
from typing import Any, Protocol
from uuid import UUID

from services.documents.analysts import Analysis
from services.documents.core import changes_between, invoice_key
from services.documents.settlement import FIELDS, FINDINGS, Settled, columns_of, settle, take_turn
from services.documents.store import document_not_found
from services.documents.suppliers.labels import Hint
from services.documents.suppliers.store import hints
from shared.commands import AnalysedInvoice
from shared.database import Pool
from shared.events import InvoiceAnalysed, Record
from shared.outbox import Outbox
from shared.runner.context import RunContext
from shared.words import Outcome


class InvoiceStore(Protocol):
    """What a run may do with the invoices of its client's documents."""

    async def hints(self) -> list[Hint]:
        """What is known of the client's suppliers that helps to read their invoices."""

    async def keep(self, document_id: UUID, label: str, analysis: Analysis) -> Record:
        """Keep what was found, with what is known of its supplier and what people corrected; the record says
        what that changed. An `analysis` that found no invoice removes the one that an earlier one had found,
        unless a person has corrected it or its approval has begun."""


class PostgresInvoices:
    """The invoices of one run's client."""

    def __init__(self, pool: Pool, outbox: Outbox, context: RunContext) -> None:
        self._pool = pool
        self._outbox = outbox
        self._context = context

    async def hints(self) -> list[Hint]:
        return await hints(self._pool, self._context.client)

    async def keep(self, document_id: UUID, label: str, analysis: Analysis) -> Record:
        context = self._context
        async with self._outbox.transaction() as tx:
            await take_turn(tx.connection, context.client)
            # Locked: two runs over one document follow each other, and the second one sees what is there.
            document = await tx.connection.fetchval(
                "select document_id from documents where document_id = $1 and client = $2 for update",
                document_id,
                context.client,
            )
            if document is None:
                raise document_not_found(document_id)
            row = await tx.connection.fetchrow(f"{_SELECT} where document_id = $1", document_id)
            known = None if row is None else _invoice_of(row)
            key = invoice_key(document_id)
            if analysis.kind is None and known is not None and await _in_hands(tx.connection, document_id):
                # What people have taken in hand is not taken out of their hands by a reading.
                message = f"kept as it is: people work on it, though now {analysis.reason}"
                return tx.record(Record(key=key, outcome=Outcome.SKIPPED, label=label, message=message))
            if analysis.kind is None:
                await tx.connection.execute("delete from invoices where document_id = $1", document_id)
                outcome = Outcome.SKIPPED if known is None else Outcome.DELETED
                return tx.record(Record(key=key, outcome=outcome, label=label, message=analysis.reason))
            settled = await settle(tx.connection, context.client, document_id, analysis)
            holding = settled.analysis
            message = describe(holding)
            before = {} if known is None else _comparable(known)
            after = _comparable(holding)
            if row is not None and before == after:
                # What an earlier attempt of this run did, this run did.
                own = row["run_id"] == context.run_id
                outcome = Outcome(row["outcome"]) if own else Outcome.UNCHANGED
                changes = json.loads(row["changes"]) if own and row["changes"] else None
                return tx.record(
                    Record(key=key, outcome=outcome, label=label, message=message, changes=changes)
                )
            outcome = Outcome.CREATED if known is None else Outcome.UPDATED
            changes = changes_between(before, after) if known is not None else None
            await tx.connection.execute(
                "insert into invoices (document_id, kind, source, format, read_fields, read_findings, run_id,"
                " outcome, changes, fields, findings, issuers, number, gross, issued, duplicate_of)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
                " on conflict (document_id) do update set kind = excluded.kind, source = excluded.source,"
                " format = excluded.format, read_fields = excluded.read_fields,"
                " read_findings = excluded.read_findings, run_id = excluded.run_id,"
                " outcome = excluded.outcome, changes = excluded.changes, fields = excluded.fields,"
                " findings = excluded.findings, issuers = excluded.issuers, number = excluded.number,"
                " gross = excluded.gross, issued = excluded.issued, duplicate_of = excluded.duplicate_of,"
                " analysed_at = now()",
                document_id, analysis.kind, analysis.source, analysis.format,
                FIELDS.dump_json(analysis.fields).decode(), FINDINGS.dump_json(analysis.findings).decode(),
                context.run_id, outcome.value, json.dumps(changes) if changes else None, *columns_of(settled),
            )  # fmt: skip
            tx.event(_event(context, document_id, settled))
            return tx.record(Record(key=key, outcome=outcome, label=label, message=message, changes=changes))


async def begin_draft(connection: Any, document_id: UUID) -> None:
    """An invoice without any field, for a person to give them. In a transaction that has locked the document,
    in which no invoice was found."""
    await connection.execute(
        "insert into invoices (document_id, kind, source, read_fields, read_findings, fields, findings,"
        " outcome) values ($1, 'invoice', 'person', '[]', '[]', '[]', '[]', 'created')",
        document_id,
    )


async def find_invoice(pool: Any, document_id: UUID) -> AnalysedInvoice | None:
    row = await pool.fetchrow(f"{_SELECT} where document_id = $1", document_id)
    return None if row is None else _invoice_of(row)


_SELECT = "select kind, source, format, fields, findings, run_id, outcome, changes, analysed_at from invoices"


async def _in_hands(connection: Any, document_id: UUID) -> bool:
    """Whether a person has corrected the invoice, or its approval has begun."""
    return bool(
        await connection.fetchval(
            "select exists(select from corrections where document_id = $1)"
            " or exists(select from approvals where document_id = $1)",
            document_id,
        )
    )


def describe(analysis: Analysis) -> str:
    """One sentence about what was found, for the record."""
    doubtful = [field for field in analysis.fields if field.verdict != "certain"]
    kind = {"invoice": "invoice", "credit_note": "credit note"}[analysis.kind or "invoice"]
    sources = {"e_invoice": "e-invoice", "qr_bill": "QR-bill", "girocode": "GiroCode", "text": "text"}
    words = f"{kind} read from its {sources[analysis.source or 'text']}, {len(analysis.fields)} fields"
    return f"{words}, {len(doubtful)} of them to be confirmed" if doubtful else f"{words}, all certain"


def _invoice_of(row: Any) -> AnalysedInvoice:
    return AnalysedInvoice(
        kind=row["kind"],
        source=row["source"],
        format=row["format"],
        fields=FIELDS.validate_json(row["fields"]),
        findings=FINDINGS.validate_json(row["findings"]),
        run_id=row["run_id"],
        analysed_at=row["analysed_at"],
    )


def _comparable(read: AnalysedInvoice | Analysis) -> dict[str, str]:
    """What a person would call the invoice's content, by field: value, and verdict if it is not certain."""
    said = {
        field.name: field.value if field.verdict == "certain" else f"{field.value} ({field.verdict})"
        for field in read.fields
    }
    findings = "; ".join(finding.words for finding in read.findings)
    return {"kind": read.kind or "", "source": read.source or "", **said, "findings": findings}


def _event(context: RunContext, document_id: UUID, settled: Settled) -> InvoiceAnalysed:
    analysis = settled.analysis
    return InvoiceAnalysed(
        **context.facts(f"document:{document_id}", invoice_key(document_id)),
        document_id=document_id,
        kind=analysis.kind or "invoice",
        source=analysis.source or "text",
        values=settled.values,
        doubtful=[field.name for field in analysis.fields if field.verdict != "certain"],
        duplicate_of=settled.duplicate_of,
    )
