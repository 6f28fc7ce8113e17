"""Statements of the bank: new ones that pay invoices, and the same again with what came back."""

from decimal import Decimal

from tests.faults.conftest import Sweep
from tests.faults.integrations.invoices import approve, order, payment, states
from tests.support.bank_files import Booking, camt053, mt940, part_of, without
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.support.payments import SCOR

JOB = "integrations.import-bank-statements"
STORE = "commit integrations.bank.importing.PostgresImport.store"
COMPLETE = "commit integrations.bank.importing.PostgresImport.complete"
REMEMBER = "commit integrations.bank.store.PostgresBank.remember_file"


def ledger(scene: Scene) -> list[Booking]:
    """What the bank booked: an order of ours, an invoice that somebody paid without one, and others."""
    return [
        Booking(Decimal("-120.50"), bank_ref="B1", payment_id=payment(scene, "qrr")),
        Booking(Decimal("-120.50"), bank_ref="B2", reference=SCOR),
        Booking(Decimal("-9.90"), bank_ref="B3", text="Fees"),
        Booking(Decimal("500.00"), bank_ref="B4", party="Somebody AG"),
    ]


def returned(scene: Scene) -> Booking:
    """The order of ours came back."""
    return Booking(Decimal("120.50"), bank_ref="B5", payment_id=payment(scene, "qrr"), reversal=True)


async def one_ordered(scene: Scene) -> None:
    await order(scene, "qrr")
    await approve(scene, "scor")


async def import_new(scene: Scene) -> None:
    await scene.files.put("inbox/bank/march.xml", camt053(part_of(ledger(scene))))
    await scene.request(JOB)
    assert await states(scene) == {"qrr": "paid", "scor": "paid"}


async def imported(scene: Scene) -> None:
    await one_ordered(scene)
    await scene.rest()
    await import_new(scene)


async def import_again(scene: Scene) -> None:
    """The same in the other format, which tells less, then a statement that overlaps it."""
    told = [without(one, "payment_id") for one in ledger(scene)]
    await scene.files.put("inbox/bank/march.sta", mt940(part_of(told)))
    await scene.files.put("inbox/bank/more.xml", camt053(part_of([*ledger(scene), returned(scene)])))
    await scene.request(JOB)
    assert await states(scene) == {"qrr": "open", "scor": "paid"}


async def test_a_kill_anywhere_in_an_import_pays_each_invoice_once(
    sweep: Sweep, payment_settings: dict[str, str]
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=one_ordered,
            cause=import_new,
            expects=(
                "commit integrations.bank.store.PostgresBank.account_named",
                STORE,
                COMPLETE,
                REMEMBER,
                "publish event.invoice.paid",
                "publish event.payment.status_changed",
                "publish run.recorded",
                "publish run.finished",
                "ack integrations-import-bank-statements-interactive",
            ),
            besides=("sha256", "staged"),
            sides_of=(STORE,),
            sample=3,
            settings=payment_settings,
        )
    )


async def test_a_kill_anywhere_in_an_import_of_the_same_again_changes_nothing_twice(
    sweep: Sweep, payment_settings: dict[str, str]
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=imported,
            cause=import_again,
            expects=(STORE, COMPLETE, REMEMBER, "publish event.payment.status_changed"),
            besides=("sha256", "staged"),
            sample=2,
            settings=payment_settings,
        )
    )
