"""A schedule's rule as a form, and back. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from services.gateway.fields import Text
from services.gateway.pages.languages import N_
from shared.commands import ScheduleRule

#: Unit -> its seconds.
UNITS: Mapping[str, int] = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
UNIT_NAMES: Mapping[str, str] = {
    "s": N_("seconds"), "min": N_("minutes"), "h": N_("hours"), "d": N_("days"),
}  # fmt: skip

#: How its times are given.
WAYS: Mapping[str, str] = {
    "cron": N_("at times of the clock"),
    "every": N_("at an interval"),
    "at": N_("once"),
}

ON_CLOSED: Mapping[str, str] = {
    "skip": N_("skip it"),
    "next_open_day": N_("start it on the next open day"),
}


class RuleForm(BaseModel):
    """Everything of a rule but the parameters, as typed. A duration is a number and its unit."""

    model_config = ConfigDict(extra="ignore")

    way: Text = "cron"
    cron: Text = ""
    every: Text = ""
    every_unit: Text = "h"
    at: Text = ""
    zone: Text = ""
    closed: Text = "none"
    country: Text = ""
    canton: Text = ""
    on_closed: Text = "skip"
    catchup: Text = "last"
    window: Text = ""
    window_unit: Text = "h"
    overlap: Text = "skip"
    jitter: Text = ""
    jitter_unit: Text = "s"


def typed_of(rule: ScheduleRule) -> RuleForm:
    every, every_unit = _in_units(rule.every)
    window, window_unit = _in_units(rule.window)
    jitter, jitter_unit = _in_units(rule.jitter or None)
    at = "" if rule.at is None else f"{rule.at.astimezone(ZoneInfo(rule.zone)):%Y-%m-%dT%H:%M}"
    return RuleForm(
        way=next(way for way in WAYS if getattr(rule, way) is not None), cron=rule.cron or "", every=every,
        every_unit=every_unit or "h", at=at, zone=rule.zone, closed=rule.closed,
        country=rule.country or "", canton=rule.canton or "", on_closed=rule.on_closed,
        catchup=rule.catchup, window=window, window_unit=window_unit or "h", overlap=rule.overlap,
        jitter=jitter, jitter_unit=jitter_unit or "s",
    )  # fmt: skip


def rule_of(form: RuleForm, before: ScheduleRule) -> ScheduleRule:
    """With the parameters of `before`. Raises `ValidationError` with the fields of the rule."""
    given: dict[str, Any] = {
        "zone": form.zone.strip(), "closed": form.closed, "on_closed": form.on_closed,
        "catchup": form.catchup, "overlap": form.overlap, "country": _code(form.country),
        "canton": _code(form.canton), "window": _seconds(form.window, form.window_unit),
        "jitter": _seconds(form.jitter or "0", form.jitter_unit), "parameters": before.parameters,
    }  # fmt: skip
    match form.way:
        case "every":
            given["every"] = _seconds(form.every, form.every_unit)
        case "at":
            given["at"] = moment_of(form.at, given["zone"])
        case _:
            given["cron"] = form.cron.strip()
    return ScheduleRule.model_validate(given)


def moment_of(typed: str, zone: str) -> datetime | str:
    """What a field for date and time sends, meant in `zone`; as typed if it is none."""
    try:
        moment = datetime.fromisoformat(typed.strip())
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, OSError, KeyError):
        return typed


def _in_units(seconds: int | None) -> tuple[str, str | None]:
    """Number and unit: the largest one that leaves no rest."""
    if seconds is None:
        return "", None
    unit = next(unit for unit, size in reversed(list(UNITS.items())) if seconds % size == 0)
    return str(seconds // UNITS[unit]), unit


def _seconds(number: str, unit: str) -> int | str:
    """As typed where that is no number, so that it is refused."""
    text = number.strip()
    return int(text) * UNITS.get(unit, 1) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _code(typed: str) -> str | None:
    return typed.strip().upper() or None
