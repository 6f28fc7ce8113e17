"""Who was sent which report, and when: what is meant to be sent is written before it is, and the ledger knows
the rest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from shared.outbox import Outbox

#: Mails that were sent: in the ledger as done.
SENT: Final = (
    "select report_mails.report_id, report_mails.address, report_mails.run_id, report_mails.again,"
    " effects.completed_at as sent_at from report_mails"
    " join effects using (client, effect) where effects.state = 'done'"
)


class RecipientList:
    """The mails of one run's client."""

    def __init__(self, outbox: Outbox, client: str, run_id: UUID) -> None:
        self._outbox = outbox
        self._client = client
        self._run_id = run_id

    async def intend(self, effect: str, report_id: UUID, address: str, again: str | None) -> None:
        """Write down that this mail is to bring the report there."""
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into report_mails (client, effect, report_id, address, run_id, again)"
                " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
                self._client, effect, report_id, address, self._run_id, again,
            )  # fmt: skip

    async def had(self, report_id: UUID, addresses: Sequence[str]) -> dict[str, datetime]:
        """Address (in lower case) -> when it was sent the report by another run, the first time."""
        async with self._outbox.transaction() as tx:
            rows: list[Any] = await tx.connection.fetch(
                f"select lower(address) as address, min(sent_at) as sent_at from ({SENT}) as sent"  # noqa: S608
                " where report_id = $1 and lower(address) = any($2::text[]) and run_id <> $3 group by 1",
                report_id,
                [address.lower() for address in addresses],
                self._run_id,
            )
        return {row["address"]: row["sent_at"] for row in rows}
