"""Mail servers with certificates of a private authority: believed where its file is named, and only there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from shared.clients.imap import ImapAddress, ImapSystem
from shared.clients.smtp import MailServer as SmtpServer
from shared.clients.smtp import SmtpSystem
from shared.errors import NotDone, TagwerkError
from shared.runner.context import Calls
from tests.support.authority import Authority
from tests.support.mail_catcher import catching
from tests.support.mail_server import PASSWORD, USER, MailServer

SILENT = Calls(lambda call: None)
#: On this machine, and not what the client of SMTP takes for it: so it wants STARTTLS.
ELSEWHERE = "127.0.0.2"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def mail() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Reminder"
    message["Message-ID"] = "<1@example.com>"
    return message


@asynccontextmanager
async def behind_tls(server: MailServer, authority: Authority) -> AsyncIterator[int]:
    """The port of a door that takes TLS from the first byte, as 993 does."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(pass_on(reader, outer), pass_on(inner, writer), return_exceptions=True)

    async with await asyncio.start_server(enter, "127.0.0.1", 0, ssl=authority.serves("127.0.0.1")) as door:
        yield door.sockets[0].getsockname()[1]


async def test_a_mailbox_behind_tls_is_believed_by_its_authority_alone(
    mail_server: MailServer, authority: Authority
) -> None:
    mail_server.deliver("behind-tls", b"Subject: one\r\n\r\n")
    async with behind_tls(mail_server, authority) as port:
        believed = ImapAddress("127.0.0.1", port, USER, PASSWORD, "tls", authority.file)
        async with ImapSystem("mail-server", SILENT, believed) as system:
            assert len((await system.look("behind-tls"))[1]) == 1
        with pytest.raises(TagwerkError) as raised:
            await ImapSystem(
                "mail-server", SILENT, ImapAddress("127.0.0.1", port, USER, PASSWORD, "tls")
            ).__aenter__()
    assert raised.value.failure.code == "mail_server_untrusted"


@pytest.mark.parametrize(("scheme", "way"), [("smtps", "tls"), ("smtp", "starttls")])
async def test_a_mail_server_is_believed_by_its_authority_alone(
    authority: Authority, scheme: str, way: str
) -> None:
    url: Callable[[int], str] = lambda port: f"{scheme}://desk:s3cret-of-smtp@{ELSEWHERE}:{port}"  # noqa: E731
    with catching("desk", "s3cret-of-smtp", host=ELSEWHERE, **{way: authority.serves(ELSEWHERE)}) as catcher:
        believed = SmtpServer.of(url(catcher.port), "desk@example.com", authority.file)
        async with SmtpSystem(believed, SILENT) as system:
            await system.send(mail(), "ada@example.com")
        with pytest.raises(NotDone) as raised:
            await SmtpSystem(SmtpServer.of(url(catcher.port), "desk@example.com"), SILENT).knock()
    assert len(catcher.mails) == 1
    failure = raised.value.failure
    assert (failure.code, failure.retryable) == ("external_system_unavailable", True)
    assert "unable to get local issuer certificate" in failure.cause
    assert "TAGWERK_SMTP_CA_FILE" in failure.next_step


def test_a_file_of_an_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError) as raised:
        SmtpServer.of("smtp://mail.example.com", "desk@example.com", tmp_path / "missing.pem")
    assert (raised.value.failure.code, raised.value.failure.concern) == (
        "mail_settings_invalid", "TAGWERK_SMTP_CA_FILE",
    )  # fmt: skip
