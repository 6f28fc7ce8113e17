from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from markupsafe import Markup

from services.gateway.pages.catalogue import JobRow, catalogue_view
from services.gateway.pages.formats import Formats
from services.gateway.pages.preferences import preferences_of
from services.gateway.pages.remembered import Rows, Same
from services.gateway.pages.runs import RunRow
from shared.access import Principal
from shared.commands import JobOverview, Overview, ScheduleRow, SchedulesPage
from shared.jobs import CatalogueEntry
from tests.unit.gateway.pages.jobs import CLERK, NOW, READER, entry, glance, run, schedule

FORMATS = Formats(preferences_of({}, "en-GB", "UTC"), NOW)
LATER = Formats(FORMATS.preferences, NOW + timedelta(hours=1))


def test_a_row_is_written_once_for_each_key_and_the_longest_unseen_goes_first() -> None:
    rows = Rows(largest=2)
    written: list[str] = []

    def write(shown: str) -> Markup:
        written.append(shown)
        return Markup("<p>{}</p>").format(shown)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert rows.row(key, write, key) == f"<p>{key}</p>"
    assert written == ["a", "b", "c", "b"]


def test_the_same_thing_is_not_an_equal_one() -> None:
    one, equal = entry(), entry()
    assert one == equal
    assert len({Same(one), Same(one), Same(equal)}) == 2


ENTRY = entry()


def job_row(
    principal: Principal = CLERK,
    job: CatalogueEntry = ENTRY,
    typical: float = 2.0,
    coming: ScheduleRow = schedule(ENTRY.id),
    **last: Any,
) -> JobRow:
    view = catalogue_view(
        [job],
        principal,
        Overview(jobs=[JobOverview(job=job.id, typical=typical)]),
        last_runs=[glance(job.id, **last)],
        schedules=SchedulesPage(items=[coming], pauses=[]),
    )
    return view.sections[0].modules[0].rows[0]


@pytest.mark.parametrize(
    "other",
    [
        lambda: job_row(READER).key(FORMATS),
        lambda: job_row(job=entry(title="Another")).key(FORMATS),
        lambda: job_row(minutes_ago=90).key(FORMATS),
        lambda: job_row(sequence=8).key(FORMATS),
        lambda: job_row(typical=3.0).key(FORMATS),
        lambda: job_row(coming=schedule(ENTRY.id, hours=2)).key(FORMATS),
        lambda: job_row(coming=schedule(ENTRY.id, "weekly")).key(FORMATS),
        lambda: job_row(coming=schedule(ENTRY.id, zone="Europe/Zurich")).key(FORMATS),
        lambda: job_row().key(LATER),
    ],
)
def test_a_job_is_written_anew_whenever_it_would_look_different(other: Callable[[], object]) -> None:
    assert job_row().key(FORMATS) == job_row().key(FORMATS)
    assert job_row().key(FORMATS) != other()


def test_a_run_is_written_anew_whenever_it_would_look_different() -> None:
    ended = NOW - timedelta(seconds=30)
    one = RunRow(run("lab.noop", sequence=7, finished_at=ended), "No-op")
    assert one.key(FORMATS) == RunRow(run("lab.noop", sequence=7, finished_at=ended), "No-op").key(FORMATS)
    assert one.key(FORMATS) != RunRow(run("lab.noop", sequence=8, finished_at=ended), "No-op").key(FORMATS)
    assert one.key(FORMATS) != RunRow(one.run, "Nothing").key(FORMATS)
    assert one.key(FORMATS) != RunRow(run("lab.noop", minutes_ago=2, sequence=7), "No-op").key(FORMATS)
    assert one.key(FORMATS) != one.key(LATER)
