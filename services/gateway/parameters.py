"""Checking the parameters of a request, each wrong field by name. Pure."""

from collections.abc import Mapping
from typing import Any

from services.gateway.problems import WrongField, wrong_fields
from shared import parameters as rules


def check_parameters(job: str, schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Raises `parameters_invalid` with every wrong field, and a suggestion for every unknown one."""
    errors = wrong_parameters(schema, parameters)
    if errors:
        raise wrong_fields("parameters_invalid", errors, concern=job)


def wrong_parameters(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[WrongField]:
    """Every wrong field, by name."""
    return [WrongField(**wrong.model_dump()) for wrong in rules.wrong_parameters(schema, parameters)]


def ways_to_write(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same parameters as given, without those that are the default, and with all defaults."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    defaults = {name: field["default"] for name, field in properties.items() if "default" in field}
    short = {
        name: value for name, value in parameters.items() if name not in defaults or defaults[name] != value
    }
    return [dict(parameters), short, {**defaults, **parameters}]
