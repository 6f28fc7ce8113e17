"""The verdicts of the last seven days, read from OCCURRENCES as far as is new since the last look."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import ValidationError

from shared import subjects
from shared.bus import Bus
from shared.commands import OccurrenceRow
from shared.events import Occurrence, now
from shared.words import OccurrenceVerdict

KEPT = timedelta(days=7)
#: Verdicts of one schedule that are kept, and missed ones of it.
ROWS = 200
MISSED = 2000


class Recent:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._sequence: int | None = None
        self._rows: dict[str, deque[OccurrenceRow]] = defaultdict(lambda: deque(maxlen=ROWS))
        self._missed: dict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=MISSED))
        self._lock = asyncio.Lock()

    async def catch_up(self) -> None:
        async with self._lock:
            more = True
            while more:
                since = now() - KEPT if self._sequence is None else None
                found, more = await self._bus.read_page(
                    subjects.OCCURRENCES, "occurrence.>", (self._sequence or 0) + 1, since=since
                )
                for stored in found:
                    self._sequence = stored.sequence
                    try:
                        self._add(Occurrence.model_validate_json(stored.data))
                    except ValidationError:
                        continue

    def _add(self, occurrence: Occurrence) -> None:
        self._rows[occurrence.schedule].append(row_of(occurrence))
        if occurrence.verdict is OccurrenceVerdict.MISSED:
            self._missed[occurrence.schedule].append(occurrence.nominal)

    def rows(self, schedules: Iterable[str]) -> list[OccurrenceRow]:
        """The newest first."""
        found = [row for schedule in schedules for row in self._rows.get(schedule, ())]
        return sorted(found, key=lambda row: (row.nominal, row.decided_at), reverse=True)

    def last(self, schedule: str) -> OccurrenceRow | None:
        rows = self._rows.get(schedule)
        return rows[-1] if rows else None

    def missed(self, schedule: str, seen_until: datetime | None) -> int:
        """Missed within the time that is kept, and seen by nobody."""
        since = max(filter(None, (now() - KEPT, seen_until)))
        return sum(nominal > since for nominal in self._missed.get(schedule, ()))


def row_of(occurrence: Occurrence) -> OccurrenceRow:
    return OccurrenceRow(
        schedule=occurrence.schedule,
        job=occurrence.job,
        client=occurrence.client,
        nominal=occurrence.nominal,
        verdict=occurrence.verdict,
        reason=occurrence.reason,
        run_id=occurrence.request.run_id if occurrence.request else None,
        decided_at=occurrence.time,
    )
