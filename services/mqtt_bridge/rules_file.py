"""The rules file (`TAGWERK_MQTT_RULES`), TOML; see docs/operations.md. Read once, when the service starts:
a wrong one stops it, with the rule, the cause and what to do."""

import difflib
import re
import tomllib
from pathlib import Path

from pydantic import BaseModel, ValidationError

from services.mqtt_bridge.rules import Event, Rule, Rules, Start, States, Upload
from shared.errors import TagwerkError

_TABLES = ("rule", "states")
_BELOW: dict[str, type[BaseModel]] = {"upload": Upload, "start": Start, "event": Event}


def read_rules(path: Path) -> Rules:
    """Raises `mqtt_rules_invalid`."""
    try:
        text = path.read_text()
        content = tomllib.loads(text)
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it is no TOML: {error}") from error
    for name in content:
        if name not in _TABLES:
            raise _wrong(
                path,
                f"there is no table {name!r}{_meant(name, _TABLES)}; there are [[rule]] and [states]",
            )
    tables = content.get("rule", [])
    if not isinstance(tables, list):
        raise _wrong(path, "rules are written as [[rule]], in two brackets")
    lines = [
        number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)
    ]
    rules: list[Rule] = []
    for index, table in enumerate(tables):
        place = f"line {lines[index]}, " if index < len(lines) else ""
        called = f" ({table['name']})" if isinstance(table, dict) and "name" in table else ""
        where = f"{place}rule {index + 1}{called}"
        try:
            rule = Rule.model_validate(table)
        except ValidationError as error:
            raise _wrong(path, f"{where}: {_words(error, Rule)}") from error
        for other in rules:
            if other.name == rule.name:
                raise _wrong(path, f"{where}: the name is used twice")
            if other.topic == rule.topic:
                raise _wrong(path, f"{where}: {other.name} takes the same topic, so this is never asked")
        rules.append(rule)
    states = None
    if "states" in content:
        try:
            states = States.model_validate(content["states"])
        except ValidationError as error:
            raise _wrong(path, f"[states]: {_words(error, States)}") from error
    if not rules and states is None:
        raise _wrong(path, "it has no [[rule]] and no [states], so there is nothing to do")
    return Rules(rules=tuple(rules), states=states)


def _words(error: ValidationError, model: type[BaseModel]) -> str:
    said = []
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        place = ".".join(str(part) for part in loc)
        if detail["type"] == "extra_forbidden":
            known = _BELOW.get(str(loc[0]), model) if len(loc) > 1 else model
            said.append(f"there is no {place}{_meant(str(loc[-1]), tuple(known.model_fields))}")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            said.append(f"{place}: {message}" if place else message)
    return "; ".join(said)


def _meant(name: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f", did you mean {close[0]}?" if close else ""


def _wrong(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "mqtt_rules_invalid",
        f"the rules for MQTT in {path} cannot be used: {cause}",
        concern=str(path),
        next_step="Correct the file (docs/operations.md shows one), then start the service again.",
    )
