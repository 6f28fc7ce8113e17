"""Telling the ERP that an open item is paid: only as it was read, and whoever looks later knows it."""

from collections.abc import Sequence

from services.integrations.erp.rest.api import ErpApi
from services.integrations.erp.rest.entries import is_settled
from services.integrations.erp.rest.payment_store import PaymentComparison, Settlement
from shared.clients.http import RequestRefused
from shared.events import Record


async def settle(api: ErpApi, payments: PaymentComparison, settlement: Settlement) -> Sequence[Record]:
    """The record of what became of it. Done by an attempt that broke off, it is as good as done now."""
    try:
        item = await api.settle(settlement.item_id, settlement.etag, settlement.paid_on)
        if item is None:
            item = await api.open_item(settlement.item_id)
            if not is_settled(item.values):
                return [
                    await payments.not_settled(
                        settlement,
                        "erp_changed_meanwhile",
                        f"open item {item.id} was changed in the ERP while it was compared",
                        "Nothing: the next run compares it again.",
                    )
                ]
    except RequestRefused as error:
        return [
            await payments.not_settled(
                settlement,
                "erp_settlement_refused",
                f"the ERP does not mark open item {settlement.item_id} as paid: it answered {error.status} "
                f"{error.reason}",
                "Look at the item in the ERP, and mark it as paid there; the next run finds that both agree.",
            )
        ]
    return await payments.settled(settlement, item)
