"""Exports to an ERP over its interface: one booking after the other, each with its document, each once.

Whether the ERP has a booking can always be asked, by the id that we gave it. So an attempt that broke off
leaves nothing in doubt: whoever comes next asks, and books only what is not there (ADR 0023).
"""

from collections.abc import AsyncIterator, Sequence

from services.integrations.erp.exporting import Wish
from services.integrations.erp.rest.api import REFUSALS, ErpApi
from services.integrations.erp.rest.booking import BegunBooking
from services.integrations.erp.rest.booking_store import ErpBookings
from services.integrations.erp.rest.connection import ErpConnection
from services.integrations.erp.rest.documents import Documents
from shared.clients.http import RequestRefused
from shared.effects import Effects
from shared.errors import ExternalSystemNotReached, ExternalSystemUnavailable
from shared.events import Record
from shared.runner.context import Progress, RunLog
from shared.words import Outcome

#: So many bookings one after the other that the ERP does not answer: it is the ERP, and not the bookings.
IN_A_ROW = 3


class RestExporter:
    """Exports of one run's client. A cancel stops between two bookings; the next run makes the rest."""

    def __init__(
        self,
        erp: ErpConnection,
        store: ErpBookings,
        documents: Documents,
        effects: Effects,
        log: RunLog,
        progress: Progress,
    ) -> None:
        self._erp = erp
        self._store = store
        self._documents = documents
        self._effects = effects
        self._log = log
        self._progress = progress
        #: What the ERP answered about a booking that has to wait for the next attempt.
        self._unanswered: ExternalSystemUnavailable | None = None

    async def export(self, wish: Wish, *, dry_run: bool) -> AsyncIterator[Sequence[Record]]:
        store = self._store
        missing = await self._documents.missing([one.document_id for one in await store.candidates(wish)])
        if dry_run:
            yield await store.foresee(wish, missing)
            return
        async with self._erp.open() as api:
            yield await store.told()
            before = await store.begun()
            if before:
                self._log.info("makes bookings that were decided before", bookings=len(before))
            async for records in self._make(api, before):
                yield records
            yield await store.reserve(wish, missing)
            tried = {booking.document_id for booking in before}
            new = [booking for booking in await store.begun() if booking.document_id not in tried]
            async for records in self._make(api, new):
                yield records
        if self._unanswered is not None:
            raise self._unanswered

    async def _make(self, api: ErpApi, bookings: Sequence[BegunBooking]) -> AsyncIterator[Sequence[Record]]:
        """One that the ERP cannot serve keeps no other back. Raises what the ERP answered where it is rather
        the ERP than the booking."""
        in_a_row = 0
        for done, booking in enumerate(bookings, 1):
            try:
                yield await self._book(api, booking)
                in_a_row = 0
            except ExternalSystemUnavailable as error:
                in_a_row += 1
                asked_to_wait = error.failure.retry_after is not None
                if asked_to_wait or isinstance(error, ExternalSystemNotReached) or in_a_row == IN_A_ROW:
                    raise
                self._unanswered = error
                self._log.warning("not booked yet", invoice=booking.label, cause=error.failure.cause)
            await self._progress(done, len(bookings), booking.label)

    async def _book(self, api: ErpApi, booking: BegunBooking) -> Sequence[Record]:
        number: str | None = None

        async def is_there() -> bool:
            return await api.find_booking(booking.document_id) is not None

        try:
            async with self._effects.once(
                booking.effect, record=booking.key, check=is_there, idempotent=True
            ) as effect:
                if effect.needed:
                    content, media_type = await self._documents.read(booking.document_id)
                    await api.put_document(booking.document_id, content, media_type)
                    number = (await api.book(booking.document_id, booking.request)).number
        except RequestRefused as error:
            if error.status not in REFUSALS:
                raise
            return [await self._store.release(booking, f"the ERP refuses it: {error.reason}")]
        if effect.held_by is not None or effect.doubt is not None:
            doubtful = Record(key=booking.key, outcome=Outcome.CREATED, label=booking.label)
            return [effect.result(doubtful)]
        if number is None:
            found = await api.find_booking(booking.document_id)
            number = found.number if found is not None else None
        return await self._store.complete(booking, number)
