"""Schedules as people read them in a terminal."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from cli.render.schedules import occurrences_view, preview_view, schedules_view
from shared.commands import OccurrencesPage, Preview, SchedulesPage
from tests.unit.cli.test_rendering import shown

Model = TypeVar("Model", bound=BaseModel)

CONTRACTS = Path(__file__).parents[2] / "contracts" / "commands"


def golden(model: type[Model]) -> Model:
    return model.model_validate_json((CONTRACTS / f"{model.__name__}.json").read_text())


def test_schedules_tell_in_their_zone_what_comes_and_what_is_marked() -> None:
    listed = shown(schedules_view(golden(SchedulesPage)), width=200)
    assert "Paused: module:documents (ada: migration)" in listed
    assert "15 2 * * * Europe/Zurich" in listed
    row = golden(SchedulesPage).items[0].model_copy(update={"pause": None})
    assert "2026-03-29 03:00 CEST" in shown(schedules_view(SchedulesPage(items=[row])), width=200)
    preview = shown(preview_view(golden(Preview)), width=200)
    assert "daylight saving: shifted, skipped: Easter Monday" in preview
    assert "made up for, 2 hours late" in shown(occurrences_view(golden(OccurrencesPage)), width=200)
