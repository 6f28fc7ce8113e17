"""`audit.verify-log`: is the audit log as it was written?"""

from collections.abc import AsyncIterator, Sequence

from services.audit.checking import LogCheck
from shared.access import ADMINISTRATOR, TECHNICAL, Access
from shared.errors import Failure
from shared.events import Record
from shared.jobs import ReadOnly, Retry, exponential, job, minutes, seconds
from shared.runner.context import Progress
from shared.words import Kind, Level, Outcome


@job(
    "audit.verify-log",
    title="Verify the audit log",
    kind=Kind.MAINTENANCE,
    owner="Platform",
    access=Access(module="audit", level=Level.TECHNICAL, roles=frozenset({ADMINISTRATOR, TECHNICAL})),
    expected_runtime=minutes(1),
    timeout=minutes(60),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=ReadOnly("it only reads the log, and notes when it was checked"),
    schedule="40 3 * * *",
    limit=1,
    output="whether every entry is as it was written, and the first one that is not",
    expected_result="every entry fits, and every signed head",
    logs="service=audit job=audit.verify-log",
    troubleshooting="docs/jobs/verify-log.md",
)
async def verify_log(*, check: LogCheck, progress: Progress) -> AsyncIterator[Sequence[Record]]:
    """Check every entry of the audit log against the one before it, and against the signed heads.

    The first record that failed names the first entry that is not as it was.
    """
    async for done in check.run():
        await progress(done)
    checked = check.checked
    for finding in checked.findings:
        yield [_broken(f"audit-entry:{finding.number}", "audit_log_broken", finding.cause)]
    for number, cause in enumerate(checked.wrong_heads, 1):
        yield [_broken(f"audit-heads:{number}", "audit_heads_broken", cause)]
    if not checked.findings and not checked.wrong_heads:
        heads = f"{checked.heads:,} signed heads fit" if checked.heads else "no head is signed yet"
        yield [
            Record(
                key="audit-log",
                outcome=Outcome.UNCHANGED,
                label="audit log",
                message=f"{checked.entries:,} entries are as they were written; {heads}",
            )
        ]


def _broken(key: str, code: str, cause: str) -> Record:
    failure = Failure(
        code=code,
        cause=cause,
        concern=key,
        next_step="Keep a copy of the database as it is, and of the heads. Then find out who could write to "
        "it: no part of Tagwerk may change or remove an entry.",
    )
    return Record(key=key, outcome=Outcome.FAILED, failure=failure)
