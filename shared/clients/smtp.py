"""Mails to a mail server outside: errors in our words, every call recorded, and whether a mail has left.

Up to the moment in which the content is handed over nothing can have been sent: whatever goes wrong is a
`NotDone`. So is a definite refusal afterwards. If the connection breaks in between, nobody knows.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import parseaddr
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from shared.clients.reaching import not_reached
from shared.errors import (
    CredentialsRejected,
    ExternalSystemNotReached,
    ExternalSystemUnavailable,
    NotCalled,
    NotDone,
    TagwerkError,
)
from shared.runner.context import Calls
from shared.words import CallOutcome

#: What the mail server is called in calls and failures.
SYSTEM: Final = "mail-server"
#: Seconds to connect, and for the answer to one command.
CONNECT_WITHIN, ANSWER_WITHIN = 10.0, 60.0

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOST: Final = (
    aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPConnectError, OSError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go, and from whom. The password is never shown."""

    host: str
    port: int
    #: From the first byte; otherwise by STARTTLS, except on the loopback interface.
    tls: bool
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Certificates by which the server is believed, if not those of the system.
    ca_file: Path | None = None

    @classmethod
    def of(cls, url: str, sender: str, ca_file: Path | None = None) -> "MailServer":
        """`smtp://user:password@host:587` or `smtps://…`, and the sender as a mail names it: `Tagwerk
        <tagwerk@example.com>`. Raises `mail_settings_invalid`."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in _PORTS or not parts.hostname or port == -1:
            raise _settings_invalid(
                "TAGWERK_SMTP_URL", "it is no address of a mail server", "smtp://user:password@host:587"
            )
        if "@" not in parseaddr(sender)[1]:
            raise _settings_invalid(
                "TAGWERK_MAIL_FROM", "it holds no mail address", "Tagwerk <tagwerk@example.com>"
            )
        if ca_file is not None and not ca_file.is_file():
            raise _settings_invalid("TAGWERK_SMTP_CA_FILE", "there is no such file", "/etc/tagwerk/mail.pem")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            sender=sender,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            ca_file=ca_file,
        )

    @property
    def address(self) -> str:
        """The bare address of the sender."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def _settings_invalid(setting: str, cause: str, example: str) -> TagwerkError:
    return TagwerkError(
        "mail_settings_invalid",
        cause,
        concern=setting,
        next_step=f"Write {setting} like {example}, and start the service again.",
    )


class MailRefused(NotDone):
    """The mail server said no, and so nothing was sent."""

    def __init__(
        self, what: str, error: aiosmtplib.SMTPResponseException, hidden: Mapping[str, str] | None = None
    ) -> None:
        """`hidden`: what the server's words may hold -> what is said instead."""
        said = _line(error.message)
        for address, name in (hidden or {}).items():
            said = re.sub(re.escape(address), name, said, flags=re.IGNORECASE)
        passing = error.code < 500
        step = (
            "Nothing: it is tried again after the wait."
            if passing
            else "Check the address, and what the mail server says about it; then rerun the failed records."
        )
        super().__init__(
            "mail_refused",
            f"the mail server refuses {what}: {error.code} {said}",
            concern=SYSTEM,
            next_step=step,
            retryable=passing,
        )


class SmtpSystem:
    """The mail server, bound to one run. One connection for all mails, made when the first one is sent. Use
    as an async context manager."""

    def __init__(self, server: MailServer, calls: Calls) -> None:
        self.server = server
        self._calls = calls
        self._client: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    async def send(self, message: EmailMessage, recipient: str, *, named: str | None = None) -> None:
        """Hand a mail over for one recipient, who in calls and failures is called `named` where their address
        is to stay out of them.

        Raises `ExternalSystemNotReached`, `ExternalSystemPaused`, `DestinationNotAllowed`,
        `CredentialsRejected`, `MailRefused` and `mail_server_insecure`, all of them `NotDone`; and
        `ExternalSystemUnavailable` where it may have been sent.
        """
        with self._calls.begin(SYSTEM, "send mail", broken_off=CallOutcome.UNKNOWN) as call:
            try:
                client = await self._connected()
                hidden = {recipient: named} if named is not None else {}
                await self._introduce(client, recipient, hidden)
                await self._hand_over(client, message, hidden)
            except TagwerkError as error:
                if not isinstance(error, NotCalled):
                    call.failed_with(
                        error, CallOutcome.FAILED if isinstance(error, NotDone) else CallOutcome.UNKNOWN
                    )
                await self._leave()
                raise
            except asyncio.CancelledError:
                await self._leave()
                raise
            call.succeeded("accepted")

    async def knock(self) -> str:
        """Whether it answers and takes our credentials; sends nothing. Raises what `send` does before it has
        a mail."""
        await self._connected()
        await self._leave()
        return "the mail server answers"

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        server = self.server
        plain = server.host in _LOOPBACK or server.tls
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=not plain,
            tls_context=ssl.create_default_context(cafile=server.ca_file),
            username=server.user,
            password=server.password,
            timeout=CONNECT_WITHIN,
        )
        async with self._calls.reaching(SYSTEM, server.host, server.port):
            await self._connect(client)
        client.timeout = ANSWER_WITHIN
        self._client = client
        return client

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise CredentialsRejected(SYSTEM, f"it answered {error.code}") from None
        except aiosmtplib.SMTPNotSupported:
            client.close()
            raise _insecure(self.server.host) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            timed_out = isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError)
            raise not_reached(
                SYSTEM, self.server.host, error, timed_out=timed_out, authorities="TAGWERK_SMTP_CA_FILE"
            ) from None

    async def _introduce(self, client: aiosmtplib.SMTP, recipient: str, hidden: Mapping[str, str]) -> None:
        try:
            await client.mail(self.server.address)
            await client.rcpt(recipient)
        except aiosmtplib.SMTPResponseException as error:
            raise MailRefused(f"a mail to {hidden.get(recipient, recipient)}", error, hidden) from None
        except _LOST as error:
            raise ExternalSystemNotReached(SYSTEM, f"the connection broke: {_line(str(error))}") from None

    async def _hand_over(
        self, client: aiosmtplib.SMTP, message: EmailMessage, hidden: Mapping[str, str]
    ) -> None:
        try:
            await client.data(message.as_bytes(policy=SMTP_POLICY))
        except aiosmtplib.SMTPResponseException as error:
            raise MailRefused("the mail", error, hidden) from None
        except _LOST:
            raise ExternalSystemUnavailable(
                SYSTEM,
                "the connection broke while the mail was handed over",
                next_step="Look whether the mail has arrived, or into the log of the mail server.",
            ) from None

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.quit(timeout=2.0)
        except (aiosmtplib.SMTPException, OSError):
            client.close()


def _insecure(host: str) -> NotDone:
    return NotDone(
        "mail_server_insecure",
        f"{host} does not offer an encrypted connection, and mails and passwords go over no other",
        concern=SYSTEM,
        next_step="Have STARTTLS switched on there, or use an address smtps://… in TAGWERK_SMTP_URL.",
    )


def _line(text: str) -> str:
    """What the server said, on one line of reasonable length."""
    return " ".join(text.split())[:300]
