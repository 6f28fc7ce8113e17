from pathlib import Path
from typing import Any

import pytest

from cli.parameters import file_parameters, parse_parameters
from cli.problems import Problem

SCHEMA: dict[str, Any] = {
    "properties": {
        "name": {"type": "string"},
        "pages": {"type": "integer"},
        "share": {"type": "number"},
        "strict": {"type": "boolean"},
        "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "currencies": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "options": {"$ref": "#/$defs/Options"},
    },
    "$defs": {"Options": {"type": "object"}},
}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (["name=4711"], {"name": "4711"}),
        (["name=a=b"], {"name": "a=b"}),
        (["name="], {"name": ""}),
        (["pages=3"], {"pages": 3}),
        (["share=0.5"], {"share": 0.5}),
        (["strict=true"], {"strict": True}),
        (["since=2026-03-01"], {"since": "2026-03-01"}),
        (["since=null"], {"since": None}),
        (["limit=null"], {"limit": None}),
        (["limit=7"], {"limit": 7}),
        (["currencies=CHF"], {"currencies": ["CHF"]}),
        (["currencies=CHF", "currencies=EUR"], {"currencies": ["CHF", "EUR"]}),
        (['currencies=["CHF","EUR"]'], {"currencies": ["CHF", "EUR"]}),
        (["numbers=1", "numbers=2"], {"numbers": [1, 2]}),
        (['options={"a": 1}'], {"options": {"a": 1}}),
        (["unknown=1"], {"unknown": "1"}),
        # What is no number goes to the gateway as it is: it names the field.
        (["pages=many"], {"pages": "many"}),
    ],
)
def test_a_value_is_what_the_schema_wants(written: list[str], value: dict[str, Any]) -> None:
    assert parse_parameters(written, SCHEMA) == value


@pytest.mark.parametrize("written", ["name", "=value"])
def test_a_parameter_without_name_or_value_is_refused(written: str) -> None:
    with pytest.raises(Problem, match="command line is wrong"):
        parse_parameters([written], SCHEMA)


def test_only_a_parameter_that_is_a_file_is_taken_from_this_machine() -> None:
    schema: dict[str, Any] = {
        "properties": {
            "file": {"anyOf": [{"type": "string", "format": "incoming-file"}, {"type": "null"}]},
            "name": {"type": "string"},
        }
    }
    given = {"file": "@june.xml", "name": "@june.xml", "count": 3}
    assert file_parameters(given, schema) == {"file": Path("june.xml")}
    assert file_parameters({"file": "june.xml"}, schema) == {}
