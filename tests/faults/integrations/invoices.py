"""Approved invoices of a repetition, and how far their payment is."""

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from shared import subjects
from shared.commands import PayablesPage, PayablesQuery
from tests.support.faults.scene import Scene
from tests.support.payments import approved

#: A Monday.
EXECUTION = "2099-03-02"


def document(scene: Scene, kind: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{scene.client}/{kind}")


def payment(scene: Scene, kind: str) -> str:
    """The end-to-end id of the first order of an invoice."""
    return f"{document(scene, kind).hex}-01"


async def approve(scene: Scene, kind: str, **values: Any) -> None:
    """An invoice of a supplier of its own: payment files are in the order of names."""
    values = {"issuer_name": f"Supplier {kind}", **values}
    event = approved(kind, client=scene.client, document_id=document(scene, kind), **values)
    await scene.publish(event)


async def order(scene: Scene, *kinds: str) -> bytes:
    """Approve invoices, and make the payment file that orders them."""
    for kind in kinds:
        await approve(scene, kind)
    await scene.rest()
    await scene.request("integrations.create-payment-file", execution_date=EXECUTION)
    await scene.rest()
    (file,) = await scene.files.list("payments")
    return await scene.files.get(f"payments/{file.name}")


async def states(scene: Scene) -> dict[str, str]:
    """State by kind of invoice, as the service tells it once everything has come to rest."""
    await scene.rest()
    query = PayablesQuery(client=scene.client)
    page = await scene.ask(subjects.query("integrations", "payables"), query, PayablesPage)
    kinds = {document(scene, kind): kind for kind in ("qrr", "scor", "plain", "sepa")}
    return {kinds[row.document_id]: row.state.value for row in page.items}
