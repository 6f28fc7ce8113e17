"""What comes with a document becomes documents of its own, through the same door as everything else."""

import asyncio
import hashlib
from typing import Protocol
from uuid import UUID

from services.documents.converters import AttachedFile
from services.documents.core import MAX_NESTING
from services.documents.store import DocumentStore, StoredDocument
from shared.errors import Failure, TagwerkError
from shared.events import Record
from shared.ids import document_id_of
from shared.intake import Arrival, Intake
from shared.runner.context import RunContext
from shared.words import Outcome


class Attachments(Protocol):
    """Takes in what came with a document, for the run's client and principal."""

    async def key_of(self, file: AttachedFile) -> str:
        """The record key: the document that the file is, or becomes."""

    async def take_in(self, mail: StoredDocument, file: AttachedFile) -> Record:
        """Make a document of a file; the record says whether it is new, or why there is none."""


class IntakeAttachments:
    """Takes in through `intake`, and keeps with which document something came."""

    def __init__(self, intake: Intake, documents: DocumentStore, context: RunContext) -> None:
        self._intake = intake
        self._documents = documents
        self._context = context

    async def key_of(self, file: AttachedFile) -> str:
        return f"document:{await self._id_of(file)}"

    async def take_in(self, mail: StoredDocument, file: AttachedFile) -> Record:
        """Killed between the document and the record of it: the next attempt finds it as its own."""
        document = await self._id_of(file)
        record = Record(key=f"document:{document}", outcome=Outcome.CREATED, label=file.name)
        if file.skipped is not None:
            return record.model_copy(update={"outcome": Outcome.SKIPPED, "message": file.skipped})
        try:
            if file.lost is not None:
                raise TagwerkError(
                    "attachment_not_taken",
                    file.lost,
                    next_step="Open the mail in its program, save the attachment and upload it.",
                )
            if await self._documents.ancestors(mail.document_id) >= MAX_NESTING:
                raise TagwerkError(
                    "mail_too_deep",
                    f"it lies in mails within mails, more than {MAX_NESTING} deep",
                    next_step="Open the mail in its program, save the attachment and upload it.",
                )
            created = await self._is_new(mail, file, document)
        except TagwerkError as error:
            if error.failure.retryable:
                raise
            return _failed(record, error.failure, file.name)
        message = f"came with {mail.file_name}"
        if not created:
            record = record.model_copy(update={"outcome": Outcome.UNCHANGED})
            message = f"{message}; the client had it already"
        record = record.model_copy(update={"message": message})
        return await self._documents.keep_attachment(mail.document_id, document, file.name, record)

    async def _is_new(self, mail: StoredDocument, file: AttachedFile, document: UUID) -> bool:
        """Take the file in, unless the client has it; whether this run did, in any of its attempts."""
        context = self._context
        earlier = await self._intake.earlier(document)
        if earlier is not None:
            return earlier.run_id == context.run_id
        if await self._documents.find(document) is not None:
            return False  # taken in before this service was told of every arrival
        accepted = await self._intake.accept(
            Arrival(
                context.client, context.principal, file.name, file.path, file.media_type,
                traceparent=context.traceparent, parent_id=mail.document_id, run_id=context.run_id,
                interactive=context.interactive,
            )
        )  # fmt: skip
        return not accepted.duplicate

    async def _id_of(self, file: AttachedFile) -> UUID:
        digest = await asyncio.to_thread(lambda: hashlib.sha256(file.path.read_bytes()).hexdigest())
        return document_id_of(self._context.client, digest)


def _failed(record: Record, failure: Failure, name: str) -> Record:
    failure = failure.model_copy(update={"concern": name})
    return record.model_copy(update={"outcome": Outcome.FAILED, "message": failure.cause, "failure": failure})
