"""Whether an invoice came before: the same issuer with the same number, or with the same amount and date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.documents.core import compact
from services.documents.invoices.checks import is_amount
from services.documents.suppliers.identity import are_different, issuer_keys
from shared.commands import InvoiceFinding


@dataclass(frozen=True, slots=True)
class Identity:
    """By what an invoice is known again."""

    issuers: tuple[str, ...]
    number: str | None
    gross: Decimal | None
    issued: date | None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Identity":
        gross = values.get("gross_amount") or values.get("payable_amount")
        try:
            issued = date.fromisoformat(values.get("invoice_date", ""))
        except ValueError:
            issued = None
        return cls(
            issuers=tuple(issuer_keys(values)),
            number=compact(values.get("invoice_number", "")) or None,
            gross=Decimal(gross) if gross is not None and is_amount(gross) else None,
            issued=issued,
        )


@dataclass(frozen=True, slots=True)
class Duplicate:
    document_id: UUID
    finding: InvoiceFinding


async def find_duplicate(
    connection: Any, client: str, document_id: UUID, kind: str, identity: Identity
) -> Duplicate | None:
    """The earliest of the client's invoices that seems to be the same and was not rejected."""
    rows = await connection.fetch(
        "select other.document_id, documents.file_name, other.issuers, other.number"
        " from invoices as other join documents using (document_id) left join approvals using (document_id)"
        " where documents.client = $1 and other.document_id <> $2 and other.kind = $3"
        " and other.issuers && $4::text[] and approvals.state is distinct from 'rejected'"
        " and other.position < coalesce((select position from invoices where document_id = $2),"
        " 9223372036854775807)"
        " and (other.number = $5 or (other.gross = $6 and other.issued = $7)) order by other.position",
        client, document_id, kind, list(identity.issuers), identity.number, identity.gross, identity.issued,
    )  # fmt: skip
    for row in rows:
        if not are_different(identity.issuers, row["issuers"]):
            return Duplicate(row["document_id"], _finding(row, identity))
    return None


def _finding(row: Any, identity: Identity) -> InvoiceFinding:
    same_number = row["number"] is not None and row["number"] == identity.number
    what = "number" if same_number else "amount and date"
    place = f"{row['file_name']} (document {row['document_id']})"
    words = f"it seems to be the invoice in {place}: same issuer, same {what}"
    fields = ["invoice_number"] if same_number else ["gross_amount", "invoice_date"]
    return InvoiceFinding(code="duplicate_invoice", words=words, fields=fields)
