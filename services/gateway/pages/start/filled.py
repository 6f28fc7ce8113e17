"""From what stands in the fields to parameters, and back. Pure.

What a field cannot make a value of is handed on as it is: the check against the schema names it. A value that
is the default is left out, so that a run has those parameters that somebody chose.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.gateway.pages.start.fields import Field, as_text

#: Before the name of a parameter in the form: it has fields of its own, too.
PREFIX = "p."

#: What stands in the fields, by parameter.
Values = Mapping[str, Sequence[str]]


def values_of(sent: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The texts that were sent for parameters, by the parameter's name."""
    values: dict[str, list[str]] = {}
    for name, text in sent:
        if name.startswith(PREFIX):
            values.setdefault(name.removeprefix(PREFIX), []).append(text)
    return values


def parameters_of(fields: Sequence[Field], values: Values, zone: ZoneInfo) -> dict[str, Any]:
    """The parameters of a run. Names that are no field stay, so that they are refused by name."""
    known = {field.name: field for field in fields}
    parameters: dict[str, Any] = {}
    for name, texts in values.items():
        field = known.get(name)
        if field is None:
            parameters[name] = texts[-1]
            continue
        value = _value(field, texts, zone)
        if value is not None and value != field.default:
            parameters[name] = value
    return parameters


def _value(field: Field, texts: Sequence[str], zone: ZoneInfo) -> Any:
    """None for nothing."""
    match field.kind:
        case "some_of":
            return _several(field, texts)
        case "lines":
            lines = [line.strip() for text in texts for line in text.splitlines()]
            return _several(field, lines)
        case "file":
            # A new one, else the one that is kept: the last that says something.
            return next((text.strip() for text in reversed(texts) if text.strip()), None)
        case "moment":
            return _moment(texts[-1], zone)
        case _:
            text = texts[-1]
            return _one(field, text if field.kind == "text" else text.strip()) if text.strip() else None


def _several(field: Field, texts: Sequence[str]) -> list[Any] | None:
    """Each once. An empty list only says something where another one is the default."""
    values = [_one(field, text) for text in dict.fromkeys(texts) if text]
    return values or ([] if field.default else None)


def _one(field: Field, text: str) -> Any:
    if field.kind == "yes_no":
        return {"true": True, "false": False}.get(text, text)
    if field.type == "string":
        return text.strip()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _moment(text: str, zone: ZoneInfo) -> str | None:
    """Typed in the reader's zone, kept with its distance from UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text.strip() or None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def texts_of(fields: Sequence[Field], parameters: Mapping[str, Any], zone: ZoneInfo) -> dict[str, list[str]]:
    """What stands in the fields for these parameters; those that are no field are left out."""
    texts: dict[str, list[str]] = {}
    for field in fields:
        value = parameters.get(field.name, field.default)
        if value is None:
            continue
        if field.several and isinstance(value, list):
            texts[field.name] = [as_text(one) for one in value]
        elif field.kind == "moment":
            texts[field.name] = [_in_zone(as_text(value), zone)]
        else:
            texts[field.name] = [as_text(value)]
    return texts


def _in_zone(text: str, zone: ZoneInfo) -> str:
    """As `datetime-local` takes it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    local = moment.astimezone(zone) if moment.tzinfo else moment
    return local.replace(tzinfo=None).isoformat(timespec="seconds")
