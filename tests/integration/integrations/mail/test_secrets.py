"""Credentials are told to nobody: whatever the clients do with them, no event, row, log or error has them.

Each client is run with credentials that are known, right ones and wrong ones, while everything that may be
kept is collected. Then the collection is searched, for what it has to have, too.
"""

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import pytest
import structlog

from deploy.local.ports import LOOPBACK, free_port
from shared.clients.http import HttpSystem
from shared.clients.imap import ImapAddress, ImapSystem
from shared.clients.sftp import SftpAddress, SftpSystem
from shared.clients.smtp import MailServer as SmtpServer
from shared.clients.smtp import SmtpSystem
from shared.errors import TagwerkError, failure_of
from shared.runner.context import Calls
from tests.integration.integrations.conftest import Installation
from tests.support import mail_server as mailboxes
from tests.support import sftp_server
from tests.support.bookings import write_rules
from tests.support.mail_catcher import catching
from tests.support.mail_server import MailServer
from tests.support.sftp_server import SftpServer, serving_sftp

#: Wrong ones: with characters that an address has to quote, so that both spellings are looked for.
WRONG: Final = "wr0ng/s3cret"
TOKEN: Final = "t0ken-of-the-source"
SECRETS: Final = (
    WRONG, quote(WRONG, safe=""), TOKEN, mailboxes.PASSWORD, sftp_server.PASSWORD, "s3cret-of-smtp",
)  # fmt: skip

Told = list[str]


def leaks(told: Told) -> list[str]:
    return [text for text in told if any(secret in text for secret in SECRETS)]


@pytest.fixture(scope="module")
def sftp() -> Iterator[SftpServer]:
    with serving_sftp() as server:
        yield server


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    """Everything that the clients and the libraries below them say, at the most talkative level."""
    found: Told = []
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as ours:
        yield found
    assert not leaks([str(line) for line in ours])


async def attempt(told: Told, work: Callable[[Calls], Awaitable[object]]) -> None:
    """Do it, and keep what a run would keep of it: calls, the failure, the traceback in the log."""
    try:
        await work(Calls(lambda call: told.append(call.model_dump_json())))
    except TagwerkError as error:
        told += [repr(error), failure_of(error).model_dump_json(), "".join(traceback.format_exception(error))]


@pytest.mark.parametrize("password", [mailboxes.PASSWORD, WRONG])
async def test_a_mailbox(told: Told, caplog: Any, mail_server: MailServer, password: str) -> None:
    for port in (mail_server.port, free_port()):
        address = ImapAddress(LOOPBACK, port, mailboxes.USER, password, security="none")

        async def look(calls: Calls, address: ImapAddress = address) -> None:
            async with ImapSystem("mail-server", calls, address) as system:
                await system.look("nowhere")

        told.append(repr(address))
        await attempt(told, look)
    assert "sign in" in told[1]
    assert not leaks([*told, caplog.text])


@pytest.mark.parametrize("password", ["s3cret-of-smtp", WRONG])
async def test_a_mail_server(told: Told, caplog: Any, password: str) -> None:
    message = EmailMessage()
    message["Message-ID"] = "<1@example.com>"
    with catching("desk", "s3cret-of-smtp") as catcher:
        for port in (catcher.port, free_port()):
            url = f"smtp://desk:{quote(password, safe='')}@{LOOPBACK}:{port}"
            server = SmtpServer.of(url, "desk@example.com")

            async def send(calls: Calls, server: SmtpServer = server) -> None:
                async with SmtpSystem(server, calls) as system:
                    await system.send(message, "ada@example.com")

            told.append(repr(server))
            await attempt(told, send)
    assert "send mail" in told[1]
    assert not leaks([*told, caplog.text])


@pytest.mark.parametrize("password", [sftp_server.PASSWORD, WRONG])
async def test_an_sftp_server(told: Told, caplog: Any, sftp: SftpServer, password: str) -> None:
    for port in (sftp.port, free_port()):
        address = SftpAddress(LOOPBACK, port, sftp_server.USER, sftp.known_hosts, password=password)

        async def look(calls: Calls, address: SftpAddress = address) -> None:
            async with SftpSystem("erp-sftp", calls, address) as system:
                await system.names("nowhere")

        told.append(repr(address))
        await attempt(told, look)
    assert "sign in" in told[1]
    assert not leaks([*told, caplog.text])


@pytest.mark.parametrize("path", ["/ecb", "/401", "/404", "/500", "/moved", "away", "not-http"])
async def test_a_source_over_http(told: Told, caplog: Any, feed_url: str, path: str) -> None:
    host = {"away": f"{LOOPBACK}:{free_port()}", "not-http": "host:port"}.get(
        path, feed_url.partition("//")[2]
    )
    url = f"http://desk:{quote(WRONG, safe='')}@{host}{path if path[0] == '/' else '/'}?token={TOKEN}"

    async def fetch(calls: Calls) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with HttpSystem("ecb", calls, headers=headers, retries=0) as system:
            await system.fetch("fetch rates", url, at_most=1_000_000, within=5.0)

    await attempt(told, fetch)
    assert "fetch rates" in told[0]
    # What httpx says at `info` is not kept: other libraries' lines count from warnings on.
    kept = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert not leaks([*told, *kept])


@pytest.fixture
async def wrong_installation(
    installation: Installation, mail_server: MailServer, sftp: SftpServer, tmp_path: Path
) -> tuple[Installation, str]:
    """The service with credentials that are refused everywhere."""
    client = f"c{uuid4().hex[:8]}"
    (tmp_path / "wrong.password").write_text(WRONG)
    rules = write_rules(tmp_path / "erp.toml", tmp_path, client, sftp=sftp)
    rules.write_text(rules.read_text().replace(str(sftp.password_file), str(tmp_path / "wrong.password")))
    await installation.start(
        mailboxes_file=mail_server.mailboxes(tmp_path / "m.toml", client, password_file="wrong.password"),
        erp_file=rules,
        ecb_daily_url=installation.path("/401").replace("//", f"//desk:{quote(WRONG, safe='')}@")
        + f"?token={TOKEN}",
    )
    return installation, client


async def test_no_stream_and_no_table_has_them_after_runs_that_failed(
    wrong_installation: tuple[Installation, str],
) -> None:
    installation, client = wrong_installation
    for job, parameters in (
        ("integrations.import-mail", {}), ("integrations.import-daily-rates", {"source": "ecb"}),
    ):  # fmt: skip
        ended = await installation.run(job=job, client=client, **parameters)
        assert ended.end.failure is not None
        assert ended.end.failure.code == "credentials_rejected"
    kept = await installation.everything_kept()
    # What has to be there is: so the search sees what it searches.
    assert sum("credentials_rejected" in text for text in kept) >= 2
    assert leaks([json.dumps(WRONG), *kept]) == [json.dumps(WRONG)]
