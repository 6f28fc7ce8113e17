"""`integrations.update-payment-status`: what the bank says about our payments, every one of them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from services.integrations.payments.messages import BankMessage
from services.integrations.payments.reading import AT_MOST, StatusFiles, read_message
from services.integrations.payments.status_store import BATCH, PaymentStatuses
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import TagwerkError
from shared.events import Record
from shared.incoming import IncomingFile, name_of
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that could be read."""

    name: str
    sha256: str
    message: BankMessage


@job(
    "integrations.update-payment-status",
    title="Update payment status",
    kind=Kind.INTEGRATION,
    owner="Treasury",
    access=Access(module="payments", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe("a status that is known already changes nothing; neither does an older one"),
    output="the state of each payment, and an event for each that changed; rejected invoices are open again",
    expected_result="every payment that the bank's files name has the state that the bank gave it last",
    logs="service=integrations job=integrations.update-payment-status",
    troubleshooting="docs/jobs/update-payment-status.md",
)
async def update_payment_status(
    file: Annotated[
        IncomingFile | None,
        ChosenFrom("inbox-payments"),
        Field(description="A file of inbox/payments, or an upload; none: every new file of inbox/payments"),
    ] = None,
    *,
    files: StatusFiles,
    store: PaymentStatuses,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Read the bank's status reports and statements; each payment becomes accepted, paid or rejected.

    One file of the inbox that cannot be read does not keep the others back.
    """
    if file is not None:
        read = [_read(name_of(file), await files.read(file, at_most=AT_MOST))]
    else:
        read, unreadable = await _new_files(files, store, context, log)
        yield unreadable
    done = 0
    for one in sorted(read, key=lambda one: (one.message.created_at, one.name)):
        payments, strangers = await store.concerned(one.message)
        yield strangers
        if not payments and not strangers and context.wants(f"status-file:{one.sha256}"):
            yield [_no_concern(one)]
        for start in range(0, len(payments), BATCH):
            yield await store.apply(one.message, payments[start : start + BATCH])
        if file is None:
            await store.read_to_its_end(one.message, one.sha256, one.name)
        log.info("read", file=one.name, message_id=one.message.id, payments=len(payments))
        done += len(payments) + len(strangers)
        await progress(done, None, one.name)


async def _new_files(
    files: StatusFiles, store: PaymentStatuses, context: RunContext, log: RunLog
) -> tuple[list[_Read], list[Record]]:
    """The files of the inbox that no run has read, and a failed record for each that cannot be. A rerun of
    some records looks into all of them again."""
    read: list[_Read] = []
    failed: list[Record] = []
    contents: dict[str, tuple[str, bytes]] = {}
    for waiting in await files.waiting():
        try:
            content = await files.read(waiting.name, at_most=AT_MOST)
        except TagwerkError as error:
            failed.append(_failed(waiting.name, error))
            continue
        contents[hashlib.sha256(content).hexdigest()] = waiting.name, content
    wanted = set(contents) if context.only_records is not None else await store.unread(list(contents))
    for sha256 in wanted:
        name, content = contents[sha256]
        try:
            read.append(await asyncio.to_thread(_read, name, content))
        except TagwerkError as error:
            failed.append(_failed(name, error))
    if known := len(contents) - len(wanted):
        log.info("files of the inbox were read before", files=known)
    return read, [record for record in failed if context.wants(record.key)]


def _read(name: str, content: bytes) -> _Read:
    return _Read(name, hashlib.sha256(content).hexdigest(), read_message(content, name))


def _failed(name: str, error: TagwerkError) -> Record:
    return Record(key=f"status-file:{name}", outcome=Outcome.FAILED, label=name, failure=error.failure)


def _no_concern(one: _Read) -> Record:
    return Record(
        key=f"status-file:{one.sha256}",
        outcome=Outcome.SKIPPED,
        label=one.name,
        message="it says nothing about a payment that was ordered here for this client",
    )
