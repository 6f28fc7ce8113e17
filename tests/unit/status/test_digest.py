"""Equal parameters have one digest, whoever wrote them how."""

from typing import Any
from uuid import uuid4

import pytest

from services.status.digest import digest_of, parameters_digest
from shared.events import Requested
from shared.words import Trigger


def digest(parameters: dict[str, Any]) -> bytes:
    return parameters_digest("documents.ocr", "main", parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"a": 1, "b": [1, 2]},
        {"b": [1, 2], "a": 1},
        {"a": 1, "b": [1, 2], "since": None, "pages": []},
    ],
)
def test_order_and_what_is_empty_make_no_difference(parameters: dict[str, Any]) -> None:
    assert digest(parameters) == digest({"a": 1, "b": [1, 2]})
    assert len(digest(parameters)) == 16


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {"a": True}, {"b": 1}, {}, {"a": 1, "b": [1]}])
def test_other_parameters_have_another(other: dict[str, Any]) -> None:
    assert digest(other) != digest({"a": 1})


def test_another_job_or_client_has_another() -> None:
    assert len({parameters_digest(job, client, {}) for job in ("a.b", "a.c") for client in ("x", "y")}) == 4


def test_what_the_encoder_refuses_has_one_too() -> None:
    odd = {"huge": 2**100, "half": "\ud83d"}
    assert digest(odd) == digest(dict(reversed(odd.items())))


@pytest.mark.parametrize("none", [{"dry_run": True}, {"only_records": ["a"]}])
def test_what_repeats_nothing_has_none(none: dict[str, Any]) -> None:
    request = Requested(
        run_id=uuid4(), job="a.b", client="x", principal="p", effective_principal="p", trigger=Trigger.MANUAL
    )
    assert digest_of(request) is not None
    assert digest_of(request.model_copy(update=none)) is None
