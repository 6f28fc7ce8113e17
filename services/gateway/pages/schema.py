"""A job's parameters in words, from their JSON Schema. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.pages.languages import N_

#: `format` (JSON Schema 2020-12, and ours) -> message.
_FORMATS: Mapping[str, str] = {
    "date": N_("day"),
    "date-time": N_("moment"),
    "uuid": N_("id"),
    "email": N_("e-mail address"),
    "incoming-file": N_("file"),
    "path": N_("folder"),
}
_TYPES: Mapping[str, str] = {
    "string": N_("text"),
    "integer": N_("whole number"),
    "number": N_("number"),
    "boolean": N_("yes or no"),
    "object": N_("values"),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    description: str
    #: A message.
    type: str
    several: bool
    required: bool
    #: The values that can be chosen; none if any can.
    choices: Sequence[str]
    #: As JSON; None without one.
    default: str | None
    limits: Sequence[str]


def parameters_of(schema: Mapping[str, Any]) -> list[Parameter]:
    """The parameters of a catalogue entry, required ones first."""
    required = set(schema.get("required", ()))
    found = [
        _parameter(name, field, schema, name in required)
        for name, field in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda parameter: not parameter.required)


def _parameter(name: str, field: Mapping[str, Any], schema: Mapping[str, Any], required: bool) -> Parameter:
    plain = behind(field, schema)
    several = plain.get("type") == "array"
    item = behind(plain.get("items", {}), schema) if several else plain
    choices = item.get("enum") or ([item["const"]] if "const" in item else [])
    default = field.get("default")
    return Parameter(
        name=name,
        description=field.get("description", plain.get("description", "")),
        type=N_("choice") if choices else _type(item),
        several=several,
        required=required,
        choices=[str(choice) for choice in choices],
        default=None if default in (None, [], "") else json.dumps(default, ensure_ascii=False).strip('"'),
        limits=_limits(item),
    )


def behind(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind references, and behind `… or null`."""
    if "$ref" in field:
        target = schema.get("$defs", {}).get(str(field["$ref"]).rsplit("/", 1)[-1], {})
        return behind(target, schema)
    alternatives = [one for one in field.get("anyOf", ()) if one.get("type") != "null"]
    return behind(alternatives[0], schema) if alternatives else field


def _type(item: Mapping[str, Any]) -> str:
    return _FORMATS.get(item.get("format", "")) or _TYPES.get(item.get("type", ""), _TYPES["object"])


def _limits(item: Mapping[str, Any]) -> list[str]:
    """As mathematicians write them, which every language reads: `≥ 1`, `≤ 42`, and a pattern where no
    format says the same in words."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {item[name]}" for name, sign in signs.items() if name in item]
    return [*limits, item["pattern"]] if "pattern" in item and "format" not in item else limits
