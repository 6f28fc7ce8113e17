"""What a file says, before anything is decided about it: one statement, one entry. No I/O, no pydantic."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


class Unreadable(Exception):
    """The file, or the rest of it, cannot be read: a stable code and the cause."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(cause)
        self.code = code


@dataclass(slots=True)
class RawStatement:
    """One statement, report or notification."""

    #: `camt` or `mt940`: references of one family are comparable.
    family: str
    #: `camt.053.001.08`, `mt940`.
    message: str
    account: str = ""
    #: ISO 4217, of the account.
    currency: str | None = None
    owner: str | None = None
    id: str | None = None
    number: str | None = None
    page: str | None = None
    created: str | None = None
    #: Booked balances `{amount, currency, day}`, or None.
    opening: dict[str, Any] | None = None
    closing: dict[str, Any] | None = None
    #: Entries seen, and those among them that are pending or for information.
    count: int = 0
    not_booked: int = 0
    #: Why the statement as a whole cannot be used: its balances are wrong.
    problem: str | None = None

    def set_balances(self, balances: list[dict[str, Any]]) -> None:
        """Take the booked opening and closing balance, of the account's currency where there are more."""
        booked = [one for one in balances if one["day"] is not None]
        currency = self.currency or next((one["currency"] for one in booked), None)
        self.currency = currency
        mine = [one for one in booked if one["currency"] == currency]
        # PRCD is the closing balance of the statement before; an interim one begins or ends a page.
        self.opening = _first(mine, ("OPBD", "PRCD"))
        # One in another currency is told, and keeps the two from being compared.
        self.closing = _first(mine, ("CLBD",)) or _first(booked, ("CLBD",))
        interim = [one for one in mine if one["kind"] == "ITBD"]
        if self.opening is None and len(interim) == 2:
            self.opening, self.closing = interim
        elif self.closing is None and self.opening is not None and len(interim) == 1:
            self.closing = interim[0]


def _first(balances: list[dict[str, Any]], kinds: tuple[str, ...]) -> dict[str, Any] | None:
    for kind in kinds:
        found = next((one for one in balances if one["kind"] == kind), None)
        if found is not None:
            return {name: found[name] for name in ("amount", "currency", "day")}
    return None


@dataclass(slots=True)
class RawEntry:
    """One booked entry. Without `problem`, amount, currency and one of the dates are there."""

    #: Its place in the statement, from 1.
    position: int
    #: In the file.
    line: int | None = None
    #: Signed: negative is money that left the account.
    amount: Decimal = Decimal(0)
    #: The same, as `plain` writes it.
    written: str = "0"
    currency: str = ""
    #: ISO dates.
    booked: str | None = None
    valued: str | None = None
    reversal: bool = False
    #: The bank's own reference of the entry.
    bank_ref: str | None = None
    code: str | None = None
    text: str | None = None
    charges: str | None = None
    #: The payment file's batch of which it books the total.
    batch_id: str | None = None
    #: Transactions of which it consists, as far as the file tells: `payment_id`, `references`, `party`, ...
    details: list[dict[str, Any]] = field(default_factory=list)
    #: Why it cannot be used.
    problem: str | None = None
