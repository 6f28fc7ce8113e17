"""What the lists of an ERP hold: suppliers, cost centers, open items. Reading an entry, and judging it. Pure.

`docs/erp-rest.md` describes them for whoever offers the interface.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from shared.errors import Failure, wrong_fields
from shared.events import Record
from shared.words import ErpList, Outcome


def _plain(amount: Decimal) -> Decimal:
    """Two decimal places, or as many as it needs."""
    amount += 0  # No minus before a zero.
    shortest = amount.normalize()
    exponent = shortest.as_tuple().exponent
    return shortest if isinstance(exponent, int) and exponent < -2 else amount.quantize(Decimal("0.01"))


_PLAIN: Final = r"^[^\x00-\x1f\x7f]+$"
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
Text = Annotated[str, Field(max_length=300, pattern=_PLAIN)]
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=6), AfterValidator(_plain)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    #: How the ERP knows it, for ever.
    id: Id
    #: Of this entry, to change it only as it was read.
    etag: Annotated[str, Field(max_length=200, pattern=r"^[\x21-\x7e]+$")] | None = None

    @property
    def label(self) -> str:
        raise NotImplementedError

    @property
    def values(self) -> dict[str, Any]:
        """Field -> value, as it is stored and compared."""
        return self.model_dump(mode="json", exclude={"id", "etag"}, exclude_none=True)


class Supplier(_Entry):
    name: Annotated[Text, Field(min_length=1)]
    vat_id: Text | None = None
    iban: Text | None = None
    #: Its account among the creditors.
    creditor: Text | None = None
    blocked: bool = False

    @property
    def label(self) -> str:
        return self.name


class CostCenter(_Entry):
    name: Annotated[Text, Field(min_length=1)]
    closed: bool = False

    @property
    def label(self) -> str:
        return f"{self.id}, {self.name}"


class OpenItem(_Entry):
    supplier_id: Id
    invoice_number: Text | None = None
    #: The document of the invoice, if it was booked by us.
    external_id: UUID | None = None
    invoice_date: date | None = None
    due_date: date | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    #: Of the invoice, gross.
    amount: Amount
    #: What is still to be paid.
    open_amount: Amount
    paid_on: date | None = None

    @property
    def label(self) -> str:
        return f"Invoice {self.invoice_number}" if self.invoice_number else f"Open item {self.id}"


_MODELS: Final[Mapping[ErpList, type[_Entry]]] = {
    ErpList.SUPPLIERS: Supplier,
    ErpList.COST_CENTERS: CostCenter,
    ErpList.OPEN_ITEMS: OpenItem,
}
#: How records of a list's entries begin.
_KEYS: Final[Mapping[ErpList, str]] = {
    ErpList.SUPPLIERS: "erp-supplier",
    ErpList.COST_CENTERS: "erp-cost-center",
    ErpList.OPEN_ITEMS: "erp-open-item",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list, as the ERP tells it."""

    list: ErpList
    id: str
    label: str
    values: dict[str, Any]
    etag: str | None

    @property
    def key(self) -> str:
        return entry_key(self.list, self.id)


@dataclass(frozen=True, slots=True)
class WrongEntry:
    """An entry that cannot be read. The others of its page can."""

    list: ErpList
    #: None: not even that could be read.
    id: str | None
    #: Where it stands: `page 2, entry 7`.
    place: str
    cause: str

    @property
    def key(self) -> str:
        return entry_key(self.list, self.id) if self.id else f"erp-list:{self.list}/{self.place}"

    def record(self) -> Record:
        failure = Failure(
            code="erp_entry_invalid",
            cause=self.cause,
            concern=self.key,
            next_step="Correct the entry in the ERP, or have its interface corrected (docs/erp-rest.md); "
            "then start the job again. What was stored of it stays.",
        )
        return Record(key=self.key, outcome=Outcome.FAILED, label=self.id or self.place, failure=failure)


def entry_key(of: ErpList, id: str) -> str:
    """`erp-supplier:70001`."""
    return f"{_KEYS[of]}:{id}"


def read_entry(of: ErpList, given: Any, place: str) -> Entry | WrongEntry:
    """One element of `items`; `place` says where it stands."""
    try:
        entry = _MODELS[of].model_validate(given)
    except ValidationError as error:
        return WrongEntry(of, _id_of(given), place, wrong_fields(error)[:500])
    return Entry(of, entry.id, entry.label, entry.values, entry.etag)


class _Named(BaseModel):
    id: Id


def _id_of(given: Any) -> str | None:
    try:
        return _Named.model_validate(given).id.strip() or None
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class State:
    """What is stored of an entry."""

    values: Mapping[str, Any]
    #: Whether it is gone from the ERP; what was last known stays.
    gone: bool = False


@dataclass(frozen=True, slots=True)
class StoredEntry:
    now: State
    #: As it was before run `run_id` touched it; None if that run created it.
    before: State | None
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run does with one entry."""

    state: State
    #: For the row: what was there before this run.
    before: State | None
    outcome: Outcome
    changes: dict[str, tuple[Any, Any]] | None


def judge(state: State, stored: StoredEntry | None, run_id: UUID) -> Judged:
    """What becomes of an entry that is now as `state` says. The outcome is relative to the run, not to the
    attempt: what an earlier attempt of this run created is not `unchanged` in this one."""
    before = None
    if stored is not None:
        before = stored.before if stored.run_id == run_id else stored.now
    if before is None:
        return Judged(state, None, Outcome.CREATED, None)
    changes = changes_between(before.values, state.values)
    if before.gone != state.gone:
        changes["gone"] = (before.gone, state.gone)
    if not changes:
        return Judged(state, before, Outcome.UNCHANGED, None)
    deleted = state.gone and not before.gone
    return Judged(state, before, Outcome.DELETED if deleted else Outcome.UPDATED, changes)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Field -> before and after, of those that differ."""
    return {
        name: (before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    }


def is_settled(values: Mapping[str, Any]) -> bool:
    """Whether an open item is paid: it may leave its list without a word."""
    return "open_amount" in values and Decimal(values["open_amount"]) == 0


#: So few may be gone at once, whatever the limit says.
GONE_ANYHOW: Final = 5


def too_many_gone(gone: int, known: int, limit: int) -> bool:
    """Whether so many entries are missing that rather the answer is wrong; `limit` in percent."""
    return gone > GONE_ANYHOW and gone * 100 > known * limit
