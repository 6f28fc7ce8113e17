"""Payment files that a bank takes as soon as they appear, and what it says about them."""

import asyncio
import re
import shutil
from pathlib import Path

from tests.faults.conftest import Sweep
from tests.faults.integrations.invoices import EXECUTION, approve
from tests.support.faults.outcome import plain
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario

STORE = "integrations.payments.store.PostgresPaymentFiles"


async def three_approved(scene: Scene) -> None:
    """Invoices for both accounts, one that lacks its IBAN."""
    await approve(scene, "qrr")
    await approve(scene, "sepa")
    await approve(scene, "plain", iban=None)


async def create(scene: Scene, pickup: Path) -> None:
    scene.company(take(scene, pickup / scene.client))
    await scene.request("integrations.create-payment-file", execution_date=EXECUTION)


async def take(scene: Scene, folder: Path) -> None:
    """What the bank's software does: whatever appears in the folder is taken and paid."""
    taken = 0
    while True:
        for path in sorted(folder.glob("*.xml")):
            taken += 1
            # Temporary folders may lie on two file systems.
            shutil.move(path, scene.outside / f"{taken}-{path.name}")
        await asyncio.sleep(0.01)


async def paid(scene: Scene, pickup: Path) -> list[str]:
    await asyncio.sleep(0.05)
    left = [path.name for path in (pickup / scene.client).rglob("*") if path.is_file()]
    files = [path.read_text() for path in scene.outside.iterdir()]
    assert files, "the bank takes what appears"
    return [plain(name, scene.client) for name in left] + [
        f"paid {order}" for file in files for order in re.findall("<InstdAmt[^<]*", file)
    ]


async def test_a_kill_anywhere_while_payment_files_are_made_pays_nothing_twice(
    sweep: Sweep, payment_settings: dict[str, str], pickup: Path
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=three_approved,
            cause=lambda scene: create(scene, pickup),
            expects=(
                f"commit {STORE}.reserve",
                "put payments/<id>.xml",
                f"commit {STORE}.stage",
                "rename <id>.xml",
                f"commit {STORE}.complete",
                "publish event.payment.status_changed",
                "ack integrations-create-payment-file",
            ),
            look_outside=lambda scene: paid(scene, pickup),
            besides=("sha256", "staged"),
            sides_of=("rename <id>.xml",),
            sample=3,
            settings=payment_settings,
        )
    )
