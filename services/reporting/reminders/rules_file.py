"""The rules of reminders (`TAGWERK_REMINDER_RULES`), TOML; see docs/operations.md. Read when the service
starts: a wrong one stops it, with the cause and what to do."""

import tomllib
from itertools import pairwise
from pathlib import Path

import holidays
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.reporting.reminders.rules import DEFAULT_RULES, ReminderStep, Rules
from shared.errors import TagwerkError


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    after: int = Field(ge=-30, le=250)
    also: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]*$")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    country: str | None = None
    canton: str | None = None
    step: list[_Step] = Field(min_length=1, max_length=10)


def read_rules(path: Path | None) -> Rules:
    """The rules of the file, or the built-in ones without a file. Raises `reminder_rules_invalid`."""
    if path is None:
        return DEFAULT_RULES
    try:
        file = _File.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it is no TOML: {error}") from error
    except ValidationError as error:
        raise _wrong(path, "; ".join(_words(detail) for detail in error.errors(include_url=False))) from error
    for number, (one, following) in enumerate(pairwise(file.step), 2):
        if following.after <= one.after:
            raise _wrong(path, f"step {number} does not come after the one before it: {following.after} days")
    _check_calendar(path, file)
    return Rules(tuple(ReminderStep(one.after, one.also) for one in file.step), file.country, file.canton)


def _check_calendar(path: Path, file: _File) -> None:
    known = holidays.list_supported_countries()
    if file.country is None:
        if file.canton is not None:
            raise _wrong(path, "a canton needs its country")
    elif file.country not in known:
        raise _wrong(path, f"no holidays are known of {file.country}; write it as ISO 3166 does: CH")
    elif file.canton is not None and file.canton not in known[file.country]:
        raise _wrong(path, f"no holidays are known of {file.canton} in {file.country}")


def _words(detail: object) -> str:
    assert isinstance(detail, dict)
    place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in detail["loc"])
    return f"{place}: {detail['msg']}"


def _wrong(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "reminder_rules_invalid",
        f"the rules of reminders in {path} cannot be used: {cause}",
        concern=str(path),
        next_step="Correct the file (docs/operations.md shows one), or leave out TAGWERK_REMINDER_RULES for"
        " the built-in steps; then start the service again.",
    )
