"""A mail becomes a document, through the same door as everything else; its attachments become documents of
their own when that one is converted."""

import asyncio
from typing import Protocol

from services.integrations.mail.core import MailHead, check_mail, head_of
from shared.errors import Failure, TagwerkError
from shared.events import Record
from shared.intake import Arrival, Intake
from shared.runner.context import RunContext
from shared.words import Outcome
from shared.workplace import workplace


class MailDoor(Protocol):
    """Takes mails in, for the run's client and principal."""

    #: Bytes.
    size_limit: int

    async def take_in(self, raw: bytes) -> Record:
        """Make a document of a mail; the record says whether it is new, or why there is none."""


class IntakeDoor:
    """Takes in through `intake`."""

    def __init__(self, intake: Intake, context: RunContext, size_limit: int) -> None:
        self.size_limit = size_limit
        self._intake = intake
        self._context = context

    async def take_in(self, raw: bytes) -> Record:
        """Killed between the document and the record of it: the next attempt finds it as its own."""
        head, context = head_of(raw), self._context
        try:
            check_mail(raw)
            with workplace() as folder:
                path = folder / "mail.eml"
                await asyncio.to_thread(path.write_bytes, raw)
                accepted = await self._intake.accept(
                    Arrival(
                        context.client, context.principal, head.file_name, path, "message/rfc822",
                        interactive=context.interactive, traceparent=context.traceparent,
                        run_id=context.run_id,
                    )
                )  # fmt: skip
        except TagwerkError as error:
            if error.failure.retryable:
                raise
            return refused_mail(head, error.failure)
        document = accepted.event.document_id
        if accepted.duplicate and accepted.event.run_id != context.run_id:
            message, outcome = f"the client had it already, as document {document}", Outcome.UNCHANGED
        else:
            message, outcome = f"stored as document {document}", Outcome.CREATED
        return Record(key=head.key, outcome=outcome, label=head.file_name, message=message)


def refused_mail(head: MailHead, failure: Failure) -> Record:
    """The record of a mail that becomes no document."""
    failure = failure.model_copy(update={"concern": head.key})
    return Record(
        key=head.key,
        outcome=Outcome.FAILED,
        label=head.file_name,
        message=failure.cause,
        failure=failure,
    )
