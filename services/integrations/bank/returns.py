"""Credits that take a payment back and came before it: another file brought them first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.integrations.bank.core import Entry, Statement, signs
from services.integrations.bank.matching import Payment
from shared.outbox import Transaction
from shared.runner.context import RunContext


@dataclass(frozen=True, slots=True)
class Return:
    """A stored credit that takes back a payment which nobody knew."""

    key: str
    amount: Decimal
    booked: date
    bank_ref: str | None
    payment_ids: frozenset[str]

    def takes_back(self, entry: Entry, payment: Payment) -> bool:
        """Whether it says that this payment came back: by the payment's id or the bank's reference, never by
        the amount alone."""
        by_id = payment.payment_id is not None and signs(payment.payment_id) in self.payment_ids
        by_reference = self.bank_ref is not None and self.bank_ref == entry.bank_ref
        return self.amount == payment.amount and entry.booked <= self.booked and (by_id or by_reference)


class Returns:
    def __init__(self, found: Iterable[Return]) -> None:
        self._left = list(found)

    def take(self, entry: Entry, payment: Payment) -> str | None:
        """The key of the credit that takes the payment back; each takes back one."""
        for one in self._left:
            if one.takes_back(entry, payment):
                self._left.remove(one)
                return one.key
        return None


async def returns_of(
    tx: Transaction,
    context: RunContext,
    statement: Statement,
    amounts: Collection[Decimal],
    besides: Collection[str],
) -> Returns:
    """Credits of these amounts that found nothing to take back when they came; none of `besides`."""
    if not amounts:
        return Returns(())
    rows = await tx.connection.fetch(
        "select key, amount, booked_on, bank_reference, array(select one->>'payment_id'"
        " from jsonb_array_elements(details) as one where one ? 'payment_id') as payment_ids"
        " from bank_transactions where client = $1 and account = $2 and currency = $3"
        " and amount = any($4::numeric[]) and match = 'none' and key <> all($5::text[])"
        " and (reversal or jsonb_path_exists(details, '$[*].return_reason')) order by booked_on, key",
        context.client,
        statement.account,
        statement.currency,
        list(amounts),
        list(besides),
    )
    return Returns(
        Return(
            row["key"],
            row["amount"],
            row["booked_on"],
            row["bank_reference"],
            frozenset(map(signs, row["payment_ids"])),
        )
        for row in rows
    )
