"""What every job that reports does with its report: into the folder, and to each recipient."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from services.reporting.delivery import Delivery, recipient_key, refused
from services.reporting.reports import Report, Reports
from shared.errors import ExternalSystemNotReached, NotDone
from shared.events import Record
from shared.runner.context import Progress, RunContext
from shared.words import Outcome

#: How often a job that sends reports is tried. What fails for a time is told as failed by the last attempt.
ATTEMPTS: Final = 4


async def deliver(
    report: Report,
    recipients: Sequence[str],
    folder: bool,
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
    *,
    again: str | None = None,
) -> AsyncIterator[Sequence[Record]]:
    """The records of what was delivered; `again` is why those who have it are sent it once more. Raises what
    may succeed later, after everybody else has theirs."""
    if folder:
        yield await delivery.put(report, await reports.contents(report), again)
    wanted = [address for address in distinct(recipients) if context.wants(recipient_key(address))]
    if wanted:
        async for record in _sent(report, wanted, reports, delivery, context, progress, again):
            yield [record]


def distinct(recipients: Sequence[str]) -> list[str]:
    """Each address once, however it is written."""
    return list({recipient_key(address): address for address in reversed(recipients)}.values())[::-1]


def foreseen(recipients: Sequence[str]) -> list[Record]:
    """What a dry run tells of its mails."""
    return [
        Record(key=recipient_key(address), outcome=Outcome.SKIPPED, label=address, message="it would be sent")
        for address in distinct(recipients)
    ]


async def _sent(
    report: Report,
    addresses: Sequence[str],
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
    again: str | None,
) -> AsyncIterator[Record]:
    """One mail after the other. What may succeed later does not keep the others from theirs, and is tried
    again with the whole run; those who have theirs are then passed over."""
    contents = await reports.contents(report)
    later: list[NotDone] = []
    away: NotDone | None = None
    async with delivery.mails() as mails:
        for place, address in enumerate(addresses, 1):
            try:
                if away is not None:
                    raise away
                yield await mails.send(report, contents, address, again)
            except NotDone as error:
                if isinstance(error, ExternalSystemNotReached):
                    away = error
                if error.failure.retryable and context.attempt < ATTEMPTS:
                    later.append(error)
                else:
                    yield refused(address, error)
            await progress(place, len(addresses))
    if later:
        raise later[0]
