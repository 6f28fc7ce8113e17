"""What a preflight answers: checks, each with verdict, cause and mend, and the effect of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from services.gateway.preflight.sayings import Saying, english
from shared.words import CheckVerdict, Danger

CheckName = Literal["permission", "parameters", "repetition", "service", "system", "location"]


class Check(BaseModel):
    """One thing that was looked at."""

    check: CheckName
    #: What it concerns, where there are several: the name of a system or location.
    concern: str | None = None
    #: `refused` if and only if a start with the same body would be refused because of it.
    verdict: CheckVerdict
    #: Stable, of the check: `allowed`, `ran_before`, `external_system_unavailable`.
    code: str
    words: str
    #: Why it is not `ok`.
    cause: str | None = None
    #: What to do about it.
    mend: str | None = None
    data: dict[str, Any]


class Effect(BaseModel):
    """What the run does where, as whom, and for whom."""

    words: str
    #: What it writes.
    output: str
    expected_result: str
    #: Where it writes besides the database.
    locations: list[str]
    #: What it calls outside.
    systems: list[str]
    #: None if that is what has to be mended first.
    client: str | None
    #: Who asks.
    principal: str
    #: As whom it works.
    effective_principal: str
    #: Whether it works with the rights of somebody else than who asks.
    elevates: bool
    danger: Danger | None
    dry_run: bool


class Preflight(BaseModel):
    """Whether a start makes sense, and what it does. Nothing has been changed."""

    job: str
    client: str | None
    dry_run: bool
    #: Whether a start with this body is accepted, a confirmation apart.
    may_start: bool
    #: Whether it wants `confirm` (the job's id) and a `reason`.
    needs_confirmation: bool
    #: Whether this body has both.
    confirmed: bool
    checks: list[Check]
    effect: Effect
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """A check before it is put into a language."""

    check: CheckName
    verdict: CheckVerdict
    code: str
    words: tuple[Saying, ...]
    cause: tuple[Saying, ...] = ()
    mend: tuple[Saying, ...] = ()
    concern: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def in_english(self) -> Check:
        return Check(
            check=self.check,
            concern=self.concern,
            verdict=self.verdict,
            code=self.code,
            words=english(self.words) or "",
            cause=english(self.cause),
            mend=english(self.mend),
            data=dict(self.data),
        )


def may_start(findings: Sequence[Finding]) -> bool:
    return all(finding.verdict is not CheckVerdict.REFUSED for finding in findings)
