"""What was once published stays readable: one golden JSON per event version and per query and answer.

A field that is added goes into the golden file too; one that is removed or changes its meaning needs a new
version with a file of its own, and a reader that still understands the old one.
"""

import inspect
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from pydantic import BaseModel

from shared import commands
from shared.events import (
    BusinessEvent,
    Message,
    RunEvent,
    UnknownEvent,
    decode_business_event,
    decode_run_event,
)

FOLDER = Path(__file__).parent
EVENTS = sorted((FOLDER / "events").glob("*.json"))
MODELS: dict[str, type[BaseModel]] = {
    name: model
    for name, model in inspect.getmembers(commands, inspect.isclass)
    if issubclass(model, BaseModel) and model.__module__.startswith(commands.__name__)
}


def read(file: Path) -> Any:
    return orjson.loads(file.read_bytes())


def decode(data: bytes) -> Message:
    if orjson.loads(data)["type"].startswith("run."):
        return decode_run_event(data)
    return decode_business_event(data)


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_an_event_decodes_and_encodes_to_the_same_json(file: Path) -> None:
    event = decode(file.read_bytes())
    assert not isinstance(event, UnknownEvent)
    assert orjson.loads(event.encode()) == read(file)
    assert file.name == f"{read(file)['type']}.v{read(file)['version']}.json"


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_an_event_with_fields_of_the_future_decodes_to_the_same(file: Path) -> None:
    extended = orjson.dumps({**read(file), "added_later": {"by": "somebody"}})
    assert decode(extended) == decode(file.read_bytes())


def test_every_event_type_has_a_golden_file_of_its_current_version() -> None:
    wanted = {
        f"{model.model_fields['type'].default}.v{model.model_fields['version'].default}.json"
        for model in (*get_args(RunEvent), *get_args(BusinessEvent))
    }
    assert wanted <= {file.name for file in EVENTS}


@pytest.mark.parametrize("model", [*get_args(RunEvent), *get_args(BusinessEvent)], ids=lambda m: m.__name__)
def test_a_golden_event_leaves_no_field_out(model: type[Message]) -> None:
    fields = model.model_fields
    file = FOLDER / "events" / f"{fields['type'].default}.v{fields['version'].default}.json"
    assert set(read(file)) == set(fields)


@pytest.mark.parametrize("name", MODELS)
def test_a_query_or_answer_decodes_and_encodes_to_the_same_json(name: str) -> None:
    file = FOLDER / "commands" / f"{name}.json"
    golden = read(file)
    assert set(golden) == set(MODELS[name].model_fields)
    assert orjson.loads(MODELS[name].model_validate_json(file.read_bytes()).model_dump_json()) == golden


def test_no_golden_file_stands_for_something_that_is_gone() -> None:
    assert {file.stem for file in (FOLDER / "commands").glob("*.json")} == set(MODELS)
