"""What the bank says of payments: its report of the file, and a statement. What it refuses is open again."""

import re
from datetime import UTC, datetime

from cli.demo.bank import statement, status_report
from tests.faults.conftest import Sweep
from tests.faults.integrations.invoices import order, payment, states
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario

STORE = "integrations.payments.status_store.PostgresPaymentStatuses"
REPORTED = datetime(2026, 3, 12, 12, tzinfo=UTC)
BOOKED = datetime(2026, 3, 13, 6, tzinfo=UTC)


async def three_ordered(scene: Scene) -> None:
    """The bank refuses the first, pays the second, and takes the third back."""
    file = await order(scene, "qrr", "scor", "plain")
    refused, paid, back = (payment(scene, kind) for kind in ("qrr", "scor", "plain"))
    report = status_report(file, {refused: "AC04"}, at=REPORTED)
    booked = statement(file, booked=[paid, back], returned={back: "AC06"}, at=BOOKED)
    await scene.files.put("inbox/payments/report.xml", without_ids(report))
    await scene.files.put("inbox/payments/statement.xml", without_ids(booked))


def without_ids(message: bytes) -> bytes:
    """The ids that the bank made from those of the payment file, the same in each repetition."""
    changed, count = re.subn(rb">([SC]?)[0-9a-f]{20}-", rb">\1-", message)
    assert count
    return changed


async def update(scene: Scene) -> None:
    await scene.request("integrations.update-payment-status")
    assert await states(scene) == {"qrr": "open", "scor": "paid", "plain": "open"}


async def test_a_kill_anywhere_while_the_bank_is_heard_changes_each_payment_once(
    sweep: Sweep, payment_settings: dict[str, str]
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=three_ordered,
            cause=update,
            expects=(
                f"commit {STORE}.apply",
                f"commit {STORE}.read_to_its_end",
                "publish event.payment.status_changed",
                "publish run.recorded",
                "publish run.finished",
            ),
            besides=("sha256", "staged"),
            sides_of=(f"commit {STORE}.apply",),
            sample=3,
            settings=payment_settings,
        )
    )
