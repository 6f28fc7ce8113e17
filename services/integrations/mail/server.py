"""The mail servers that mailboxes lie on, and a look at them before a start."""

from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from services.integrations.mail.mailboxes import Mailbox, Mailboxes
from shared.clients.imap import ImapSystem
from shared.errors import TagwerkError
from shared.probes import Probe
from shared.runner.context import Calls

#: The system outside, as jobs and settings name it.
SYSTEM: Final = "mail-server"
#: Seconds for a look before a start.
_PROBE: Final = 2.0


class MailServer(Protocol):
    """Opens mailboxes, bound to one run."""

    def open(self, mailbox: Mailbox) -> AbstractAsyncContextManager[ImapSystem]:
        """The mailbox, signed in. Raises `mail_password_missing`; entering it, what `ImapSystem` raises."""


class ImapServer:
    """Mailboxes over IMAP."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def open(self, mailbox: Mailbox) -> ImapSystem:
        return ImapSystem(SYSTEM, self._calls, mailbox.address())


def mail_server_probe(mailboxes: Mailboxes) -> Probe:
    """Whether each mailbox of the client can be signed in to, and its folder opened."""

    async def look(client: str) -> str:
        own = mailboxes.of.get(client, ())
        if not own:
            raise TagwerkError(
                "mailbox_missing",
                f"client {client} has no mailbox",
                concern=client,
                next_step="Add one to the file that TAGWERK_MAILBOXES_FILE names, and start the service "
                "again.",
            )
        mails = 0
        for mailbox in own:
            calls = Calls(lambda call: None)
            async with ImapSystem(SYSTEM, calls, mailbox.address(), timeout=_PROBE, within=_PROBE) as system:
                mails += len((await system.look(mailbox.folder))[1])
        return f"signed in; {mails} mails wait"

    return look
