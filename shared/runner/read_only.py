"""A job that says that it only reads is held to it: a record that it changed ends the run."""

from collections.abc import Sequence

from shared.errors import TagwerkError
from shared.events import Record
from shared.words import Outcome

_CHANGES = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED})


def check_reads_only(job: str, yielded: Record | Sequence[Record]) -> None:
    """Raises `read_only_changed` where a record was created, updated or deleted."""
    for record in (yielded,) if isinstance(yielded, Record) else yielded:
        if record.outcome in _CHANGES:
            raise TagwerkError(
                "read_only_changed",
                f"it says of {record.key} that it was {record.outcome}, and declares that it only reads",
                concern=job,
                next_step="Report it to the job's owner: either it may not change anything, or its "
                "declaration says too much.",
            )
