"""The scheduler's decisions, without I/O."""

from shared.events import AttemptFailed
from shared.history import History


def still_parked(failed: AttemptFailed, history: History) -> bool:
    """Whether the run still waits because of `failed`: no cancel, no other attempt, no end since."""
    return history.waiting is not None and history.waiting.id == failed.id and history.cancel is None


def may_cancel_at_once(history: History) -> bool:
    """Whether nobody works on the run, so that its cancel needs no worker."""
    return history.request is not None and history.finished is None and not history.open_attempt
