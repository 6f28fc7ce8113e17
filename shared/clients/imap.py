"""IMAP to a mail server outside: time-outs, errors in our words, and every call recorded by itself.

`imap-tools` blocks, so each command runs in a thread, one at a time. What it does not do is done here: it
asks for the capabilities only before the sign-in, after which servers offer more, and without MOVE it
expunges mails that others have marked as deleted.
"""

import asyncio
import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

import imap_tools
from imap_tools.errors import (
    ImapToolsError,
    MailboxFolderSelectError,
    MailboxLoginError,
    UnexpectedCommandStatusError,
)
from imap_tools.utils import encode_folder

from shared.clients.reaching import not_reached
from shared.errors import (
    CredentialsRejected,
    ExternalSystemNotReached,
    ExternalSystemUnavailable,
    TagwerkError,
)
from shared.runner.context import Calls
from shared.words import CallOutcome

#: Seconds that a server has to connect, and for each part of an answer.
TIMEOUT: Final = 20.0
#: Seconds for a command as a whole; a mail of 100 MB takes its time.
WITHIN: Final = 300.0
#: UIDs named in one command.
_AT_ONCE: Final = 500
#: What a server says that will serve later (RFC 5530).
_LATER: Final = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)\]", re.IGNORECASE)
_UID: Final = re.compile(rb"\bUID (\d+)")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d+)")

Security = Literal["tls", "starttls", "none"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImapAddress:
    """Where a mailbox is, and as whom we sign in there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: Security = "tls"
    #: Certificates by which the server is believed, if not those of the system.
    ca_file: Path | None = None


class ImapSystem:
    """One mailbox, bound to one run. Use as an async context manager: it signs in and out."""

    def __init__(
        self,
        system: str,
        calls: Calls,
        address: ImapAddress,
        *,
        timeout: float = TIMEOUT,
        within: float = WITHIN,
    ) -> None:
        self._system = system
        self._calls = calls
        self._address = address
        self._timeout = timeout
        self._within = within
        self._box: imap_tools.BaseMailBox | None = None

    async def __aenter__(self) -> Self:
        """Raises `ExternalSystemNotReached`, `ExternalSystemUnavailable`, `ExternalSystemPaused`,
        `DestinationNotAllowed`, `CredentialsRejected`, `mail_server_untrusted` and `mail_server_refused`."""
        try:
            async with self._calls.reaching(self._system, self._address.host, self._address.port):
                await self._recorded("sign in", self._sign_in)
        except BaseException:
            self._break_off()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(self._sign_out))}, timeout=2.0)
        self._break_off()

    async def look(self, folder: str) -> tuple[int, list[int]]:
        """UIDVALIDITY of a folder and the UIDs in it, which is from here on the one that is worked in.

        UIDs mean something only together with that number (RFC 3501, 2.3.1.1). Raises what signing in does,
        and `mail_folder_missing`.
        """
        return await self._recorded("look for mail", lambda: self._look(folder))

    async def sizes(self, uids: Iterable[int]) -> dict[int, int]:
        """Bytes by UID; those that are gone are missing."""
        wanted = list(uids)
        return await self._recorded("ask for sizes", lambda: self._sizes(wanted)) if wanted else {}

    async def fetch(self, uid: int) -> bytes | None:
        """A whole mail, byte by byte, which stays unread; None if it is gone."""
        return await self._recorded("fetch mail", lambda: self._part(uid, "BODY.PEEK[]"))

    async def fetch_head(self, uid: int) -> bytes | None:
        """The headers of a mail; None if it is gone."""
        return await self._recorded("fetch headers", lambda: self._part(uid, "BODY.PEEK[HEADER]"))

    async def move(self, uid: int, folder: str) -> None:
        """Move a mail, if it is still there. The folder is made if there is none.

        Raises what `look` does, and `mail_move_unsupported`. Broken off, it may have been moved.
        """
        await self._recorded("move mail", lambda: self._move(uid, folder), when_lost=CallOutcome.UNKNOWN)

    # In the thread.

    def _sign_in(self) -> None:
        address = self._address
        if address.security == "none":
            box: imap_tools.BaseMailBox = imap_tools.MailBoxUnencrypted(
                address.host, address.port, timeout=self._timeout
            )
        else:
            context = ssl.create_default_context(cafile=address.ca_file)
            kind = imap_tools.MailBox if address.security == "tls" else imap_tools.MailBoxStartTls
            box = kind(address.host, address.port, timeout=self._timeout, ssl_context=context)
        self._box = box
        plain = (address.user + address.password).isascii()
        (box.login if plain else box.login_utf8)(address.user, address.password, initial_folder=None)
        answer = box.client.capability()[1][0].decode("ascii", "replace")
        box.client.capabilities = tuple(answer.upper().split())

    def _sign_out(self) -> None:
        # What was to be done is done.
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._client.logout()

    def _look(self, folder: str) -> tuple[int, list[int]]:
        assert self._box is not None
        self._box.folder.set(folder)
        validity = self._client.response("UIDVALIDITY")[1][0]
        if validity is None:
            raise self._refused(f"it tells no UIDVALIDITY of {folder}")
        # Without a charset, which some servers refuse.
        return int(validity), sorted(int(uid) for uid in self._box.uids("UNDELETED", None))

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        found = {}
        for start in range(0, len(uids), _AT_ONCE):
            chosen = ",".join(str(uid) for uid in uids[start : start + _AT_ONCE])
            for line in self._command("FETCH", chosen, "(UID RFC822.SIZE)"):
                text = line if isinstance(line, bytes) else b""
                uid, size = _UID.search(text), _SIZE.search(text)
                if uid and size:
                    found[int(uid[1])] = int(size[1])
        return found

    def _part(self, uid: int, part: str) -> bytes | None:
        for line in self._command("FETCH", str(uid), f"({part})"):
            if isinstance(line, tuple):
                return bytes(line[1])
        return None

    def _move(self, uid: int, folder: str) -> None:
        box, client = self._box, self._client
        assert box is not None
        if not box.folder.exists(folder):
            box.folder.create(folder)
        target = encode_folder(folder)
        if "MOVE" in client.capabilities:
            self._command("MOVE", str(uid), target)
        elif "UIDPLUS" in client.capabilities:
            self._command("COPY", str(uid), target)
            self._command("STORE", str(uid), "+FLAGS", r"(\Deleted)")
            # This one only: a plain EXPUNGE removes what others have marked.
            self._command("EXPUNGE", str(uid))
        else:
            raise TagwerkError(
                "mail_move_unsupported",
                "the server can neither move a mail (MOVE) nor remove a single one (UIDPLUS)",
                concern=self._system,
                next_step="Nothing has to be done: mails stay where they are, and are remembered.",
            )

    def _command(self, *words: Any) -> list[Any]:
        status, lines = self._client.uid(*words)
        if status != "OK":
            raise UnexpectedCommandStatusError((status, lines), "OK")
        return lines

    @property
    def _client(self) -> imaplib.IMAP4:
        assert self._box is not None, "signed in"
        return self._box.client

    # Around it.

    async def _recorded(
        self, operation: str, work: Callable[[], T], *, when_lost: CallOutcome = CallOutcome.FAILED
    ) -> T:
        """What `work` gives in its thread, recorded."""
        with self._calls.begin(self._system, operation, broken_off=when_lost) as call:
            try:
                result = await self._in_time(work)
            except (ImapToolsError, imaplib.IMAP4.error, OSError, TagwerkError, ValueError) as error:
                failure = self._failure(error)
                lost = failure.failure.retryable and not isinstance(failure, ExternalSystemNotReached)
                call.failed_with(failure, when_lost if lost else CallOutcome.FAILED)
                raise failure from None  # what it comes from may quote the command, with the password
            call.succeeded()
            return result

    async def _in_time(self, work: Callable[[], T]) -> T:
        """Raises `TimeoutError` where the server drips; a thread cannot be stopped, its connection can."""
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._within)
        except asyncio.CancelledError:
            task.add_done_callback(_forget)
            self._break_off()
            raise
        if not done:
            task.add_done_callback(_forget)
            self._break_off()
            raise TimeoutError(f"not done within {self._within:g} s")
        return task.result()

    def _break_off(self) -> None:
        if self._box is None:
            return
        # The socket below TLS: the thread that reads from it wakes up. It may be closed already.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._box.client.sock, socket.SHUT_RDWR)

    def _failure(self, error: Exception) -> TagwerkError:
        if isinstance(error, TagwerkError):
            return error
        if isinstance(error, ssl.SSLCertVerificationError):
            return TagwerkError(
                "mail_server_untrusted",
                f"its certificate is not trusted: {error.verify_message}",
                concern=self._system,
                next_step="Check host and ca_file of the mailbox: the certificate must name the host and "
                "come from an authority that this machine knows, or that ca_file holds.",
            )
        said = self._said(error)
        # Before a connection there is nothing that could have been done.
        if self._box is None and isinstance(error, OSError):
            timed_out = isinstance(error, TimeoutError)
            return not_reached(self._system, self._address.host, error, timed_out=timed_out)
        if isinstance(error, OSError | imaplib.IMAP4.abort) or _LATER.search(said):
            return ExternalSystemUnavailable(self._system, f"it does not serve now: {said}")
        if isinstance(error, MailboxLoginError) or (
            isinstance(error, imaplib.IMAP4.error) and "AUTHENTICATIONFAILED" in said.upper()
        ):
            return CredentialsRejected(
                self._system, f"it refused the sign-in of {self._address.user}: {said}"
            )
        if isinstance(error, MailboxFolderSelectError):
            return TagwerkError(
                "mail_folder_missing",
                f"it does not open the folder: {said}",
                concern=self._system,
                next_step="Correct the folder of the mailbox in the settings; its name is that of the "
                "server, such as INBOX or INBOX.Invoices.",
            )
        return self._refused(f"it refused a command: {said}")

    def _refused(self, cause: str) -> TagwerkError:
        return TagwerkError(
            "mail_server_refused",
            cause,
            concern=self._system,
            next_step="Check the rights of the mailbox's user on the server, and the names of its folders.",
        )

    def _said(self, error: Exception) -> str:
        """What went wrong, in the server's words; never with the password, should it repeat that."""
        said = str(error) or type(error).__name__
        if isinstance(error, UnexpectedCommandStatusError):
            lines = [line for line in error.command_result[1] or () if isinstance(line, bytes)]
            said = b" ".join(lines).decode("utf-8", "replace") or str(error.command_result[0])
        said = said.replace(self._address.password, "***") if self._address.password else said
        return said[:300]


def _forget(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
