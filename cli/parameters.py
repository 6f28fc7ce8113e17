"""`--param name=value` as a job's parameters: what is typed is text, what is wanted stands in the schema."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.problems import wrong_use
from shared.incoming import FORMAT

Schema = dict[str, Any]


def parse_parameters(written: Sequence[str], schema: Schema) -> dict[str, Any]:
    """Values as the JSON Schema wants them; a list is written by naming it several times, or as JSON.

    Whether they are right the gateway decides. Raises `Problem` (usage) for what has no `=`.
    """
    given: dict[str, list[str]] = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise wrong_use(
                f"{pair!r} is not of the form name=value",
                concern="--param",
                next_step="Write --param name=value, once for each parameter.",
            )
        given.setdefault(name.replace("-", "_"), []).append(value)
    return {name: _value(values, _of(schema, name)) for name, values in given.items()}


def file_parameters(parameters: dict[str, Any], schema: Schema) -> dict[str, Path]:
    """Files of this machine that are to be uploaded first: `@path`, where the schema wants a file."""
    return {
        name: Path(value[1:]).expanduser()
        for name, value in parameters.items()
        if isinstance(value, str)
        and value.startswith("@")
        and any(way.get("format") == FORMAT for way in _of(schema, name))
    }


def _of(schema: Schema, name: str) -> list[Schema]:
    """The ways in which a parameter may be given, references followed."""
    return _ways(schema.get("properties", {}).get(name, {}), schema)


def _ways(one: Schema, root: Schema) -> list[Schema]:
    if "$ref" in one:
        return _ways(root.get("$defs", {}).get(one["$ref"].rpartition("/")[2], {}), root)
    options = one.get("anyOf") or one.get("oneOf")
    if options:
        return [way for option in options for way in _ways(option, root)]
    return [one]


def _value(values: list[str], ways: list[Schema]) -> Any:
    types = {way.get("type") for way in ways}
    if "array" in types:
        if len(values) == 1 and values[0].startswith("["):
            return _as_json(values[0])
        items = next(way.get("items", {}) for way in ways if way.get("type") == "array")
        return [_one(value, {items.get("type")}) for value in values]
    return _one(values[-1], types)


def _one(value: str, types: set[Any]) -> Any:
    if value == "null" and "null" in types:
        return None
    # An enumeration or an unknown parameter has no type: text, and the gateway says what is wrong with it.
    if "string" in types or not types & {"integer", "number", "boolean", "object", "array"}:
        return value
    return _as_json(value)


def _as_json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
