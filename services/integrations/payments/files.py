"""Which orders go into which file and block. Pure, and the same orders always make the same files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Final
from uuid import UUID

from services.integrations.payments import ids
from services.integrations.payments.accounts import Account
from services.integrations.payments.checks import Kind
from services.integrations.payments.orders import Order

#: Orders of one file; the next run orders what is left.
MOST_IN_A_FILE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Block:
    """The orders of one account, day and kind: a PmtInf."""

    id: str
    orders: tuple[Order, ...]

    @property
    def account(self) -> Account:
        return self.orders[0].account

    @property
    def execution_date(self) -> date:
        return self.orders[0].execution_date

    @property
    def kind(self) -> Kind:
        return self.orders[0].kind

    @property
    def total(self) -> Decimal:
        return sum((order.amount for order in self.orders), Decimal(0))


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """What one bank gets in one message."""

    id: UUID
    created_at: datetime
    blocks: tuple[Block, ...]

    @property
    def message_id(self) -> str:
        return ids.message_id(self.id)

    @property
    def orders(self) -> tuple[Order, ...]:
        return tuple(order for block in self.blocks for order in block.orders)

    @property
    def total(self) -> Decimal:
        """Sum over all currencies, as the control sum of a message is defined."""
        return sum((block.total for block in self.blocks), Decimal(0))


def by_bank(orders: Sequence[Order]) -> list[list[Order]]:
    """The orders of each bank, banks in the order of their names; each list fits into one file."""
    lists: list[list[Order]] = []
    for _, group in groupby(sorted(orders, key=_place), key=lambda order: order.account.bank):
        chosen: list[Order] = []
        blocks: set[tuple[str, str, date, Kind]] = set()
        for order in group:
            block = _block_of(order)
            full = block not in blocks and len(blocks) == ids.MOST_BLOCKS
            if full or len(chosen) == MOST_IN_A_FILE:
                break
            chosen.append(order)
            blocks.add(block)
        lists.append(chosen)
    return lists


def make_file(id: UUID, created_at: datetime, orders: Sequence[Order]) -> PaymentFile:
    """`orders` are of one bank."""
    groups = groupby(sorted(orders, key=_place), key=_block_of)
    blocks = tuple(
        Block(ids.block_id(id, number), tuple(group)) for number, (_, group) in enumerate(groups, 1)
    )
    return PaymentFile(id, created_at, blocks)


def _block_of(order: Order) -> tuple[str, str, date, Kind]:
    return order.account.iban, order.account.currency, order.execution_date, order.kind


def _place(order: Order) -> tuple[str, tuple[str, str, date, Kind], str, str]:
    return order.account.bank, _block_of(order), order.name, order.payment_id
