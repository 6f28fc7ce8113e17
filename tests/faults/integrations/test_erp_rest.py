"""An ERP that is read, in which is booked, and with which payments are kept in agreement."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from shared.intake import original_key
from tests.faults.conftest import Sweep
from tests.faults.integrations.conftest import CLIENTS
from tests.support.bookings import approved_booking
from tests.support.erp_server import ErpServer, serving_erp
from tests.support.faults.outcome import plain
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario

NAMESPACE = UUID(int=17)
REST = "integrations.erp.rest"
SUPPLIERS = [{"id": f"7000{number}", "name": f"Supplier {number}"} for number in range(3)]


@pytest.fixture
def server() -> Iterator[ErpServer]:
    with serving_erp() as server:
        yield server


@pytest.fixture
def erp_settings(tmp_path: Path, server: ErpServer) -> dict[str, str]:
    clients = [f"client-{number}" for number in range(1, CLIENTS)]
    return {"ERP_FILE": str(server.rules(tmp_path / "erp.toml", *clients))}


def document_of(scene: Scene, number: int) -> UUID:
    return uuid5(NAMESPACE, f"{scene.client}/{number}")


def item(scene: Scene, number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"OP-{number}", "supplier_id": "70001", "currency": "EUR", "amount": "119.00",
        "open_amount": "119.00", "external_id": str(document_of(scene, number)), **values,
    }  # fmt: skip


async def approve_and_fill(scene: Scene, server: ErpServer) -> None:
    """Two invoices to book; one that is paid here, one that is paid in the ERP."""
    for number in (1, 2):
        document = document_of(scene, number)
        await scene.files.put(original_key(document), b"An invoice\n")
        await scene.publish(
            approved_booking(
                client=scene.client, document_id=document, invoice_number=f"R-{number}",
                invoice_date=f"2026-03-0{number}",
            )
        )  # fmt: skip
    await scene.rest()
    await asyncio.to_thread(server.fill, scene.client, suppliers=SUPPLIERS, open_items=[item(scene, 1)])


async def read_book_and_compare(scene: Scene, server: ErpServer) -> None:
    await scene.request("integrations.erp-import")
    await scene.rest()
    await scene.request("integrations.erp-export")
    await scene.rest()
    await scene.lane.db.execute(
        "update integrations.payables set state = 'paid' where document_id = $1", document_of(scene, 1)
    )
    paid = item(scene, 2, open_amount="0.00", paid_on="2026-03-20")
    await asyncio.to_thread(
        server.fill, scene.client, suppliers=SUPPLIERS[:2], open_items=[item(scene, 1), paid]
    )
    await scene.request("integrations.nightly-synchronization")


async def in_the_erp(scene: Scene, server: ErpServer) -> list[str]:
    books = await asyncio.to_thread(server.books, scene.client)
    return [
        *sorted(
            f"booked {booking['invoice_number']} as {booking['number']}" for booking in books["bookings"]
        ),
        *(plain(json.dumps(one), scene.client) for one in books["open-items"]),
    ]


async def book(scene: Scene) -> None:
    await scene.request("integrations.erp-export")


@pytest.mark.parametrize("whole", [False], ids=["sample"])
async def test_a_kill_around_a_booking_books_nothing_twice(
    sweep: Sweep, erp_settings: dict[str, str], server: ErpServer
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=lambda scene: approve_and_fill(scene, server),
            cause=book,
            expects=("call erp: book",),
            look_outside=lambda scene: in_the_erp(scene, server),
            sides_of=("call erp: book",),
            sample=2,
            settings=erp_settings,
        )
    )


# Three runs one after the other: too long for each time.
@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("whole", [True], ids=["whole"])
async def test_a_kill_anywhere_while_an_erp_is_read_told_and_compared_does_nothing_twice(
    sweep: Sweep, erp_settings: dict[str, str], server: ErpServer
) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            prepare=lambda scene: approve_and_fill(scene, server),
            cause=lambda scene: read_book_and_compare(scene, server),
            expects=(
                "call erp: read suppliers",
                f"commit {REST}.entry_store.PostgresEntries.store_page",
                f"commit {REST}.entry_store.PostgresEntries.finish",
                f"commit {REST}.booking_store.PostgresErpBookings.reserve",
                "call erp: store document",
                "call erp: book",
                f"commit {REST}.booking_store.PostgresErpBookings.complete",
                "call erp: settle open item",
                f"commit {REST}.payment_store.PostgresPaymentComparison.compare",
                f"commit {REST}.payment_store.PostgresPaymentComparison.settled",
                "publish event.invoice.paid",
            ),
            look_outside=lambda scene: in_the_erp(scene, server),
            besides=("etag",),
            settings=erp_settings,
        )
    )
