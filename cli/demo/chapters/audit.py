"""Who did what in this tour, and that the log of it is as it was written."""

from typing import Final

from cli.demo.visitor import Visitor
from shared.commands import AuditEntriesPage, AuditState
from shared.words import RunState

JOB: Final = "audit.verify-log"


async def verify_the_log(visitor: Visitor) -> None:
    """Find the start of the payment in the audit log, with its reason; then verify the whole log."""
    story = visitor.story
    visitor.show.chapter("The audit log: who did what")
    visitor.show.say(
        "Every start, refusal and approval stands in a log whose own service cannot change it. Each entry "
        "is hashed with the one before it, and the end of the chain is signed."
    )
    job = "integrations.create-payment-file"
    confirmed = [taken.run.run_id for taken in story.runs.values() if taken.run.job == job]
    for run_id in confirmed[:1]:

        async def entries(run_id: str = str(run_id)) -> AuditEntriesPage:
            return await visitor.gateway.get("/audit/entries", AuditEntriesPage, run_id=run_id)

        page = await visitor.until(entries, lambda page: bool(page.items))
        told = [entry for entry in page.items if entry.kind == "run_requested"]
        story.check(
            "the start of the payment is in the audit log, with its reason",
            len(told) == 1 and bool(told[0].reason),
            [entry.kind for entry in page.items],
        )
    run = await visitor.start(JOB, "the whole log", {})
    state = await visitor.gateway.get("/audit/state", AuditState)
    verified = state.check is not None and state.check.run_id == run.run_id and state.check.cause is None
    story.check(
        "the audit log is as it was written",
        run.state is RunState.SUCCEEDED and verified and state.entries > 0,
        run.sentence,
    )
    visitor.show.run_in_short(run)
