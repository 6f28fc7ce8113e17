"""When which schedule has to be looked at next. Pure."""

import heapq
from datetime import datetime


class Agenda:
    """A moment for each key; the earliest is found without looking at the others."""

    def __init__(self) -> None:
        self._moments: dict[str, datetime] = {}
        #: Also moments that were replaced since: they are passed over.
        self._heap: list[tuple[datetime, str]] = []

    def set(self, key: str, moment: datetime | None) -> None:
        """None: it has not to be looked at any more."""
        if moment is None:
            self._moments.pop(key, None)
        elif self._moments.get(key) != moment:
            self._moments[key] = moment
            heapq.heappush(self._heap, (moment, key))

    def take_due(self, now: datetime) -> list[str]:
        """Those whose moment has come, the earliest first; they stand on the agenda no longer."""
        due = []
        while (first := self._first()) is not None and first[0] <= now:
            heapq.heappop(self._heap)
            del self._moments[first[1]]
            due.append(first[1])
        return due

    def next(self) -> datetime | None:
        first = self._first()
        return None if first is None else first[0]

    def _first(self) -> tuple[datetime, str] | None:
        while self._heap:
            moment, key = self._heap[0]
            if self._moments.get(key) == moment:
                return moment, key
            heapq.heappop(self._heap)
        return None
