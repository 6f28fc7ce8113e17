"""What every way of exporting approved invoices has in common, and which of them is a client's."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from services.integrations.erp.core import export_begun
from shared.events import Record
from shared.words import BookedIn


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who starts the job asks for."""

    #: Dated until this day, if they are not named.
    until: date | None = None
    documents: frozenset[UUID] = frozenset()


class Exporter(Protocol):
    """A way of exporting."""

    def export(self, wish: Wish, *, dry_run: bool) -> AsyncIterator[Sequence[Record]]:
        """Export what the wish is about and is not booked; in a dry run, only tell it."""


async def check_nothing_is_begun(connection: Any, client: str, elsewhere: BookedIn) -> None:
    """Before a client's invoices go another way, what was begun on the earlier one has to be completed.
    Raises `erp_export_begun`."""
    begun = await connection.fetchval(
        "select count(*) from erp_bookings b left join erp_exports e on e.id = b.export_id"
        " where b.client = $1 and b.booked_in = $2 and coalesce(e.completed_at, b.completed_at) is null",
        client,
        elsewhere,
    )
    if begun:
        raise export_begun(client, begun, elsewhere)
