"""Bookings in the ERP, in PostgreSQL: decided in one transaction with what they tell, known to be there in
another, whoever does the second."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from services.integrations.erp.core import ApprovedInvoice, no_file, not_booked, unknown_invoice
from services.integrations.erp.exporting import Wish
from services.integrations.erp.invoices import (
    booked_before,
    booked_values,
    not_yet_booked,
)
from services.integrations.erp.reservations import decide, decided_before
from services.integrations.erp.rest.booking import BegunBooking, Suppliers, request_of
from services.integrations.erp.rest.entries import Entry
from shared.events import Record
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import BookedIn, ErpList, Outcome


class ErpBookings(Protocol):
    """What a run may do with the bookings of its client."""

    async def candidates(self, wish: Wish) -> Sequence[ApprovedInvoice]:
        """The invoices that the wish is about and that are not booked."""

    async def foresee(self, wish: Wish, missing: frozenset[Any]) -> Sequence[Record]:
        """What would become of the wish. Writes nothing."""

    async def reserve(self, wish: Wish, missing: frozenset[Any]) -> Sequence[Record]:
        """Decide what this run books; `missing` are documents without a file. Once in a run: again, it only
        returns the records of what was left out. Raises `erp_export_begun`."""

    async def begun(self) -> Sequence[BegunBooking]:
        """The bookings that wait to be made, the oldest first, whichever run decided them."""

    async def complete(self, booking: BegunBooking, number: str | None) -> Sequence[Record]:
        """The ERP has it, under this number; nothing if another attempt has said so."""

    async def release(self, booking: BegunBooking, cause: str) -> Record:
        """The ERP refuses it: the invoice is not booked, and can be exported again."""

    async def told(self) -> Sequence[Record]:
        """The records of what earlier attempts of this run completed."""


class PostgresErpBookings:
    """The bookings of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context

    async def candidates(self, wish: Wish) -> Sequence[ApprovedInvoice]:
        async with self._outbox.transaction() as tx:
            return await not_yet_booked(tx.connection, self._context.client, wish.documents, wish.until)

    async def foresee(self, wish: Wish, missing: frozenset[Any]) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            requests, left_out = await self._choose(tx, wish, missing)
        return [
            *left_out,
            *(
                _record(BegunBooking(one.document_id, one.label, request), "would be booked")
                for one, request in requests
            ),
        ]

    async def reserve(self, wish: Wish, missing: frozenset[Any]) -> Sequence[Record]:
        context = self._context
        async with self._outbox.transaction() as tx:
            decided = await decided_before(tx, context, BookedIn.DATEV)
            if decided is not None:
                return decided
            requests, left_out = await self._choose(tx, wish, missing, lock=True)
            told = await decide(tx, context, left_out)
            wanted = [(one, request) for one, request in requests if context.wants(one.key)]
            await self._begin(tx, wanted)
            return told

    async def _choose(
        self, tx: Transaction, wish: Wish, missing: frozenset[Any], *, lock: bool = False
    ) -> tuple[list[tuple[ApprovedInvoice, dict[str, Any]]], list[Record]]:
        client = self._context.client
        invoices = await not_yet_booked(tx.connection, client, wish.documents, wish.until, lock=lock)
        suppliers = await self._suppliers(tx)
        requests: list[tuple[ApprovedInvoice, dict[str, Any]]] = []
        left_out: list[Record] = []
        for invoice in invoices:
            request = no_file(invoice) if invoice.document_id in missing else request_of(invoice, suppliers)
            if isinstance(request, Record):
                left_out.append(request)
            else:
                requests.append((invoice, request))
        if unknown := sorted(wish.documents - {invoice.document_id for invoice in invoices}):
            before = await booked_before(tx.connection, client, unknown)
            left_out += [before.get(one) or unknown_invoice(one) for one in unknown]
        return requests, left_out

    async def _suppliers(self, tx: Transaction) -> Suppliers:
        rows = await tx.connection.fetch(
            "select id, label, values from erp_entries where client = $1 and list = 'suppliers' and not gone"
            " order by id",
            self._context.client,
        )
        return Suppliers.of(
            Entry(ErpList.SUPPLIERS, row["id"], row["label"], json.loads(row["values"]), None) for row in rows
        )

    async def _begin(
        self, tx: Transaction, requests: Sequence[tuple[ApprovedInvoice, dict[str, Any]]]
    ) -> None:
        context, now = self._context, datetime.now(UTC)
        await tx.connection.executemany(
            "insert into erp_bookings (document_id, client, label, invoice_number, amount, booked,"
            " approved_at, told_until, booked_in, currency, request, run_id, reserved_at)"
            " select $1, $2, $3, $4, $5, $6, approved_at, approved_at, 'erp', $7, $8, $9, $10"
            " from erp_invoices where document_id = $1",
            [
                (one.document_id, context.client, one.label, one.values.get("invoice_number"), _signed(one),
                 json.dumps(booked_values(one)), request["currency"], json.dumps(request), context.run_id,
                 now)
                for one, request in requests
            ],
        )  # fmt: skip

    async def begun(self) -> Sequence[BegunBooking]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select document_id, label, request from erp_bookings where client = $1"
                " and booked_in = 'erp' and completed_at is null"
                " order by reserved_at, request->>'invoice_date', document_id",
                self._context.client,
            )
        return [_begun(row) for row in rows]

    async def complete(self, booking: BegunBooking, number: str | None) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            done = await tx.connection.fetchval(
                "update erp_bookings set completed_at = now(), completed_by = $2, number = $3"
                " where document_id = $1 and booked_in = 'erp' and completed_at is null returning 1",
                booking.document_id,
                self._context.run_id,
                number,
            )
            return [] if done is None else [tx.record(_record(booking, _booked_as(number)))]

    async def release(self, booking: BegunBooking, cause: str) -> Record:
        async with self._outbox.transaction() as tx:
            row = await tx.connection.fetchrow(
                "delete from erp_bookings where document_id = $1 and booked_in = 'erp'"
                " and completed_at is null returning booked",
                booking.document_id,
            )
            values = json.loads(row["booked"]) if row else {}
            invoice = ApprovedInvoice(
                booking.document_id, values.get("kind", "invoice"), values, None, booking.document_id
            )
            refused = not_booked(
                "booking_refused",
                invoice,
                cause,
                "Correct the invoice and approve it again, or mend in the ERP what it names; then start the "
                "job again.",
            )
            return tx.record(refused.model_copy(update={"label": booking.label}))

    async def told(self) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select document_id, label, request, number from erp_bookings where completed_by = $1"
                " order by completed_at, document_id",
                self._context.run_id,
            )
            return [tx.record(_record(_begun(row), _booked_as(row["number"]))) for row in rows]


def _begun(row: Any) -> BegunBooking:
    return BegunBooking(row["document_id"], row["label"], json.loads(row["request"]))


def _booked_as(number: str | None) -> str:
    return f"booked in the ERP as {number}" if number else "booked in the ERP"


def _record(booking: BegunBooking, said: str) -> Record:
    return Record(
        key=booking.key, outcome=Outcome.CREATED, label=booking.label, message=f"{booking.amount} {said}"
    )


def _signed(invoice: ApprovedInvoice) -> Decimal:
    amount = invoice.amount("gross_amount", "payable_amount") or Decimal(0)
    return -amount if invoice.kind == "credit_note" else amount
