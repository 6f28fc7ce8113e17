"""The ways on which messages about alerts leave: mail and webhook. One attempt each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from standardwebhooks import Webhook as Signer

from services.reporting.alerts.content import Content, webhook_body
from services.reporting.alerts.mail import compose
from services.reporting.alerts.rules import WEBHOOK, Rules
from services.reporting.alerts.words import Words
from shared.clients.http import HttpSystem
from shared.clients.smtp import MailServer, SmtpSystem
from shared.errors import NotDone, TagwerkError
from shared.events import now
from shared.runner.context import Calls

_UNRECORDED: Final = Calls(lambda call: None)


@dataclass(frozen=True, slots=True)
class Message:
    telling_id: UUID
    rule: str
    destination: str
    content: Content


class Ways(Protocol):
    def repeats(self, destination: str) -> bool:
        """Whether a message that may have arrived can be sent again: its receiver knows it by its id."""

    async def send(self, message: Message) -> None:
        """Raises `NotDone` where nothing has left, any other `TagwerkError` where it may have."""


class RealWays:
    """By SMTP, and to webhooks as https://www.standardwebhooks.com has it."""

    def __init__(self, rules: Rules, server: MailServer | None, zone: ZoneInfo, address: str | None) -> None:
        """`address` is where the pages are, for links."""
        self._rules = rules
        self._server = server
        self._words = Words(rules.language, zone)
        self._address = address

    def repeats(self, destination: str) -> bool:
        return destination.startswith(WEBHOOK)

    async def send(self, message: Message) -> None:
        if message.destination.startswith(WEBHOOK):
            await self._post(message)
        else:
            await self._mail(message)

    async def _mail(self, message: Message) -> None:
        if self._server is None:
            raise NotDone(
                "mail_server_missing",
                "no mail server is set",
                concern=message.destination,
                next_step="Set TAGWERK_SMTP_URL and TAGWERK_MAIL_FROM, and start the service again.",
            )
        mail = compose(
            message.content,
            self._words,
            rule=message.rule,
            sender=self._server.sender,
            recipient=message.destination,
            message_id=f"<{message.telling_id}@{self._server.domain}>",
            address=self._address,
        )
        async with SmtpSystem(self._server, _UNRECORDED) as system:
            await system.send(mail, message.destination)

    async def _post(self, message: Message) -> None:
        name = message.destination.removeprefix(WEBHOOK)
        webhook = self._rules.webhooks.get(name)
        if webhook is None:
            raise NotDone(
                "webhook_unknown",
                f"the rules name no webhook {name} any more",
                concern=message.destination,
                next_step="Write it into the file of TAGWERK_ALERT_RULES again, or leave it: new alerts go"
                " where the rules say now.",
            )
        body = webhook_body(message.content)
        async with HttpSystem(message.destination.replace(":", "-"), _UNRECORDED) as system:
            await system.request(
                "tell of alerts",
                "POST",
                webhook.url,
                content=body,
                headers=_signed(webhook.secret, message.telling_id, body, now()),
            )


def _signed(secret: str, id: UUID, body: bytes, at: datetime) -> dict[str, str]:
    """The id is that of the message, in each attempt; the time is that of the attempt."""
    signature = Signer(secret).sign(msg_id=str(id), timestamp=at, data=body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": str(id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def passing(error: TagwerkError, destination: str) -> bool:
    """Whether another attempt can succeed. Of a webhook, all but one that is not there: somebody mends it."""
    if destination.startswith(WEBHOOK):
        return error.failure.code != "webhook_unknown"
    return error.failure.retryable
