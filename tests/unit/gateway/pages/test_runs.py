"""The list of runs: what was asked for, what can be asked for next."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from services.gateway.pages.runs import Wanted, runs_view
from shared.access import Principal
from shared.commands import Overview, RunsPage, RunsQuery
from shared.words import RunState
from tests.unit.gateway.pages.jobs import CLERK, entry, run

RATES = entry()
OCR = entry("documents.ocr", title="Recognize text")
STANDS = Overview(states={"running": 2, "failed": 3, "succeeded": 40}, action_required=3)


def asked(path: str | None) -> dict[str, list[str]]:
    assert path is not None
    assert path.startswith("/runs")
    return parse_qs(urlsplit(path).query)


def view_of(wanted: Wanted, overview: Overview | None = STANDS, **page: Any) -> Any:
    runs = RunsPage(items=page.get("items", []), next_cursor=page.get("next_cursor"))
    return runs_view(wanted, runs, overview, [RATES, OCR], page.get("principal", CLERK))


def test_empty_fields_of_the_form_ask_for_nothing() -> None:
    empty = Wanted.model_validate(
        {"job": "", "client": " ", "since": "", "until": "", "principal": "", "trigger": "", "cursor": ""}
    )
    assert empty == Wanted()
    assert not empty.filtered
    assert empty.link() == "/runs"


@pytest.mark.parametrize(
    "wrong",
    [{"trigger": "magic"}, {"state": ["lost"]}, {"since": "yesterday"}, {"since": "0001-01-01"},
     {"until": "9999-12-31"}, {"sort": "name"}, {"rerun_of": "x"}, {"job": "a\x00"}],
)  # fmt: skip
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Wanted.model_validate(wrong)


def test_days_are_whole_days_of_the_reader() -> None:
    wanted = Wanted(since=date(2026, 3, 29), until=date(2026, 3, 29))
    query = RunsQuery(**wanted.query(ZoneInfo("Europe/Zurich")))
    # The day on which summer time begins has 23 hours.
    assert query.requested_after == datetime(2026, 3, 28, 22, 59, 59, 999999, tzinfo=UTC)
    assert query.requested_before == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert RunsQuery(**Wanted().query(ZoneInfo("UTC"))).requested_after is None


def test_a_chip_shows_one_state_more_or_less_and_keeps_the_rest() -> None:
    view = view_of(Wanted(state=[RunState.FAILED], job=RATES.id, cursor="abc"))
    chips = {chip.name: chip for chip in view.chips}
    assert list(chips) == ["needs attention", "running", "succeeded", "failed"]
    assert chips["failed"].on
    assert asked(chips["failed"].path) == {"job": [RATES.id]}
    assert not chips["running"].on
    assert asked(chips["running"].path) == {"job": [RATES.id], "state": ["running", "failed"]}
    assert asked(chips["needs attention"].path) == {
        "job": [RATES.id], "state": ["failed"], "action_required": ["true"]
    }  # fmt: skip
    assert [chip.number for chip in view.chips] == [3, 2, 40, 3]
    on = view_of(Wanted(action_required=True)).chips[0]
    assert (on.on, on.path) == (True, "/runs")


def test_numbers_stand_on_the_chips_only_where_they_hold() -> None:
    assert Wanted(job=RATES.id, client="main", state=[RunState.FAILED], sort="job").counted
    assert not Wanted(principal="ada").counted
    assert not Wanted(since=date(2026, 1, 1)).counted
    view = view_of(Wanted(principal="ada"), None)
    assert len(view.chips) == 1 + len(RunState)
    assert {chip.number for chip in view.chips} == {None}


def test_a_column_sorts_and_the_second_time_the_other_way_round() -> None:
    columns = view_of(Wanted(client="main")).columns
    assert columns["requested"].sorted == "descending"
    assert asked(columns["requested"].path) == {"client": ["main"], "sort": ["requested_at"]}
    assert asked(columns["duration"].path) == {"client": ["main"], "sort": ["-duration"]}
    turned = view_of(Wanted(sort="-duration")).columns
    assert turned["duration"].sorted == "descending"
    assert asked(turned["duration"].path) == {"sort": ["duration"]}
    # The names of jobs have one order.
    jobs = view_of(Wanted(sort="job")).columns
    assert (jobs["job"].sorted, jobs["job"].path) == ("ascending", None)


def test_pages_lead_on_and_back_with_what_was_asked_for() -> None:
    wanted = Wanted(state=[RunState.FAILED, RunState.TIMED_OUT], cursor="here", sort="job")
    view = view_of(wanted, next_cursor="there")
    same = {"state": ["failed", "timed_out"], "sort": ["job"]}
    assert asked(view.next) == {**same, "cursor": ["there"]}
    assert asked(view.first) == same
    last = view_of(Wanted())
    assert (last.next, last.first) == (None, None)


def test_what_a_link_asked_for_is_named_and_can_be_taken_away() -> None:
    wanted = Wanted(record_key="invoice:INV/47 11", rerun_of=UUID(int=7), job=OCR.id)
    view = view_of(wanted, None)
    assert [(one.name, one.value) for one in view.given] == [
        ("record_key", "invoice:INV/47 11"), ("rerun_of", str(UUID(int=7)))
    ]  # fmt: skip
    assert asked(view.given[0].without) == {"rerun_of": [str(UUID(int=7))], "job": [OCR.id]}
    assert wanted.filtered


def test_there_is_to_choose_from_what_the_reader_may_see() -> None:
    view = view_of(Wanted(job="old.gone"), items=[run(RATES.id), run("old.gone")])
    assert list(view.jobs) == [("old.gone", "old.gone"), (RATES.id, RATES.title), (OCR.id, OCR.title)]
    assert [row.title for row in view.rows] == [RATES.title, None]
    assert view.clients == ["main"]
    everybody = Principal(id="root", name="Root", clients=frozenset({"*"}))
    assert view_of(Wanted(), principal=everybody).clients is None


def test_a_period_ends_with_its_last_moment() -> None:
    query = RunsQuery(**Wanted(since=date(2026, 1, 1), until=date(2026, 1, 2)).query(ZoneInfo("UTC")))
    assert query.requested_after is not None
    assert query.requested_before is not None
    assert query.requested_before - query.requested_after == timedelta(days=2, microseconds=1)
