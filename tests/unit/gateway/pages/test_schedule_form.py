"""A schedule's rule as a form, and back."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from services.gateway.pages.schedules.form import RuleForm, rule_of, typed_of
from shared.commands import ScheduleRule
from shared.words import Catchup, ClosedDays, Overlap

PARAMETERS = {"count": 3}
RULES = [
    ScheduleRule(cron="15 2 * * *", parameters=PARAMETERS),
    ScheduleRule(every=90, zone="Europe/Zurich", window=5400, jitter=3600, parameters=PARAMETERS),
    ScheduleRule(
        every=2 * 86_400, zone="America/New_York", closed=ClosedDays.NOT_BUSINESS, country="CH",
        canton="ZH", on_closed="next_open_day", catchup=Catchup.ALL, window=31 * 86_400,
        overlap=Overlap.CANCEL_RUNNING, jitter=90, parameters=PARAMETERS,
    ),
    ScheduleRule(at=datetime(2027, 3, 1, 7, 30, tzinfo=UTC), zone="Europe/Zurich", parameters=PARAMETERS),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_what_is_shown_and_sent_back_is_the_same_rule(rule: ScheduleRule) -> None:
    assert rule_of(typed_of(rule), rule) == rule


def test_durations_are_shown_in_their_largest_whole_unit_and_times_in_the_zone_of_the_rule() -> None:
    shown = typed_of(RULES[1])
    assert (shown.way, shown.every, shown.every_unit) == ("every", "90", "s")
    assert (shown.window, shown.window_unit, shown.jitter, shown.jitter_unit) == ("90", "min", "1", "h")
    assert typed_of(RULES[3]).at == "2027-03-01T08:30"


def test_only_the_chosen_way_counts_and_codes_may_be_typed_small() -> None:
    form = typed_of(RULES[0]).model_copy(update={"way": "every", "every": " 5 ", "country": "ch"})
    rule = rule_of(form, RULES[0])
    assert (rule.cron, rule.every, rule.country, rule.parameters) == (None, 5 * 3600, "CH", PARAMETERS)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"way": "every", "every": "1.5"}, "every"),
        ({"way": "every", "every": "1", "every_unit": "s"}, "every"),
        ({"way": "every", "every": ""}, "every"),
        ({"way": "at", "at": "tomorrow"}, "at"),
        ({"window": "99", "window_unit": "d"}, "window"),
        ({"window": "9" * 12}, "window"),
        ({"jitter": "2", "jitter_unit": "h"}, "jitter"),
        ({"country": "Schweiz"}, "country"),
        ({"canton": "Zürich"}, "canton"),
        ({"overlap": "sometimes"}, "overlap"),
        ({"closed": "mondays"}, "closed"),
    ],
)
def test_what_cannot_be_understood_is_refused_at_its_field(typed: dict[str, str], field: str) -> None:
    form = RuleForm.model_validate({**typed_of(RULES[0]).model_dump(), **typed})
    with pytest.raises(ValidationError) as refused:
        rule_of(form, RULES[0])
    assert {error["loc"][0] for error in refused.value.errors()} == {field}
