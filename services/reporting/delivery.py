"""How a report reaches people: by mail, each address once, and into a folder."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from services.reporting.letter import compose
from services.reporting.recipients import RecipientList
from services.reporting.reports import Report
from shared.clients.smtp import MailServer, SmtpSystem
from shared.effects import Effects
from shared.errors import NotDone, TagwerkError
from shared.events import Record
from shared.ids import derived_id, new_id
from shared.runner.context import Calls
from shared.words import Outcome, ReportFormat

Contents = Sequence[tuple[ReportFormat, str, bytes]]

#: Below the folder, on the same file system: what is not complete has no name that anybody looks for.
_UNFINISHED: Final = ".unfinished"


class Mails(Protocol):
    """Open while mails are sent."""

    async def send(
        self, report: Report, contents: Contents, address: str, again: str | None = None
    ) -> Record:
        """Send a report to one address, unless it has got it, or not yet for this reason; the record of that.

        Raises what `SmtpSystem.send` does as long as nothing was sent.
        """


class Delivery(Protocol):
    """The ways out of one run."""

    def expect(self, recipients: Sequence[str], folder: bool) -> None:
        """Raises `mail_server_missing`, `recipient_not_allowed` and `reports_folder_missing`."""

    def mails(self) -> AbstractAsyncContextManager[Mails]: ...

    async def had(self, report: Report, addresses: Sequence[str]) -> Mapping[str, datetime]:
        """Address (in lower case) -> when another run sent it the report, the first time."""

    async def put(self, report: Report, contents: Contents, again: str | None = None) -> Sequence[Record]:
        """Put the files into the folder, once for each reason. Raises `reports_folder_unavailable`
        (retryable)."""


class RealDelivery:
    """By SMTP, and into a folder of the client."""

    def __init__(
        self,
        effects: Effects,
        recipients: RecipientList,
        calls: Calls,
        server: MailServer | None,
        domains: frozenset[str] | None,
        folder: Path | None,
    ) -> None:
        """`domains` are those that mails may go to; None for all."""
        self._effects = effects
        self._recipients = recipients
        self._calls = calls
        self._server = server
        self._domains = domains
        self._folder = folder

    def expect(self, recipients: Sequence[str], folder: bool) -> None:
        if recipients and self._server is None:
            raise TagwerkError(
                "mail_server_missing",
                "there are recipients, and no mail server is set",
                concern="recipients",
                next_step="Set TAGWERK_SMTP_URL and TAGWERK_MAIL_FROM and start the service again, or leave "
                "the recipients out.",
            )
        for address in recipients:
            domain = address.rpartition("@")[2].lower()
            if self._domains is not None and domain not in self._domains:
                raise TagwerkError(
                    "recipient_not_allowed",
                    f"no mail may go to {domain}",
                    concern=f"recipient:{address}",
                    next_step="Correct the address, or add its domain to TAGWERK_MAIL_DOMAINS.",
                )
        if folder and self._folder is None:
            raise TagwerkError(
                "reports_folder_missing",
                "the files are to go into a folder, and none is set",
                concern="folder",
                next_step="Set TAGWERK_REPORTS_FOLDER and start the service again, or leave the folder out.",
            )

    def mails(self) -> "SmtpMails":
        assert self._server is not None, "expect was not asked"
        return SmtpMails(self._effects, self._recipients, SmtpSystem(self._server, self._calls))

    async def had(self, report: Report, addresses: Sequence[str]) -> Mapping[str, datetime]:
        return await self._recipients.had(report.report_id, addresses)

    async def put(self, report: Report, contents: Contents, again: str | None = None) -> Sequence[Record]:
        assert self._folder is not None, "expect was not asked"
        return [
            await self._put(self._folder, report.report_id, name, content, again)
            for _, name, content in contents
        ]

    async def _put(
        self, folder: Path, report_id: UUID, name: str, content: bytes, again: str | None
    ) -> Record:
        target, ending = folder / name, name.rpartition(".")[2]
        label = f"{folder.name}/{name}"
        record = Record(key=f"report:{report_id}/folder/{ending}", outcome=Outcome.CREATED, label=label)

        async def there() -> bool:
            return await asyncio.to_thread(_holds, target, content)

        try:
            # A later report of the same days takes the place of this one.
            async with self._effects.once(
                f"folder:{_for_reason(report_id, again)}.{ending}", record=record.key, check=there
            ) as effect:
                if effect.needed:
                    await asyncio.to_thread(_write, target, content)
        except OSError as error:
            raise TagwerkError(
                "reports_folder_unavailable",
                f"the folder cannot be written: {error.strerror or error}",
                concern=str(folder),
                next_step="Check the folder of TAGWERK_REPORTS_FOLDER and its rights. The report itself is "
                "stored.",
                retryable=True,
            ) from error
        return effect.result(record)


class SmtpMails:
    """Sends a report by one connection."""

    def __init__(self, effects: Effects, recipients: RecipientList, system: SmtpSystem) -> None:
        self._effects = effects
        self._recipients = recipients
        self._system = system

    async def __aenter__(self) -> "SmtpMails":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._system.__aexit__(None, None, None)

    async def send(
        self, report: Report, contents: Contents, address: str, again: str | None = None
    ) -> Record:
        had = (await self._recipients.had(report.report_id, [address])).get(address.lower())
        if had is not None and again is None:
            return Record(
                key=recipient_key(address),
                outcome=Outcome.UNCHANGED,
                label=address,
                message=_had_before(had),
            )
        mail_id = mail_id_of(report.report_id, address, again)
        effect_key = f"mail:{mail_id}"
        server = self._system.server
        message_id = f"<{mail_id}@{server.domain}>"
        record = Record(
            key=recipient_key(address),
            outcome=Outcome.CREATED,
            label=address,
            message=f"sent, Message-ID {message_id}" if had is None else _sent_again(had, again, message_id),
        )
        mail = compose(
            report.summary.letter(),
            contents,
            sender=server.sender,
            recipient=address,
            message_id=message_id,
            written=report.created_at,
        )
        await self._recipients.intend(
            effect_key, report.report_id, address, again if had is not None else None
        )
        async with self._effects.once(effect_key, record=record.key) as effect:
            if effect.needed:
                await self._system.send(mail, address)
        if effect.done_earlier:
            record = record.model_copy(update={"message": _had_before(had)})
        return effect.result(record)


def mail_id_of(report_id: UUID, address: str, again: str | None = None) -> UUID:
    """The same report to the same address is the same mail, whichever run or attempt sends it; sent once more
    for a reason it is another one, the same for the same reason."""
    return derived_id("mail", _for_reason(report_id, again), address.casefold())


def _for_reason(report_id: UUID, again: str | None) -> str:
    return str(report_id) if again is None else str(derived_id("again", str(report_id), again.casefold()))


def _sent_again(had: datetime, reason: str | None, message_id: str) -> str:
    return f"had it on {had:%Y-%m-%d %H:%M:%S} UTC, sent again: {reason}; Message-ID {message_id}"


def _had_before(had: datetime | None) -> str:
    return "has had this report before" + (f", on {had:%Y-%m-%d %H:%M:%S} UTC" if had is not None else "")


def recipient_key(address: str) -> str:
    return f"recipient:{address.casefold()}"


def refused(address: str, error: NotDone) -> Record:
    """The record of a mail that was not sent."""
    return Record(key=recipient_key(address), outcome=Outcome.FAILED, label=address, failure=error.failure)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _write(target: Path, content: bytes) -> None:
    """All of it or nothing: whoever watches the folder sees complete files only."""
    unfinished = target.parent / _UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    for left in unfinished.glob(f"{target.name}.*"):
        left.unlink(missing_ok=True)
    copy = unfinished / f"{target.name}.{new_id().hex}"
    with copy.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    copy.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
