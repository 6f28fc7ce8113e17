"""A real mail server for tests: it keeps what it takes, and refuses, drops or delays as it is told."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True)
class Caught:
    recipient: str
    mail: EmailMessage

    @property
    def id(self) -> str:
        return str(self.mail["Message-ID"])


@dataclass
class Catcher:
    """The server's side. Addresses in `refused` get that answer; after the mail to one in `broken` it hangs
    up without a word, having kept it."""

    port: int = 0
    mails: list[Caught] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    #: If set, only who signs in with these may send.
    user: str | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        who = f"{self.user}:{self.password}@" if self.user else ""
        return f"smtp://{who}127.0.0.1:{self.port}"

    # What aiosmtpd calls.

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.user is not None and not session.authenticated:
            return "530 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=default)
        self.mails += [Caught(address, mail) for address in envelope.rcpt_tos]
        if self.broken & set(envelope.rcpt_tos):
            assert server.transport is not None
            server.transport.close()
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> Any:
        known = LoginPassword((self.user or "").encode(), (self.password or "").encode())
        return AuthResult(success=data == known, handled=False)


@contextmanager
def catching(
    user: str | None = None,
    password: str | None = None,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
) -> Iterator[Catcher]:
    """A server on a free port of the loopback interface, gone afterwards; with TLS from the first byte, or
    offering STARTTLS."""
    catcher = Catcher(user=user, password=password)
    with socket.create_server((host, 0)) as held:
        catcher.port = held.getsockname()[1]
    controller = Controller(
        catcher,
        hostname=host,
        port=catcher.port,
        ssl_context=tls,
        tls_context=starttls,
        auth_require_tls=False,
        authenticator=catcher.authenticate,
    )
    controller.start()
    try:
        yield catcher
    finally:
        controller.stop()
