"""When a run is overdue or lost, and when nobody works on a queue. Pure: time is told in seconds."""

from collections.abc import Iterable
from dataclasses import dataclass

#: A run is overdue when an attempt takes so many times the expected runtime of its job.
FACTOR = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited before something is said, in seconds."""

    #: Workers beat three times within this; then the server gives the work to another.
    ack_wait: float

    @property
    def lost(self) -> float:
        """Twice the time after which another worker would have taken it over, had there been one."""
        return 3 * self.ack_wait

    @property
    def unworked(self) -> float:
        """Where no replica of the service is there: a restart takes less."""
        return 4 * self.ack_wait

    @property
    def ignored(self) -> float:
        """Where replicas are there, and may be busy with other work."""
        return 60 * self.ack_wait

    def allowed(self, expected_runtime: float) -> float:
        """Seconds that an attempt may take before the run is overdue."""
        return max(FACTOR * expected_runtime, 2 * self.ack_wait)


class Silences:
    """For how long nothing was heard of each key, in looks that could have heard it."""

    def __init__(self) -> None:
        self._silent: dict[str, float] = {}

    def look(self, keys: Iterable[str], passed: float) -> None:
        """These are listened for; `passed` seconds have gone since the look before. Others are forgotten,
        and one that is new is listened for from now on."""
        self._silent = {key: self._silent.get(key, -passed) + passed for key in keys}

    def heard(self, key: str) -> None:
        if key in self._silent:
            self._silent[key] = 0.0

    def deaf(self) -> None:
        """Nothing could be heard: no silence so far says anything."""
        self._silent = dict.fromkeys(self._silent, 0.0)

    def of(self, key: str) -> float:
        return self._silent.get(key, 0.0)


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable that hands out work, as the server tells of it."""

    #: Messages that were never handed out.
    pending: int
    #: Handed out and not done.
    in_hand: int
    #: Open requests of workers for work.
    asking: int
    #: How many were handed out so far, and up to where all are done: moves while somebody works.
    delivered: int
    done: int


class QueueWatch:
    """One queue, look by look."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] | None = None
        self._idle = 0.0

    def look(self, queue: Queue, passed: float) -> None:
        moved = self._seen not in (None, (queue.delivered, queue.done))
        new = self._seen is None
        self._seen = (queue.delivered, queue.done)
        if moved or queue.asking or not (queue.pending or queue.in_hand):
            self._idle = 0.0
        elif not new:
            self._idle += passed

    @property
    def worked(self) -> bool:
        """Whether somebody works on it, or there is nothing to do."""
        return self._idle == 0.0

    def suspicious(self, patience: Patience) -> bool:
        """Whether it is worth asking who is there."""
        return self._idle >= patience.unworked

    def unworked(self, queue: Queue, patience: Patience, *, alive: bool) -> bool:
        """With a replica there, what is in hand is being worked on, and the others may wait for a slot."""
        if not alive:
            return self._idle >= patience.unworked
        return self._idle >= patience.ignored and not queue.in_hand
