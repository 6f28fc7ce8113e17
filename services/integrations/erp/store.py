"""Exports in PostgreSQL: reserved in one transaction, completed in another, whoever does the second.

As with payment files (ADR 0009): once the rows of an export are committed, what is booked is fixed, with the
bytes that tell of it; whoever completes it hands out the same.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

from services.integrations.erp.core import ApprovedInvoice, Booking, book, no_file, unknown_invoice
from services.integrations.erp.exporting import Wish
from services.integrations.erp.extf import render
from services.integrations.erp.invoices import (
    booked_before,
    booked_values,
    not_yet_booked,
)
from services.integrations.erp.reservations import decide, decided_before
from services.integrations.erp.rules import Datev
from shared.audit import AuditEntry
from shared.events import Record
from shared.ids import new_id
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import BookedIn, Outcome


@dataclass(frozen=True, slots=True)
class ExportedDocument:
    document_id: UUID
    invoice_number: str


@dataclass(frozen=True, slots=True)
class BegunExport:
    """An export that is reserved and not complete."""

    id: UUID
    name: str
    created_at: datetime
    content: bytes
    documents: Sequence[ExportedDocument]
    #: Name of its copy that is or was to be moved into the ERP's folder.
    staged: str | None


class ErpExports(Protocol):
    """What a run may do with the exports of its client."""

    async def candidates(self, wish: Wish) -> Sequence[ApprovedInvoice]:
        """The invoices that the wish is about and that are not booked."""

    async def foresee(self, wish: Wish, missing: frozenset[UUID]) -> Sequence[Record]:
        """What `reserve` and `complete` would tell of the wish. Writes nothing."""

    async def reserve(self, wish: Wish, missing: frozenset[UUID]) -> Sequence[Record]:
        """Decide what this run books, and begin the exports for it; `missing` are documents without a file.
        Once in a run: again, it only returns the records of what was left out."""

    async def begun(self) -> Sequence[BegunExport]:
        """The exports that wait to be completed, the oldest first, whichever run began them."""

    async def stage(self, export_id: UUID, name: str) -> str:
        """Remember the name of the copy; the name that counts, which another attempt may have given."""

    async def complete(self, export_id: UUID) -> Sequence[Record]:
        """Say that the export is handed over: the records of its invoices; nothing if another did."""

    async def told(self) -> Sequence[Record]:
        """The records of the exports that earlier attempts of this run completed."""


class PostgresErpExports:
    """The exports of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext, rules: Datev) -> None:
        self._outbox = outbox
        self._context = context
        self._rules = rules

    async def candidates(self, wish: Wish) -> Sequence[ApprovedInvoice]:
        async with self._outbox.transaction() as tx:
            return await not_yet_booked(tx.connection, self._context.client, wish.documents, wish.until)

    async def foresee(self, wish: Wish, missing: frozenset[UUID]) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            bookings, left_out = await self._choose(tx, wish, missing)
        would = [_record(one.invoice.key, one.label, _signed(one), "would be booked") for one in bookings]
        return [*left_out, *would]

    async def reserve(self, wish: Wish, missing: frozenset[UUID]) -> Sequence[Record]:
        context = self._context
        async with self._outbox.transaction() as tx:
            decided = await decided_before(tx, context, BookedIn.ERP)
            if decided is not None:
                return decided
            bookings, left_out = await self._choose(tx, wish, missing, lock=True)
            told = await decide(tx, context, left_out)
            wanted = [booking for booking in bookings if context.wants(booking.invoice.key)]
            # A stack lies in one fiscal year.
            for _, stack in groupby(wanted, key=lambda one: self._rules.fiscal_year(one.day)):
                await self._begin(tx, list(stack))
            return told

    async def _choose(
        self, tx: Transaction, wish: Wish, missing: frozenset[UUID], *, lock: bool = False
    ) -> tuple[list[Booking], list[Record]]:
        client = self._context.client
        invoices = await not_yet_booked(tx.connection, client, wish.documents, wish.until, lock=lock)
        bookings: list[Booking] = []
        left_out: list[Record] = []
        for invoice in invoices:
            booked = no_file(invoice) if invoice.document_id in missing else book(invoice, self._rules)
            if isinstance(booked, Record):
                left_out.append(booked)
            else:
                bookings.append(booked)
        known = {invoice.document_id for invoice in invoices}
        if unknown := sorted(wish.documents - known):
            before = await booked_before(tx.connection, client, unknown)
            left_out += [before.get(one) or unknown_invoice(one) for one in unknown]
        return bookings, left_out

    async def _begin(self, tx: Transaction, bookings: Sequence[Booking]) -> None:
        context, export_id, now = self._context, new_id(), datetime.now(UTC)
        # Without a gap: the lock is held.
        number = await tx.connection.fetchval(
            "select count(*) + 1 from erp_exports where client = $1", context.client
        )
        name = f"{number:05d}"
        content = render(bookings, self._rules, now, f"Tagwerk {name}")
        await tx.connection.execute(
            "insert into erp_exports (id, client, run_id, principal, created_at, name, content, sha256)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            export_id, context.client, context.run_id, context.principal, now, name, content,
            hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        await tx.connection.executemany(
            "insert into erp_bookings (document_id, export_id, client, label, invoice_number, amount, booked,"
            " approved_at, told_until) select $1, $2, $3, $4, $5, $6, $7, approved_at, approved_at"
            " from erp_invoices where document_id = $1",
            [
                (one.invoice.document_id, export_id, context.client, one.label,
                 one.invoice.values.get("invoice_number"), _signed(one),
                 json.dumps(booked_values(one.invoice)))
                for one in bookings
            ],
        )  # fmt: skip

    async def begun(self) -> Sequence[BegunExport]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select id, name, created_at, content, staged from erp_exports where client = $1"
                " and completed_at is null order by created_at, id",
                self._context.client,
            )
            return [
                BegunExport(
                    row["id"], row["name"], row["created_at"], row["content"],
                    [ExportedDocument(one["document_id"], one["invoice_number"] or "")
                     for one in await self._bookings(tx, row["id"])],
                    row["staged"],
                )
                for row in rows
            ]  # fmt: skip

    async def stage(self, export_id: UUID, name: str) -> str:
        async with self._outbox.transaction() as tx:
            staged: str = await tx.connection.fetchval(
                "update erp_exports set staged = coalesce(staged, $2) where id = $1 returning staged",
                export_id,
                name,
            )
        return staged

    async def complete(self, export_id: UUID) -> Sequence[Record]:
        context = self._context
        async with self._outbox.transaction() as tx:
            name = await tx.connection.fetchval(
                "update erp_exports set completed_at = now(), completed_by = $2, content = null"
                " where id = $1 and completed_at is null returning name",
                export_id,
                context.run_id,
            )
            if name is None:
                return []
            bookings = await self._bookings(tx, export_id)
            tx.audit(
                AuditEntry(
                    action="delivered",
                    principal=context.principal,
                    concern=f"erp-export:{export_id}",
                    client=context.client,
                    after={"bookings": len(bookings), "sum": f"{sum(one['amount'] for one in bookings):.2f}"},
                )
            )
            return [tx.record(record) for record in _records(export_id, name, bookings)]

    async def told(self) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select id, name from erp_exports where completed_by = $1 order by created_at, id",
                self._context.run_id,
            )
            return [
                tx.record(record)
                for row in rows
                for record in _records(row["id"], row["name"], await self._bookings(tx, row["id"]))
            ]

    async def _bookings(self, tx: Transaction, export_id: UUID) -> Sequence[Any]:
        return await tx.connection.fetch(
            "select * from erp_bookings where export_id = $1 order by document_id", export_id
        )


def _signed(booking: Booking) -> Decimal:
    return -booking.amount if booking.is_credit else booking.amount


def _records(export_id: UUID, name: str, bookings: Sequence[Any]) -> list[Record]:
    """One for the export, and one for each invoice in it."""
    count = f"{len(bookings)} booking{'' if len(bookings) == 1 else 's'}"
    total = sum(one["amount"] for one in bookings)
    export = Record(
        key=f"erp-export:{export_id}",
        outcome=Outcome.CREATED,
        label=name,
        message=f"{count} over EUR {total:,.2f}",
    )
    return [
        export,
        *(
            _record(
                f"invoice:{one['document_id']}", one["label"], one["amount"], f"booked with export {name}"
            )
            for one in bookings
        ),
    ]


def _record(key: str, label: str, amount: Decimal, said: str) -> Record:
    return Record(key=key, outcome=Outcome.CREATED, label=label, message=f"EUR {amount:,.2f} {said}")
