"""How long contents are kept, by kind, and what a legal hold keeps beyond that. Read from a TOML file.

days = 3650                        # every kind that is not named below

[kinds]
signed_in = 400
access_refused = 400

[[holds]]
name = "tax audit 2026"
reason = "letter of the tax office of 2026-03-02"
client = "muster-ag"               # all that are given have to fit: client, principal, concern, kinds
since = 2024-01-01                 # days of the deed
until = 2025-12-31
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.audit.core import CONTENTS_REMOVED
from shared.errors import TagwerkError, wrong_fields

#: Ten years, as books have to be kept in Switzerland and Germany.
DEFAULT_DAYS = 3653

_Days = Annotated[int, Field(ge=1, le=36_525)]
_Text = Annotated[str, Field(min_length=1, max_length=500)]


class Hold(BaseModel):
    """What is kept whatever its age, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    reason: _Text
    client: _Text | None = None
    principal: _Text | None = None
    #: How the concern begins: `document:`, `payment-file:<id>`.
    concern: _Text | None = None
    kinds: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


class Retention(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    days: _Days = DEFAULT_DAYS
    kinds: dict[str, _Days] = Field(default_factory=dict)
    holds: tuple[Hold, ...] = ()

    @model_validator(mode="after")
    def _keeps_what_tells_of_removals(self) -> Self:
        if CONTENTS_REMOVED in self.kinds:
            raise ValueError(f"{CONTENTS_REMOVED} is kept for ever: it explains what is missing")
        names = [hold.name for hold in self.holds]
        if len(names) != len(set(names)):
            raise ValueError("two holds have the same name")
        return self

    def days_for(self, kind: str) -> int:
        return self.kinds.get(kind, self.days)


def read_retention(file: Path | None) -> Retention:
    """What the file says; without one everything is kept for ten years. Raises `audit_retention_invalid`."""
    if file is None:
        return Retention()
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return Retention.model_validate(content)
    except ValidationError as error:
        cause = wrong_fields(error)
    except (OSError, ValueError) as error:
        cause = str(error)
    raise TagwerkError(
        "audit_retention_invalid",
        f"the file of retention periods cannot be used: {cause}",
        concern=str(file),
        next_step="Correct it, as docs/operations.md shows; until then nothing is removed.",
    )
