"""Checking a job's parameters against the JSON Schema of the catalogue, each wrong one by name. Pure."""

import difflib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from pydantic import BaseModel, ConfigDict

#: What is said of a parameter that is missing.
REQUIRED: Final = "is required"

_FORMATS = FormatChecker()


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


class WrongParameter(BaseModel):
    """One value that the job does not take."""

    model_config = ConfigDict(frozen=True)

    #: With where it lies: `parameters.days.0`.
    field: str
    message: str
    #: The name that was probably meant.
    suggestion: str | None = None


def wrong_parameters(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[WrongParameter]:
    """Every wrong value, by name."""
    errors = [
        wrong
        for error in Draft202012Validator(schema, format_checker=_FORMATS).iter_errors(parameters)
        for wrong in _wrong(error)
    ]
    return sorted(errors or _not_json(parameters), key=lambda error: error.field)


def _wrong(error: ValidationError) -> Iterable[WrongParameter]:
    path = [str(part) for part in error.absolute_path]
    expected: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "additionalProperties" and isinstance(instance, dict):
        part: Any = error.schema
        known = sorted(part.get("properties", {}))
        for name in sorted(set(instance) - set(known)):
            yield _unknown([*path, name], known)
    elif error.validator == "required":
        for name in expected:
            if name not in instance:
                yield WrongParameter(field=_field([*path, name]), message=REQUIRED)
    elif error.validator == "anyOf":
        # An optional field: what is said of the branch that is not null.
        kinds = [branch.get("format") or branch.get("type") or "value" for branch in expected]
        yield WrongParameter(field=_field(path), message=f"{instance!r} is none of {', '.join(kinds)}")
    else:
        yield WrongParameter(field=_field(path), message=error.message)


def _unknown(path: list[str], known: list[str]) -> WrongParameter:
    close = difflib.get_close_matches(path[-1], known, n=1)
    message = f"unknown; known are {', '.join(known)}" if known else "unknown; this job has no parameters"
    if close:
        message = f"unknown, did you mean {close[0]}?"
    return WrongParameter(field=_field(path), message=message, suggestion=close[0] if close else None)


def _field(path: list[str]) -> str:
    return ".".join(["parameters", *path])


def _not_json(parameters: Mapping[str, Any]) -> list[WrongParameter]:
    """What Python's parser lets through although JSON does not know it: NaN, half a surrogate pair."""
    wrong = []
    for name, value in parameters.items():
        try:
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except ValueError:
            wrong.append(
                WrongParameter(field=f"parameters.{name}", message="holds a value that JSON cannot hold")
            )
    return wrong


def references(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    """Keys of what a run with these parameters is about: each parameter that is an id, `document:<id>`."""
    about = []
    for name, field in schema.get("properties", {}).items():
        branches = field.get("anyOf", [field])
        value = parameters.get(name)
        if isinstance(value, str) and any(branch.get("format") == "uuid" for branch in branches):
            about.append(f"{name.removesuffix('_id')}:{value.lower()}")
    return about
