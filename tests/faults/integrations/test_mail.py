"""Mails become documents and are moved; one is no mail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Sweep
from tests.faults.integrations.conftest import CLIENTS
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.support.mail_server import MailServer, serving_mail

STORE = "commit integrations.mail.store.PostgresMails"
MAILS = [f"From: ada@example.org\r\nSubject: {number}\r\n\r\nSee above.\r\n".encode() for number in (1, 2)]


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """One that no other sweep has delivered to: clients have the same names there."""
    with serving_mail() as server:
        yield server


@pytest.fixture
def mailboxes(mail_server: MailServer, tmp_path: Path) -> dict[str, str]:
    clients = [f"client-{number}" for number in range(1, CLIENTS)]
    return {"MAILBOXES_FILE": str(mail_server.mailboxes(tmp_path / "mailboxes.toml", *clients))}


async def test_a_kill_anywhere_while_mails_are_imported_loses_none_and_doubles_none(
    sweep: Sweep, mailboxes: dict[str, str], mail_server: MailServer
) -> None:
    async def arrive(scene: Scene) -> None:
        mail_server.deliver(f"{scene.client}-inbox", *MAILS, b"no mail at all")

    async def bring_in(scene: Scene) -> None:
        await scene.request("integrations.import-mail")

    async def lies_where(scene: Scene) -> list[str]:
        return [
            f"{name} {mail!r}"
            for name in ("inbox", "imported", "refused")
            for mail in mail_server.holds(f"{scene.client}-{name}")
        ]

    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=arrive,
            cause=bring_in,
            expects=(
                "call mail-server: fetch mail",
                "put documents/<id>/original",
                "commit intake.Intake.accept of integrations.mail.door.IntakeDoor.take_in",
                f"{STORE}.remember",
                "call mail-server: move mail",
                f"{STORE}.moved",
                "publish event.document.uploaded",
                "publish run.recorded",
                "publish run.finished",
            ),
            look_outside=lies_where,
            # The server counts its folders itself.
            besides=("uid_validity",),
            sides_of=(f"{STORE}.remember", "call mail-server: move mail"),
            sample=3,
            settings=mailboxes,
        )
    )
