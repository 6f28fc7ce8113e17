"""`reporting.overdue-reminders`: who has something overdue to do gets one mail with their own list."""

from collections.abc import AsyncIterator, Sequence

from services.reporting.reminders.core import Plan
from services.reporting.reminders.planning import Planning, Work, invoice_key, person_key
from services.reporting.reminders.post import Dropped, Post
from services.reporting.reminders.store import Held, PlannedMail, effect_of
from services.reporting.sending import ATTEMPTS
from shared.access import TECHNICAL, Access
from shared.errors import ExternalSystemNotReached, Failure, NotDone
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome


@job(
    "reporting.overdue-reminders",
    title="Remind of what is overdue",
    kind=Kind.REPORTING,
    owner="Accounting",
    access=Access(
        module="reports",
        level=Level.OPERATIONAL,
        # Technical, because schedules that jobs declare start them as such.
        roles=frozenset({"accounting", "trustee", TECHNICAL}),
    ),
    expected_runtime=minutes(2),
    retry=Retry(attempts=ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe("nobody gets the same reminder twice"),
    systems=["mail-server"],
    schedule="30 7 * * 1-5",
    dry_run=True,
    output="a mail to each person with what they have to do, or to whoever stands in for them",
    expected_result="everybody who has something overdue to do is reminded once at each step",
    logs="service=reporting job=reporting.overdue-reminders",
    troubleshooting="docs/jobs/overdue-reminders.md",
)
async def overdue_reminders(
    *, planning: Planning, post: Post, context: RunContext, progress: Progress
) -> AsyncIterator[Sequence[Record]]:
    """Remind people of the invoices that they have to approve and the questions that they have to answer.

    Each active person with the role gets one mail with their own list, in their language; while they are away
    their substitute gets it. Steps say when, and who else after a while. An invoice about which nobody can be
    reached is a failed record. A dry run tells who would get what.
    """
    if context.dry_run:
        plan = await planning.foresee()
        yield [*_foreseen(plan), *_not_reached(plan, context)]
        return
    work = await planning.plan()
    yield [*_not_reached(work.plan, context), *map(_held, work.held)]
    if work.mails:
        async for record in _sent(work, post, context, progress):
            yield [record]


async def _sent(work: Work, post: Post, context: RunContext, progress: Progress) -> AsyncIterator[Record]:
    """One mail after the other. What may succeed later does not keep the others from theirs."""
    later: list[NotDone] = []
    away: NotDone | None = None
    async with post.open() as sender:
        for place, planned in enumerate(work.mails, 1):
            try:
                if away is not None:
                    raise away
                yield await sender.send(planned, work)
            except Dropped as dropped:
                yield _passed(planned.mail.recipient, dropped.failure.cause)
            except NotDone as error:
                if isinstance(error, ExternalSystemNotReached):
                    away = error
                if error.failure.retryable and context.attempt < ATTEMPTS:
                    later.append(error)
                else:
                    yield _refused(planned, error)
            await progress(place, len(work.mails))
    if later:
        raise later[0]


def _refused(planned: PlannedMail, error: NotDone) -> Record:
    person = planned.mail.recipient
    return Record(key=person_key(person), outcome=Outcome.FAILED, label=person, failure=error.failure)


def _passed(person: str, why: str) -> Record:
    return Record(key=person_key(person), outcome=Outcome.SKIPPED, label=person, message=why)


def _foreseen(plan: Plan) -> list[Record]:
    return [
        Record(
            key=person_key(mail.recipient),
            outcome=Outcome.SKIPPED,
            label=mail.recipient,
            message=f"would be reminded of {len({one.document_id for one in mail.reminders}):,} invoices",
        )
        for mail in plan.mails
    ]


def _not_reached(plan: Plan, context: RunContext) -> list[Record]:
    nobody = [
        Record(
            key=invoice_key(one.document_id),
            outcome=Outcome.FAILED,
            failure=Failure(
                code="nobody_to_remind",
                cause=one.why,
                concern=invoice_key(one.document_id),
                next_step="Give an active person the role, a mail address or a substitute: `tagwerk"
                " principals set`, `tagwerk principals set-contact`. The next run reminds them.",
            ),
        )
        for one in plan.unreached
    ]
    served = {mail.recipient for mail in plan.mails}
    passed = [_passed(person, why) for person, why in plan.passed_over.items() if person not in served]
    return [record for record in (*nobody, *passed) if context.wants(record.key)]


def _held(held: Held) -> Record:
    """Of what another run has not ended."""
    key = f"mail:{held.mail_id}"
    if not held.in_doubt:
        return Record(
            key=key, outcome=Outcome.SKIPPED, label=held.recipient, message=f"run {held.run_id} is sending it"
        )
    failure = Failure(
        code="effect_in_doubt",
        cause=f"run {held.run_id} left in doubt whether {held.recipient} was sent a mail with reminders",
        concern=effect_of(held.mail_id),
        next_step=f"Decide it at run {held.run_id}. Until then nobody is reminded of the same again.",
    )
    return Record(key=key, outcome=Outcome.FAILED, label=held.recipient, failure=failure)
