"""Exports that somebody takes and books as soon as they appear."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from shared.intake import original_key
from tests.faults.conftest import Sweep
from tests.faults.integrations.conftest import CLIENTS
from tests.support.bookings import approved_booking, read_stack, write_rules
from tests.support.faults.outcome import plain
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.support.sftp_server import SftpServer, serving_sftp

STORE = "integrations.erp.store.PostgresErpExports"


@pytest.fixture
def datev(tmp_path: Path) -> Path:
    return tmp_path / "datev"


@pytest.fixture
def erp_settings(tmp_path: Path, datev: Path) -> dict[str, str]:
    clients = [f"client-{number}" for number in range(1, CLIENTS)]
    return {"ERP_FILE": str(write_rules(tmp_path / "erp.toml", datev, *clients))}


async def three_approved(scene: Scene) -> None:
    """Invoices of two years, and one in francs."""
    for number, values in enumerate(({}, {"invoice_date": "2025-12-30"}, {"currency": "CHF"})):
        document = uuid5(NAMESPACE_URL, f"{scene.client}/{number}")
        await scene.files.put(original_key(document), b"An invoice\n")
        event = approved_booking(
            client=scene.client, document_id=document, invoice_number=f"R-{number}", **values
        )
        await scene.publish(event)


@pytest.fixture
def sftp() -> Iterator[SftpServer]:
    with serving_sftp() as server:
        yield server


@pytest.fixture
def sftp_settings(tmp_path: Path, sftp: SftpServer) -> dict[str, str]:
    clients = [f"client-{number}" for number in range(1, CLIENTS)]
    return {"ERP_FILE": str(write_rules(tmp_path / "erp.toml", tmp_path, *clients, sftp=sftp))}


async def export(scene: Scene, datev: Path) -> None:
    scene.company(take(scene, datev / scene.client))
    await scene.request("integrations.erp-export")


async def take(scene: Scene, folder: Path) -> None:
    """What the tax adviser does: whatever appears in the folder is taken and booked."""
    taken = 0
    while True:
        for path in sorted(folder.glob("[!.]*")):
            taken += 1
            # Temporary folders may lie on two file systems.
            shutil.move(path, scene.outside / f"{taken}-{path.name}")
        await asyncio.sleep(0.01)


async def booked(scene: Scene, datev: Path) -> list[str]:
    async with asyncio.timeout(10):
        while list((datev / scene.client).glob("[!.]*")):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
    staged = [plain(path.name, scene.client) for path in (datev / scene.client).glob(".staged/*")]
    lines = [
        f"booked {line['Belegfeld 1']}"
        for taken in scene.outside.iterdir()
        for line in read_stack(next(taken.glob("*.csv")).read_bytes())[1]
    ]
    assert {line.partition(" ")[0] for line in lines} == {"booked"}, "somebody takes what appears"
    return staged + lines + [f"{path.suffix}" for path in scene.outside.rglob("*.zip")]


async def test_a_kill_anywhere_while_invoices_are_exported_books_none_twice(
    sweep: Sweep, erp_settings: dict[str, str], datev: Path
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=three_approved,
            cause=lambda scene: export(scene, datev),
            expects=(
                f"commit {STORE}.reserve",
                f"commit {STORE}.stage",
                "rename <n>",
                f"commit {STORE}.complete",
                "publish run.recorded",
                "publish run.finished",
                "ack integrations-erp-export",
            ),
            look_outside=lambda scene: booked(scene, datev),
            # Stacks tell when they were made.
            besides=("sha256", "staged"),
            sides_of=(f"commit {STORE}.stage", "rename <n>"),
            sample=3,
            settings=erp_settings,
        )
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_kill_anywhere_while_exports_go_to_a_server_books_none_twice(
    sweep: Sweep, sftp_settings: dict[str, str], sftp: SftpServer
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=three_approved,
            cause=lambda scene: export(scene, sftp.home),
            expects=(
                "call erp-sftp: upload file",
                f"commit {STORE}.stage",
                "call erp-sftp: move",
                f"commit {STORE}.complete",
            ),
            look_outside=lambda scene: booked(scene, sftp.home),
            besides=("sha256", "staged"),
            sides_of=("call erp-sftp: move",),
            sample=2,
            settings=sftp_settings,
        )
    )
