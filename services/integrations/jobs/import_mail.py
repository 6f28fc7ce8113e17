"""`integrations.import-mail`: what arrives in the client's mailboxes becomes documents, each mail once."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from pydantic import Field

from services.integrations.mail.core import head_of, mail_too_large
from services.integrations.mail.door import MailDoor, refused_mail
from services.integrations.mail.mailboxes import Mailbox, Mailboxes
from services.integrations.mail.server import MailServer
from services.integrations.mail.store import MailStore, Place
from shared.access import Access
from shared.choices import ChosenFrom
from shared.clients.imap import ImapSystem
from shared.errors import TagwerkError, foremost
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.outbox import Superseded
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome


@job(
    "integrations.import-mail",
    title="Import mail",
    kind=Kind.INTEGRATION,
    owner="Document services",
    access=Access(
        module="documents",
        level=Level.OPERATIONAL,
        roles=frozenset({"accounting", "trustee", "uploader"}),
    ),
    expected_runtime=minutes(1),
    timeout=minutes(60),
    retry=Retry(attempts=3, backoff=exponential(seconds(10))),
    repeat=Safe("a mail is known by its content, and moved out of the folder once its document is stored"),
    systems=["mail-server"],
    locations=["file-store"],
    output="a document for each mail, which is then converted and read with its attachments",
    expected_result="each mail is stored and moved, or refused with its reason and moved",
    logs="service=integrations job=integrations.import-mail",
    troubleshooting="docs/jobs/import-mail.md",
)
async def import_mail(
    mailbox: Annotated[
        str | None, ChosenFrom("mailbox"), Field(description="Name of a mailbox; none: all of the client")
    ] = None,
    *,
    mailboxes: Mailboxes,
    server: MailServer,
    door: MailDoor,
    store: MailStore,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Record | Sequence[Record]]:
    """Bring in the mails of the client's mailboxes as documents, and move each once it is stored.

    A mailbox that fails does not keep the others back; the run then fails in the end. A rerun of failed mails
    looks for them in the folder of refused ones, too.
    """
    chosen = mailboxes.chosen(context.client, mailbox)
    if not chosen:
        log.warning("the client has no mailbox", client=context.client)
    failures: list[TagwerkError] = []
    for one in chosen:
        yield await store.told(one)
        reading = _Reading(one, door, store, context, log, progress)
        try:
            async with server.open(one) as system:
                async for record in reading.mails(system):
                    yield record
        except Superseded:
            raise
        except TagwerkError as error:
            failures.append(error)
            failure = error.failure
            log.error("the mailbox cannot be read", mailbox=one.name, code=failure.code, cause=failure.cause)
    if failures:
        raise foremost(failures)


class _Reading:
    """One mailbox, read once."""

    def __init__(
        self,
        mailbox: Mailbox,
        door: MailDoor,
        store: MailStore,
        context: RunContext,
        log: RunLog,
        progress: Progress,
    ) -> None:
        self._mailbox = mailbox
        self._door = door
        self._store = store
        self._context = context
        self._log = log
        self._progress = progress
        #: Folders into which the server moves nothing.
        self._closed: set[str] = set()

    async def mails(self, system: ImapSystem) -> AsyncIterator[Record]:
        """Take every mail in hand that was not yet; the records of them."""
        box = self._mailbox
        if self._context.only_records is None:
            async for record in self._folder(system, box.folder):
                yield record
            return
        for folder in (box.refused, box.folder):
            try:
                async for record in self._folder(system, folder):
                    yield record
            except TagwerkError as error:
                # Where nothing was ever refused there is no such folder.
                if folder != box.refused or error.failure.code != "mail_folder_missing":
                    raise

    async def _folder(self, system: ImapSystem, folder: str) -> AsyncIterator[Record]:
        rerun = self._context.only_records is not None
        uid_validity, uids = await system.look(folder)
        place = Place(self._mailbox, folder, uid_validity)
        known = await self._store.known(place, uids)
        if not rerun:
            # What a run left behind that ended between storing and moving.
            for uid, refused in known.items():
                await self._move(system, place, uid, refused=refused)
        new = [uid for uid in uids if rerun or uid not in known]
        sizes = await system.sizes(new)
        for done, uid in enumerate(new, 1):
            record = await self._take_in(system, place, uid, sizes[uid]) if uid in sizes else None
            await self._progress(done, len(new), self._mailbox.name)
            if record is not None:
                yield record

    async def _take_in(self, system: ImapSystem, place: Place, uid: int, size: int) -> Record | None:
        """Store, remember, move, in this order: killed in between, nothing is lost and nothing done twice."""
        head, limit = None, self._door.size_limit
        if self._context.only_records is not None or size > limit:
            head = await system.fetch_head(uid)
            if head is None or not self._context.wants(head_of(head).key):
                return None
        if size > limit and head is not None:
            record = refused_mail(head_of(head), mail_too_large(size, limit).failure)
        else:
            raw = await system.fetch(uid)
            if raw is None:
                return None
            record = await self._door.take_in(raw)
        refused = record.outcome is Outcome.FAILED
        record = await self._store.remember(place, uid, record, refused=refused)
        await self._move(system, place, uid, refused=refused)
        return record

    async def _move(self, system: ImapSystem, place: Place, uid: int, *, refused: bool) -> None:
        """A mail that cannot be moved stays, and is not read again."""
        folder = self._mailbox.refused if refused else self._mailbox.imported
        if folder == place.folder or folder in self._closed:
            return
        try:
            await system.move(uid, folder)
        except TagwerkError as error:
            if error.failure.retryable:
                raise
            self._closed.add(folder)
            self._log.warning(
                "mails cannot be moved, and stay where they are",
                mailbox=self._mailbox.name,
                folder=folder,
                code=error.failure.code,
                cause=error.failure.cause,
            )
            return
        await self._store.moved(place, uid)
