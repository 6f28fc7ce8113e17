"""The archive: every message of RUNS as it was published, in partitions by sequence."""

from services.status.store import Connection
from shared.feed import RawMessage

#: Sequences in one partition.
PARTITION = 1_000_000


class Partitions:
    """Makes partitions ahead of what is written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ready = -1

    async def reach(self, sequence: int) -> None:
        """Make sure that the partition of `sequence` and the next one exist."""
        number = sequence // PARTITION + 1
        if number <= self._ready:
            return
        for missing in (number - 1, number):
            await self._connection.execute(
                f"create table if not exists archive_{missing} partition of archive"
                f" for values from ({missing * PARTITION}) to ({(missing + 1) * PARTITION})"
            )
        self._ready = number


async def read_archive(connection: Connection, after: int, limit: int) -> list[RawMessage]:
    """At most `limit` messages with a sequence above `after`, in order."""
    rows = await connection.fetch(
        "select sequence, subject, time, payload from archive where sequence > $1 order by sequence limit $2",
        after,
        limit,
    )
    return [RawMessage(*row) for row in rows]
