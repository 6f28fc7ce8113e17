"""What a run would order, told without ordering it. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from services.integrations.payments.choice import Choice
from services.integrations.payments.files import by_bank
from services.integrations.payments.orders import Order
from shared.events import Record
from shared.words import Outcome


def foreseen(choice: Choice) -> list[Record]:
    """One record for each account and currency with its sum, one for each invoice that would be ordered, and
    those of the invoices that are left out."""
    files = by_bank(choice.orders)
    orders = [order for file in files for order in file]
    return [*_sums(files), *(_order(order) for order in orders), *choice.left_out]


def _sums(files: Sequence[Sequence[Order]]) -> list[Record]:
    by_account: dict[tuple[str, str], list[Order]] = defaultdict(list)
    for file in files:
        for order in file:
            by_account[order.account.iban, order.currency].append(order)
    return [
        Record(
            key=f"account:{iban}:{currency}",
            outcome=Outcome.CREATED,
            label=f"{orders[0].account.name}, {iban}",
            message=f"{_count(len(orders))} over {currency} "
            f"{sum((order.amount for order in orders), Decimal(0)):,.2f}",
        )
        for (iban, currency), orders in sorted(by_account.items())
    ]


def _count(orders: int) -> str:
    return "one order" if orders == 1 else f"{orders:,} orders"


def _order(order: Order) -> Record:
    return Record(
        key=order.key,
        outcome=Outcome.CREATED,
        label=order.label,
        message=f"{order.currency} {order.amount:,.2f} on {order.execution_date} from {order.account.iban}",
    )
