"""What the job documents.learn-from-correction reads and keeps, for one run's client."""

import json
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from services.documents.settlement import FIELDS, corrections_of
from services.documents.suppliers.core import Supplier
from services.documents.suppliers.identity import issuer_keys
from services.documents.suppliers.labels import LEARNABLE
from services.documents.suppliers.store import find_supplier
from shared.database import Pool
from shared.events import Record
from shared.outbox import Outbox
from shared.runner.context import RunContext
from shared.words import Outcome


class Lessons(Protocol):
    """What a run may learn from the corrections of its client's documents."""

    async def corrected(self, document_id: UUID) -> dict[str, str]:
        """Field -> value of what people corrected, of fields that change from invoice to invoice."""

    async def keep(self, document_id: UUID, label: str, labels: Mapping[str, str]) -> Record:
        """Remember for the supplier of the document which label stands before which field."""

    def nothing(self, document_id: UUID, label: str, reason: str) -> Record:
        """The record of a document from which nothing is learned."""


class PostgresLessons:
    """The suppliers of one run's client."""

    def __init__(self, pool: Pool, outbox: Outbox, context: RunContext) -> None:
        self._pool = pool
        self._outbox = outbox
        self._context = context

    async def corrected(self, document_id: UUID) -> dict[str, str]:
        corrections = await corrections_of(self._pool, document_id)
        return {
            one.field: one.value for one in corrections if one.field in LEARNABLE and one.value is not None
        }

    async def keep(self, document_id: UUID, label: str, labels: Mapping[str, str]) -> Record:
        context = self._context
        async with self._outbox.transaction() as tx:
            supplier = await self._supplier(tx.connection, document_id)
            if supplier is None:
                return tx.record(self.nothing(document_id, label, "the invoice shows no supplier"))
            row: Any = await tx.connection.fetchrow(
                "select labels, learned_by, learned from suppliers where supplier_id = $1 for update",
                supplier.supplier_id,
            )
            before: dict[str, str] = json.loads(row["labels"])
            after = {**before, **labels}
            # What an earlier attempt of this run learned, this run learned.
            outcome = Outcome(row["learned"]) if row["learned_by"] == context.run_id else Outcome.UNCHANGED
            if after != before:
                outcome = Outcome.UPDATED if before else Outcome.CREATED
                await tx.connection.execute(
                    "update suppliers set labels = $2, learned_by = $3, learned = $4, updated_at = now()"
                    " where supplier_id = $1",
                    supplier.supplier_id, json.dumps(after), context.run_id, outcome.value,
                )  # fmt: skip
            said = ", ".join(f"{field} stands at {word!r}" for field, word in sorted(labels.items()))
            return tx.record(
                Record(
                    key=f"supplier:{supplier.supplier_id}",
                    outcome=outcome,
                    label=supplier.facts.get("issuer_name", label),
                    message=said,
                )
            )

    def nothing(self, document_id: UUID, label: str, reason: str) -> Record:
        return Record(key=f"document:{document_id}", outcome=Outcome.SKIPPED, label=label, message=reason)

    async def _supplier(self, connection: Any, document_id: UUID) -> Supplier | None:
        """Whom the invoice is from, by what is sure of it, else by what was read."""
        fields: str | None = await connection.fetchval(
            "select fields from invoices join documents using (document_id)"
            " where document_id = $1 and client = $2",
            document_id,
            self._context.client,
        )
        read = FIELDS.validate_json(fields) if fields is not None else []
        sure = {one.name: one.value for one in read if one.verdict == "certain"}
        for values in (sure, {one.name: one.value for one in read}):
            found = await find_supplier(connection, self._context.client, issuer_keys(values))
            if found is not None:
                return found
        return None
