"""The rules file (`TAGWERK_APPROVAL_RULES`), TOML; see docs/operations.md. Read once, when the service
starts: a wrong one stops it, with the rule, the cause and what to do."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.documents.approvals.rules import DEFAULT_RULES, AmountLimits, Rule
from shared.errors import TagwerkError
from shared.identifiers import is_iban
from shared.rule_tables import RulesFile


def _as_written(value: Any) -> Any:
    """Amounts as strings or whole numbers: a float is not what was written."""
    if isinstance(value, float):
        raise ValueError('write amounts in quotes: "5000.00"')
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _compact(value: str) -> str:
    return re.sub(r"[\s.-]", "", value).upper()


def _account(value: str) -> str:
    if not is_iban(compact := _compact(value)):
        raise ValueError(f"{value} fails the check digits of an IBAN")
    return compact


Amount = Annotated[Decimal, BeforeValidator(_as_written), Field(ge=0)]
Words = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_one_or_more)]
VatIds = Annotated[
    list[Annotated[str, BeforeValidator(lambda value: _compact(str(value)))]], BeforeValidator(_one_or_more)
]
Accounts = Annotated[
    list[Annotated[str, BeforeValidator(lambda value: _account(str(value)))]], BeforeValidator(_one_or_more)
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Amount(_Strict):
    currency: str = Field(pattern="^[A-Z]{3}$")
    at_least: Amount | None = Field(default=None, alias="from")
    below: Amount | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> "_Amount":
        if self.at_least is None and self.below is None:
            raise ValueError("give `from`, `below`, or both")
        if self.at_least is not None and self.below is not None and self.at_least >= self.below:
            raise ValueError("`from` must be less than `below`")
        return self


class _Rule(_Strict):
    name: str = Field(min_length=1, max_length=100)
    role: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    approvals: int = Field(default=1, ge=1, le=10)
    clients: Words = []
    supplier_names: Words = []
    supplier_vat_ids: VatIds = []
    supplier_ibans: Accounts = []
    cost_centers: Words = []
    amount: _Amount | None = None
    days_before_due: int = Field(default=3, ge=0, le=90)
    days_without_due: int = Field(default=5, ge=0, le=90)
    cost_center: str | None = None

    def rule(self) -> Rule:
        limits = self.amount
        return Rule(
            name=self.name,
            role=self.role,
            approvals=self.approvals,
            clients=frozenset(self.clients),
            supplier_names=tuple(self.supplier_names),
            supplier_vat_ids=frozenset(self.supplier_vat_ids),
            supplier_ibans=frozenset(self.supplier_ibans),
            cost_centers=frozenset(self.cost_centers),
            amount=AmountLimits(limits.currency, limits.at_least, limits.below) if limits else None,
            days_before_due=self.days_before_due,
            days_without_due=self.days_without_due,
            cost_center=self.cost_center,
        )


def read_rules(path: Path | None) -> tuple[Rule, ...]:
    """The rules of the file, or the built-in ones without a file. Raises `approval_rules_invalid`."""
    if path is None:
        return DEFAULT_RULES

    def wrong(cause: str) -> TagwerkError:
        return _wrong(path, cause)

    file = RulesFile.read(path, ("rule",), wrong, written="rules are [[rule]]")
    if not file.content.get("rule"):
        raise wrong("it has no [[rule]]")
    tables = list(file.rules("rule", _Rule))
    rules: list[Rule] = []
    for index, (where, table) in enumerate(tables):
        rule = table.rule()
        if any(other.name == rule.name for other in rules):
            raise wrong(f"{where}: the name is used twice")
        if rule.fits_all and index + 1 < len(tables):
            raise wrong(f"{where}: it fits every invoice, so no rule behind it is ever asked")
        rules.append(rule)
    if not rules[-1].fits_all:
        raise wrong(f"the last rule ({rules[-1].name}) has conditions; invoices may fit none")
    return tuple(rules)


def _wrong(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "approval_rules_invalid",
        f"the rules of approval in {path} cannot be used: {cause}",
        concern=str(path),
        next_step="Correct the file (docs/operations.md shows one), or leave out TAGWERK_APPROVAL_RULES for"
        " the built-in rules; then start the service again.",
    )
