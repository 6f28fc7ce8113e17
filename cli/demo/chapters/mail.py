"""A letter comes to the mailbox, and a schedule fires that fetches it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cli.bars import Bars
from cli.client import run_path
from cli.demo.chain import follow_document
from cli.demo.post import PostOffice
from cli.demo.samples import LETTER
from cli.demo.story import DocumentStory
from cli.demo.visitor import Visitor
from cli.exits import Exit
from cli.problems import Problem
from shared.commands import RecordRow, RecordsPage, RunsPage, ScheduleChanged
from shared.errors import Failure
from shared.words import Outcome, RunState, Trigger

JOB: Final = "integrations.import-mail"
SCHEDULE: Final = f"{JOB}.letter"
ABOUT: Final = "the mailbox"
#: From now until the schedule fires.
_SOON: Final = timedelta(seconds=2)
_DOCUMENT: Final = re.compile(r"document ([0-9a-f-]{36})")


async def fetch_the_letter(visitor: Visitor, post: PostOffice, bars: Bars) -> list[DocumentStory]:
    """Put the letter into the mailbox, let a schedule start the import, and follow the documents of it."""
    await post.deliver(LETTER.path.read_bytes())
    due = (datetime.now(UTC) + _SOON).replace(microsecond=0)
    rule = {"at": due.isoformat(), "catchup": "last"}
    body = {"rule": rule, "reason": "The demo has a letter in the mailbox."}
    await visitor.gateway.put(f"/schedules/{SCHEDULE}", ScheduleChanged, body)
    record = await _fetched(visitor, due)
    found = _DOCUMENT.search((record.message or "") if record is not None else "")
    visitor.story.check("a schedule fired and fetched the mail", found is not None, record)
    if record is None or found is None:
        raise Problem(
            "The letter did not arrive",
            Failure(
                code="mail_not_fetched",
                cause=f"the run of {SCHEDULE} tells of no document",
                next_step=f"Look at `tagwerk runs --job {JOB}` and at the logs of the state folder.",
            ),
            Exit.PROBLEM,
        )
    known = record.outcome is Outcome.UNCHANGED
    name = record.label or LETTER.file_name
    return await follow_document(visitor, UUID(found[1]), None, bars, name, LETTER.what, known=known)


async def _fetched(visitor: Visitor, due: datetime) -> RecordRow | None:
    """The record of the letter, in the run that the schedule started when it was due."""

    async def scheduled() -> RunsPage:
        return await visitor.gateway.get("/runs", RunsPage, job=JOB, trigger=Trigger.SCHEDULE, limit=1)

    page = await visitor.until(scheduled, lambda page: any(run.requested_at >= due for run in page.items))
    run = next((run for run in page.items if run.requested_at >= due), None)
    if run is None:
        return None
    ended = await visitor.end_of(run.run_id, f"{JOB.partition('.')[2]}, started by its schedule")
    await visitor.remember(ended, ABOUT)
    visitor.story.check("the mail was imported", ended.state is RunState.SUCCEEDED, ended.sentence)
    records = await visitor.gateway.get(run_path(run.run_id, "records"), RecordsPage, limit=1)
    return records.items[0] if records.items else None
