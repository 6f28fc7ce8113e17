"""Which mails were taken in hand, in PostgreSQL: no mail is read twice because it could not be moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.integrations.mail.mailboxes import Mailbox
from shared.events import Record
from shared.outbox import Outbox
from shared.runner.context import RunContext

#: Days for which a mail that has left its folder is remembered: longer than a run is tried again.
_DAYS = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A folder as the server had it: UIDs in it mean something as long as its UIDVALIDITY stays."""

    mailbox: Mailbox
    folder: str
    uid_validity: int


class MailStore(Protocol):
    """What a run may do with what is remembered of its own client's mails."""

    async def told(self, mailbox: Mailbox) -> Sequence[Record]:
        """The records of mails of the mailbox that this run has taken in hand, in whatever attempt."""

    async def known(self, place: Place, uids: Iterable[int]) -> Mapping[int, bool]:
        """UID -> whether it was refused, of those `uids` that were taken in hand and are still there."""

    async def remember(self, place: Place, uid: int, record: Record, *, refused: bool) -> Record:
        """Keep the outcome of a mail; the record to yield. From here on the mail may be moved."""

    async def moved(self, place: Place, uid: int) -> None:
        """The mail has left the folder."""


class PostgresMails:
    """What is remembered of the mails of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context

    async def told(self, mailbox: Mailbox) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select record from mails where run_id = $1 and mailbox = $2 order by stored_at, uid",
                self._context.run_id,
                mailbox.name,
            )
            return [tx.record(Record.model_validate_json(row["record"])) for row in rows]

    async def known(self, place: Place, uids: Iterable[int]) -> Mapping[int, bool]:
        present = list(uids)
        client, mailbox = self._context.client, place.mailbox.name
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "update mails set moved_at = now() where client = $1 and mailbox = $2 and folder = $3"
                " and moved_at is null and (uid_validity <> $4 or uid not in (select unnest($5::bigint[])))",
                client, mailbox, place.folder, place.uid_validity, present,
            )  # fmt: skip
            await tx.connection.execute(
                "delete from mails where client = $1 and mailbox = $2"
                " and moved_at < now() - make_interval(days => $3)",
                client, mailbox, _DAYS,
            )  # fmt: skip
            rows = await tx.connection.fetch(
                "select uid, refused from mails where client = $1 and mailbox = $2 and folder = $3"
                " and uid_validity = $4 and moved_at is null",
                client, mailbox, place.folder, place.uid_validity,
            )  # fmt: skip
        return {row["uid"]: row["refused"] for row in rows}

    async def remember(self, place: Place, uid: int, record: Record, *, refused: bool) -> Record:
        context = self._context
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into mails (client, mailbox, folder, uid_validity, uid, record, refused, run_id)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8)"
                " on conflict (client, mailbox, folder, uid_validity, uid) do update set"
                " record = excluded.record, refused = excluded.refused, run_id = excluded.run_id,"
                " stored_at = now(), moved_at = null",
                context.client, place.mailbox.name, place.folder, place.uid_validity, uid,
                record.model_dump_json(exclude_none=True), refused, context.run_id,
            )  # fmt: skip
            return tx.record(record)

    async def moved(self, place: Place, uid: int) -> None:
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "update mails set moved_at = now() where client = $1 and mailbox = $2 and folder = $3"
                " and uid_validity = $4 and uid = $5",
                self._context.client, place.mailbox.name, place.folder, place.uid_validity, uid,
            )  # fmt: skip
