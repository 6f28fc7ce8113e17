"""Exports to an SFTP server, which is a process of its own; and what goes wrong with one."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.local.ports import LOOPBACK, free_port
from services.integrations.erp.sftp import SftpHandover
from services.integrations.erp.sftp_folder import SftpFolder
from services.integrations.erp.store import BegunExport
from shared.clients.sftp import SftpAddress, SftpSystem
from shared.errors import NotDone, TagwerkError
from shared.events import Call, now
from shared.files import Files, open_store
from shared.intake import original_key
from shared.runner.context import Calls
from shared.words import CallOutcome, RunState
from tests.integration.integrations.conftest import Installation
from tests.support.bookings import approved_booking, read_stack, write_rules
from tests.support.sftp_server import PASSWORD, USER, SftpServer, serving_sftp

JOB = "integrations.erp-export"


class Stages:
    """Remembers the names that would be committed; nothing else of a store is asked here."""

    def __init__(self) -> None:
        self.staged: list[str] = []

    async def stage(self, export_id: UUID, name: str) -> str:
        self.staged.append(name)
        return name


@pytest.fixture(scope="module")
def sftp() -> Iterator[SftpServer]:
    with serving_sftp() as server:
        yield server


@pytest.fixture
def address(sftp: SftpServer) -> SftpAddress:
    return SftpAddress(LOOPBACK, sftp.port, USER, sftp.known_hosts, password=PASSWORD)


async def test_what_is_uploaded_is_moved_once_and_every_call_is_recorded(
    sftp: SftpServer, address: SftpAddress
) -> None:
    calls: list[Call] = []
    folder = uuid4().hex
    by_key = replace(address, password=None, key_file=sftp.client_key)
    async with SftpSystem("erp-sftp", Calls(calls.append), by_key) as system:
        await system.make_folder(f"{folder}/.staged/one")
        await system.upload(b"bookings", f"{folder}/.staged/one/stack.csv")
        assert await system.move(f"{folder}/.staged/one", f"{folder}/00001")
        assert not await system.move(f"{folder}/.staged/one", f"{folder}/00001")
        await system.remove(f"{folder}/.staged/one")
        assert await system.names(folder) == [".staged", "00001"]
    assert (sftp.home / folder / "00001" / "stack.csv").read_bytes() == b"bookings"
    assert {call.outcome for call in calls} == {CallOutcome.SUCCEEDED}
    assert [call.operation for call in calls][:3] == ["sign in", "make folder", "upload file"]


@pytest.mark.parametrize(
    ("wrong", "code", "not_done"),
    [
        ({"password": "wr0ng-password"}, "credentials_rejected", True),
        ({"port": 0}, "external_system_unavailable", True),
        ({"host": "nobody.invalid"}, "external_system_unavailable", True),
        ({"known_hosts": "empty"}, "sftp_host_untrusted", False),
        ({"known_hosts": "missing"}, "sftp_setup_invalid", False),
        ({"key_file": "empty", "password": None}, "sftp_setup_invalid", False),
    ],
)
async def test_a_server_that_is_not_signed_in_to_says_why(
    address: SftpAddress, tmp_path: Path, wrong: dict[str, Any], code: str, not_done: bool
) -> None:
    (tmp_path / "empty").write_text("")
    files = {name: tmp_path / value for name, value in wrong.items() if value in ("empty", "missing")}
    ports = {"port": free_port()} if "port" in wrong else {}
    calls: list[Call] = []
    system = SftpSystem("erp-sftp", Calls(calls.append), replace(address, **{**wrong, **files, **ports}))
    with pytest.raises(TagwerkError) as raised:
        await system.__aenter__()
    assert (raised.value.failure.code, isinstance(raised.value, NotDone)) == (code, not_done)
    (call,) = calls
    assert (call.outcome, call.failure) == (CallOutcome.FAILED, raised.value.failure)


async def test_a_name_that_is_taken_is_not_written_over(address: SftpAddress) -> None:
    folder = uuid4().hex
    async with SftpSystem("erp-sftp", Calls(lambda call: None), address) as system:
        for name in ("one", "two"):
            await system.make_folder(f"{folder}/{name}")
            await system.upload(name.encode(), f"{folder}/{name}/file")
        with pytest.raises(TagwerkError) as raised:
            await system.move(f"{folder}/one", f"{folder}/two")
    assert raised.value.failure.code == "sftp_refused"


async def test_an_export_that_was_moved_is_found_to_be_though_nobody_was_told(
    sftp: SftpServer, address: SftpAddress, tmp_path: Path
) -> None:
    folder = uuid4().hex
    target = SftpFolder(
        host=LOOPBACK, port=sftp.port, user=USER, folder=folder, known_hosts=sftp.known_hosts,
        key_file=sftp.client_key,
    )  # fmt: skip
    store = Stages()
    handover = SftpHandover(Files(open_store(f"file://{tmp_path}"), "acme"), target, Calls(lambda call: None))
    export = BegunExport(uuid4(), "00001", now(), b"bookings", [], None)
    # Another attempt has died before its name was committed.
    left = sftp.home / folder / ".staged" / f"{export.id}.left"
    left.mkdir(parents=True)
    await handover.hand_over(export, store)
    assert not left.exists()
    shutil.rmtree(sftp.home / folder / "00001")
    # This one has died before it could say that it was done, and whoever books took the export meanwhile.
    await handover.hand_over(replace(export, staged=store.staged[0]), store)
    assert len(store.staged) == 1
    assert [path.name for path in (sftp.home / folder).iterdir()] == [".staged"]
    # A folder that was replaced by another is no sign that it has happened.
    shutil.rmtree(sftp.home / folder)
    with pytest.raises(TagwerkError) as raised:
        await handover.hand_over(replace(export, staged=store.staged[0]), store)
    assert raised.value.failure.code == "sftp_refused"


async def test_exports_appear_on_the_server_whole_and_once(
    installation: Installation, sftp: SftpServer, tmp_path: Path
) -> None:
    client = f"c{uuid4().hex[:8]}"
    await installation.start(erp_file=write_rules(tmp_path / "erp.toml", tmp_path, client, sftp=sftp))
    event = approved_booking(client=client, invoice_number="R-1")
    files = Files(open_store(installation.settings().files_url), client)
    await files.put(original_key(event.document_id), b"%PDF-1.7\n")
    await installation.bus.publish(event.type, event.encode(), msg_id=str(event.id))
    await installation.handled()
    told = await installation.run(job=JOB, client=client)
    assert told.end.state is RunState.SUCCEEDED, told.end
    (export,) = (sftp.home / client).glob("[!.]*")
    stack, documents = sorted(export.iterdir(), key=lambda path: path.suffix)
    assert (stack.suffix, documents.suffix) == (".csv", ".zip")
    assert [line["Belegfeld 1"] for line in read_stack(stack.read_bytes())[1]] == ["R-1"]
    assert list((sftp.home / client / ".staged").iterdir()) == []
    # Taken by whoever books it: it does not come again.
    shutil.rmtree(export)
    assert not (await installation.run(job=JOB, client=client)).records
    assert list((sftp.home / client).glob("[!.]*")) == []
