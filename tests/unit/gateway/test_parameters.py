"""Parameters against the schema that a job's own signature gives."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from services.gateway.parameters import check_parameters
from services.gateway.problems import ProblemError
from shared.access import Access
from shared.events import Record
from shared.jobs import Retry, Safe, job, seconds
from shared.parameters import references
from shared.words import Kind, Level


class Currency(StrEnum):
    CHF = "CHF"
    EUR = "EUR"


@job(
    "desk.example", title="Example", kind=Kind.PROCESSING, owner="Tests",
    access=Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"})),
    expected_runtime=seconds(1), retry=Retry(attempts=1), repeat=Safe("it does nothing"), output="nothing",
    expected_result="nothing", logs="none", troubleshooting="docs/none.md",
)  # fmt: skip
async def example(
    document: UUID,
    since: date | None = None,
    at: datetime | None = None,
    currencies: list[Currency] | None = None,
    limit: int = 5,
) -> AsyncIterator[Record]:
    """An example."""
    return
    yield


SCHEMA = example.parameters_schema()
DOCUMENT = "7a9d5c0e-1b1f-5e1c-9c63-7d0f5b6a2e11"


def wrong(parameters: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ProblemError) as caught:
        check_parameters("desk.example", SCHEMA, parameters)
    assert caught.value.failure.code == "parameters_invalid"
    return {error.field: error.message for error in caught.value.members["errors"]}


@pytest.mark.parametrize(
    "more",
    [{}, {"since": "2026-01-31"}, {"since": None}, {"at": "2026-01-31T08:00:00Z"}, {"currencies": ["CHF"]},
     {"limit": 7}],
)  # fmt: skip
def test_good_parameters_pass(more: dict[str, Any]) -> None:
    check_parameters("desk.example", SCHEMA, {"document": DOCUMENT, **more})


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"since": "yesterday"}, "parameters.since"),
        ({"since": 5}, "parameters.since"),
        ({"at": "noon"}, "parameters.at"),
        ({"currencies": "CHF"}, "parameters.currencies"),
        ({"currencies": ["GBP"]}, "parameters.currencies"),
        ({"limit": "five"}, "parameters.limit"),
        ({"limit": None}, "parameters.limit"),
        ({"document": "4711"}, "parameters.document"),
    ],
)
def test_a_wrong_field_is_named(more: dict[str, Any], field: str) -> None:
    assert list(wrong({"document": DOCUMENT, **more})) == [field]


def test_every_wrong_field_is_named_at_once() -> None:
    assert set(wrong({"since": "x", "limit": "x", "limt": 1})) == {
        "parameters.document", "parameters.since", "parameters.limit", "parameters.limt",
    }  # fmt: skip


def test_an_unknown_field_comes_with_what_was_meant() -> None:
    assert wrong({"document": DOCUMENT, "currencys": []})["parameters.currencys"] == (
        "unknown, did you mean currencies?"
    )
    assert "known are" in wrong({"document": DOCUMENT, "zzz": 1})["parameters.zzz"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": "\ud800"}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    schema = {"type": "object"}
    with pytest.raises(ProblemError):
        check_parameters("desk.free", schema, {"anything": value})


def test_a_parameter_that_is_an_id_is_what_the_run_is_about() -> None:
    assert references(SCHEMA, {"document": DOCUMENT.upper()}) == [f"document:{DOCUMENT}"]
    assert references(SCHEMA, {}) == []
    schema = {"properties": {"invoice_id": {"anyOf": [{"format": "uuid"}, {"type": "null"}]}}}
    assert references(schema, {"invoice_id": DOCUMENT}) == [f"invoice:{DOCUMENT}"]
    assert references(schema, {"invoice_id": None}) == []
