"""The post office of the demo, on this machine alone: a mailbox that a letter comes to, and a server that
keeps what is mailed. Real servers from wheels, which the stack reaches like any others."""

import asyncio
import contextlib
import importlib.util
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local.children import child_options
from deploy.local.ports import LOOPBACK, accepts_connections, free_port
from deploy.local.state import StateFolder

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

#: Whose mailbox it is.
_USER: Final = "invoices@kern-waelti.example"
#: Gets the report of what is due.
TREASURER: Final = "treasurer@kern-waelti.example"
MAILBOX: Final = "invoices"

_MAILBOXES: Final = """\
[[clients.main.mailboxes]]
name = "{name}"
host = "{host}"
port = {port}
security = "none"  # It does not leave this machine.
user = "{user}"
password_file = "demo-mailbox.password"
"""
#: pymap takes its password as an argument only, where every user of the machine could read it.
_SERVE: Final = """
import os, sys
from pymap.main import main
sys.argv += ["--demo-password", os.environ["DEMO_MAILBOX"]]
main()
"""
#: Seconds until the mailbox answers.
_READY_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class PostOffice:
    #: What was mailed, one file for each mail and recipient.
    folder: Path
    _password: str
    _imap_port: int
    _smtp_port: int

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of a stack that uses it."""
        return {
            "TAGWERK_MAILBOXES_FILE": str(self.folder.parent / "demo-mailboxes.toml"),
            "TAGWERK_SMTP_URL": f"smtp://{LOOPBACK}:{self._smtp_port}",
            "TAGWERK_MAIL_FROM": "Tagwerk <tagwerk@kern-waelti.example>",
        }

    async def deliver(self, letter: bytes) -> None:
        """Put a mail into the mailbox, as its server does with what comes in."""
        await asyncio.to_thread(self._deliver, letter)

    def mailed(self, recipient: str) -> list[tuple[Path, EmailMessage]]:
        """The mails that went to somebody, in this tour and earlier ones."""
        found = []
        for path in sorted(self.folder.glob("*.eml")):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            if mail["X-Envelope-To"] == recipient:
                found.append((path, mail))
        return found

    def _deliver(self, letter: bytes) -> None:
        from imap_tools import MailBoxUnencrypted

        with MailBoxUnencrypted(LOOPBACK, self._imap_port, timeout=30) as box:
            box.login(_USER, self._password)
            box.append(letter, "INBOX", flag_set=[])


class _Catcher:
    """Keeps what is mailed, as aiosmtpd hands it in.

    No dataclass: aiosmtpd looks at every attribute, and `__weakref__` of one with slots cannot be looked at
    before Python 3.11.3.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: "SMTP", session: "Session", envelope: "Envelope") -> str:
        assert isinstance(envelope.content, bytes)
        for recipient in envelope.rcpt_tos:
            name = self._folder / f"{secrets.token_hex(8)}.eml"
            new = name.with_suffix(".new")
            new.write_bytes(f"X-Envelope-To: {recipient}\r\n".encode() + envelope.content)
            new.replace(name)
        return "250 OK"


def can_open() -> bool:
    """Whether the servers are installed: they come with the checkout, not with the wheel."""
    return all(importlib.util.find_spec(name) for name in ("aiosmtpd", "pymap"))


@contextlib.asynccontextmanager
async def open_post_office(state: Path) -> AsyncIterator[PostOffice]:
    """Both servers, on free ports, until the end of the block."""
    from aiosmtpd.controller import Controller

    with StateFolder(state) as folder:
        office = PostOffice(folder.path / "demo-mails", secrets.token_hex(16), free_port(), free_port())
        office.folder.mkdir(exist_ok=True)
        password = folder.path / "demo-mailbox.password"
        password.touch(mode=0o600)
        password.write_text(office._password)
        mailboxes = folder.path / "demo-mailboxes.toml"
        mailboxes.write_text(
            _MAILBOXES.format(name=MAILBOX, host=LOOPBACK, port=office._imap_port, user=_USER)
        )
    catcher = Controller(_Catcher(office.folder), hostname=LOOPBACK, port=office._smtp_port)
    catcher.start()
    try:
        async with _mailbox(office):
            yield office
    finally:
        catcher.stop()


@contextlib.asynccontextmanager
async def _mailbox(office: PostOffice) -> AsyncIterator[None]:
    # In a process of its own, as a mail server is: pymap keeps mails in memory.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVE,
        "--no-service", "admin", "--no-service", "managesieve",
        "--host", LOOPBACK, "--port", str(office._imap_port), "dict", "--demo-user", _USER,
        env=os.environ | {"DEMO_MAILBOX": office._password},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        **child_options(signal.SIGKILL),
    )  # fmt: skip
    try:
        async with asyncio.timeout(_READY_WITHIN):
            while not accepts_connections(office._imap_port):  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.05)
        yield
    finally:
        process.kill()
        await process.wait()
