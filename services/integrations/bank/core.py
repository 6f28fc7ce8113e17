"""What a bank statement says, as this service decides about it, and the checks of its balances. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from shared.errors import Failure
from shared.events import Record
from shared.words import Outcome

#: Entries of one transaction; a batch is larger only if more entries than this are equal.
BATCH: Final = 1_000
#: Of record keys of statements.
_STATEMENTS: Final = UUID("6f1b3f0e-6c0c-4c3e-9f53-0e7f5a1d5d1a")
#: Richer messages replace the details of poorer ones: notifications tell most, MT940 least.
_RANKS: Final = {"camt.054": 4, "camt.053": 3, "camt.052": 2}


@dataclass(frozen=True, slots=True)
class Balance:
    amount: Decimal
    currency: str
    day: date


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, report or notification, without its entries."""

    #: Of `camt` and `mt940`; references of one family are comparable.
    family: str
    message: str
    #: In one spelling: an IBAN wherever there is one.
    account: str
    currency: str
    id: str | None
    number: str | None
    page: str | None
    opening: Balance | None
    closing: Balance | None
    #: Of the booked entries.
    total: Decimal
    entries: int
    not_booked: int
    #: Entries that cannot be read, and entries in another currency: then the balances cannot be checked.
    unusable: int
    first_day: date | None
    last_day: date | None

    @property
    def identity(self) -> UUID:
        """The same for the same statement, however often and under whatever file name it comes."""
        parts = (
            self.family, self.message, self.account, self.currency, self.id, self.number, self.page,
            self.opening, self.closing, self.total, self.entries, self.first_day, self.last_day,
        )  # fmt: skip
        return uuid5(_STATEMENTS, repr(parts))

    @property
    def key(self) -> str:
        """The record key: `bank-statement:CH93…:2024-06-28:9f2c01ab`."""
        last = self.closing.day if self.closing else self.last_day
        return f"bank-statement:{self.account}:{last or 'undated'}:{self.identity.hex[:8]}"

    @property
    def label(self) -> str:
        number = self.number or self.id
        kind = {"camt.054": "Notification", "camt.052": "Report"}.get(self.message[:8], "Statement")
        return f"{kind}{f' {number}' if number else ''} of {self.account}"

    @property
    def rank(self) -> int:
        return _RANKS.get(self.message[:8], 1)


@dataclass(slots=True)
class Entry:
    """One booked entry. Not frozen: there are many, and each field would be set in three steps."""

    family: str
    rank: int
    #: Signed: negative is money that left the account.
    amount: Decimal
    #: The same, as `money` writes it.
    written: str
    currency: str
    booked: date
    #: Whether the bank names the booking date; else it is the value date.
    booked_known: bool
    valued: date | None
    reversal: bool
    bank_ref: str | None
    code: str | None
    text: str | None
    charges: str | None
    batch_id: str | None
    #: Transactions of which it consists, each a dictionary as the reader makes it.
    details: Sequence[Mapping[str, Any]]
    #: What tells it from others of the same amount and day: `bank`, `payment`, `reference`, `party`, `text`.
    evidence: Mapping[str, str]
    position: int = 0

    @property
    def only(self) -> Mapping[str, Any]:
        """The one transaction of which it consists; empty for none or several."""
        return self.details[0] if len(self.details) == 1 else {}


@dataclass(frozen=True, slots=True)
class WrongEntry:
    """An entry that cannot be used. The others of its statement can."""

    statement: Statement
    position: int
    line: int | None
    cause: str

    @property
    def key(self) -> str:
        return f"{self.statement.key}:entry:{self.position}"

    def record(self) -> Record:
        where = f" (line {self.line} of the file)" if self.line else ""
        failure = Failure(
            code="entry_invalid",
            cause=f"{self.cause}{where}",
            concern=self.key,
            next_step="Look at the entry in the file; ask the bank for a corrected statement, and import it.",
        )
        label = f"{self.statement.label}, entry {self.position}"
        return Record(key=self.key, outcome=Outcome.FAILED, label=label, failure=failure)


def statement_of(head: Mapping[str, Any], account: str) -> Statement:
    """A statement from what the reader tells of it; `account` in the spelling under which it is known."""
    return Statement(
        family=head["family"],
        message=head["message"],
        account=account,
        currency=head["currency"] or "",
        id=head["id"],
        number=head["number"],
        page=head["page"],
        opening=_balance_of(head["opening"]),
        closing=_balance_of(head["closing"]),
        total=Decimal(head["sum"]),
        entries=head["entries"],
        not_booked=head["not_booked"],
        unusable=head["wrong"] + head["foreign"],
        first_day=_day(head["first_day"]),
        last_day=_day(head["last_day"]),
    )


def _balance_of(told: Mapping[str, Any] | None) -> Balance | None:
    return None if told is None else Balance(Decimal(told["amount"]), told["currency"], _the_day(told["day"]))


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told else None


def _the_day(told: str) -> date:
    return date.fromisoformat(told)


def entries_of(told: Sequence[Mapping[str, Any]], statement: Statement) -> list[Entry | WrongEntry]:
    """Entries from what the reader tells of them."""
    rank = statement.rank
    return [_entry_of(one, statement, rank) for one in told]


def _entry_of(told: Mapping[str, Any], statement: Statement, rank: int) -> Entry | WrongEntry:
    position, line = told["position"], told.get("line")
    if problem := told.get("problem"):
        return WrongEntry(statement, position, line, problem)
    currency = told.get("currency", "")
    if currency != statement.currency:
        cause = f"the entry is in {currency or 'no currency'}, the statement in {statement.currency}"
        return WrongEntry(statement, position, line, cause)
    booked, valued = _day(told.get("booked")), _day(told.get("valued"))
    details = told.get("details", ())
    bank_ref = told.get("bank_ref")
    first = booked or valued
    assert first is not None, "the reader gives every entry a day"
    return Entry(
        family=statement.family,
        rank=rank,
        amount=Decimal(told["amount"]),
        written=_with_decimals(told["amount"]),
        currency=currency,
        booked=first,
        booked_known=booked is not None,
        valued=valued,
        reversal=told.get("reversal", False),
        bank_ref=bank_ref,
        code=told.get("code"),
        text=told.get("text"),
        charges=told.get("charges"),
        batch_id=told.get("batch_id"),
        details=details,
        evidence=evidence_of(statement.family, bank_ref, details),
        position=position,
    )


_SIGNS: Final = re.compile(r"[^0-9A-Z]")


def signs(text: str) -> str:
    """Letters and digits only, capital: how values are compared that banks set with blanks and dashes."""
    return _SIGNS.sub("", text.upper())


def evidence_of(family: str, bank_ref: str | None, details: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What tells an entry from others of the same amount and day."""
    found: dict[str, str] = {}
    if bank_ref:
        found["bank"] = bank_ref
    if len(details) == 1:
        only = details[0]
        if payment := only.get("payment_id"):
            found["payment"] = signs(payment)
        if references := only.get("references"):
            found["reference"] = references[0]
        if party := only.get("party_account"):
            found["party"] = party
        # The text of MT940 is the same in every copy; XML tells more in one message than in another.
        if family == "mt940" and (text := f"{only.get('text', '')}{only.get('customer_ref', '')}"):
            found["text"] = hashlib.sha256(signs(text).encode()).hexdigest()[:12]
    return found


def transaction_key(account: str, day: date, written: str, currency: str, nth: int) -> str:
    """The record key: `bank:CH93…:2024-06-28:-1234.50CHF:1`, the n-th equal one of its day. The amount as
    `money` writes it."""
    return f"bank:{account}:{day.isoformat()}:{written}{currency}:{nth}"


def money(amount: Decimal) -> str:
    """With two decimals at least: `1234.50`, `0.00123`."""
    return _with_decimals(f"{amount:f}")


def _with_decimals(text: str) -> str:
    whole, _, decimals = text.partition(".")
    return text if len(decimals) >= 2 else f"{whole}.{decimals:0<2}"


def same_account(written: str, known: str) -> bool:
    """Whether two numbers are of the same account, one of them perhaps an IBAN and the other not."""
    if written == known:
        return True
    iban, other = (written, known) if _looks_like_iban(written) else (known, written)
    if not _looks_like_iban(iban) or _looks_like_iban(other):
        return False
    bank, slash, number = other.rpartition("/")
    digits = signs(number).lstrip("0")
    bban = iban[4:]
    if slash and not bban.startswith(signs(bank)):
        return False
    return len(digits) >= 6 and bban.endswith(digits)


def _looks_like_iban(account: str) -> bool:
    return re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", account) is not None
