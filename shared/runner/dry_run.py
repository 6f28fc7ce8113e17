"""A dry run tells what a run would do. The engine keeps it from writing, whatever its job does."""

from shared.errors import Failure, TagwerkError
from shared.events import Record
from shared.words import Outcome


class DryRunWrote(TagwerkError):
    """A job tried to change something in a dry run; it was kept from it."""

    def __init__(self, job: str, cause: str) -> None:
        super().__init__(
            "dry_run_wrote",
            f"{cause}, and a dry run changes nothing; nothing was changed",
            concern=job,
            next_step="Report it to the job's owner: where `context.dry_run` is set it may only read. A real "
            "run is not concerned.",
        )


def not_supported(job: str) -> Failure:
    """Why a job that declares no dry run is not started as one."""
    return Failure(
        code="dry_run_not_supported",
        cause=f"{job} knows no dry run",
        concern=job,
        next_step="Start it without `dry_run`, if you are sure.",
    )


def would_be(record: Record) -> Record:
    """What a dry run tells of a record: it was skipped, and the message says what would become of it.

    So no count, no search by key and no page ever takes it for something that has happened.
    """
    match record.outcome:
        case Outcome.UNCHANGED | Outcome.SKIPPED:
            return record
        case Outcome.FAILED | Outcome.UNKNOWN:
            words, details = "would fail", record.failure.cause if record.failure else record.message
        case changing:
            words, details = f"would be {changing}", record.message
    return Record(
        key=record.key,
        outcome=Outcome.SKIPPED,
        label=record.label,
        message=f"{words}: {details}" if details else words,
    )
