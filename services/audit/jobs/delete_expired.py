"""`audit.delete-expired`: contents of the audit log whose time is over are removed."""

from collections.abc import AsyncIterator, Sequence

from services.audit.expiry import Due, Expiry
from shared.access import ADMINISTRATOR, TECHNICAL, Access
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Danger, Kind, Level, Outcome


@job(
    "audit.delete-expired",
    title="Remove expired audit contents",
    kind=Kind.MAINTENANCE,
    owner="Platform",
    access=Access(module="audit", level=Level.TECHNICAL, roles=frozenset({ADMINISTRATOR, TECHNICAL})),
    expected_runtime=minutes(2),
    timeout=minutes(60),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe("what is removed is not found again"),
    danger=Danger.DESTRUCTIVE,
    dry_run=True,
    limit=1,
    output="for each kind of entry how many contents were removed, and how many a legal hold keeps",
    expected_result="no content is older than the file of retention periods allows, but those on hold",
    logs="service=audit job=audit.delete-expired",
    troubleshooting="docs/jobs/delete-expired.md",
)
async def delete_expired(
    *, expiry: Expiry, context: RunContext, progress: Progress
) -> AsyncIterator[Sequence[Record]]:
    """Remove what entries of the audit log say once their retention period is over.

    Numbers and hashes stay, so that the log can still be verified, and an entry tells what was removed. A
    legal hold keeps what it names. A dry run counts.
    """
    async with expiry.opened() as removing:
        due = [one for one in await removing.due() if context.wants(_key(one.kind))]
        total, done = sum(one.expired for one in due), 0
        for one in due:
            removed = 0
            while not context.dry_run and removed < one.expired:
                batch = await removing.remove(one.kind)
                if not batch:
                    break
                removed += batch
                done += batch
                await progress(done, total)
            yield [_record(one, removed, dry_run=context.dry_run)]


def _key(kind: str) -> str:
    return f"audit-contents:{kind}"


def _record(due: Due, removed: int, *, dry_run: bool) -> Record:
    held = f"; {due.held:,} are on hold" if due.held else ""
    if dry_run:
        outcome, message = Outcome.SKIPPED, f"{due.expired:,} are older than {due.days:,} days{held}"
    elif removed:
        outcome, message = Outcome.DELETED, f"{removed:,} older than {due.days:,} days removed{held}"
    else:
        outcome, message = Outcome.UNCHANGED, f"nothing to remove{held}"
    return Record(key=_key(due.kind), outcome=outcome, label=due.kind, message=message)
