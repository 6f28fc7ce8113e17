"""From rules to occurrences: daylight saving, calendars, intervals, jitter."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.rule import check_rule, instant_of, jitter_of, occurrences, preview
from shared.commands import ScheduleRule
from shared.errors import TagwerkError
from shared.words import ClosedDays

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC", "Asia/Kolkata"]


def times(rule: ScheduleRule, day: str, count: int) -> list[tuple[str, str | None]]:
    after = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=ZoneInfo(rule.zone))
    found = preview("a.b", rule, START, after.astimezone(UTC), count)
    return [(planned.local, planned.transition) for planned in found]


def test_a_time_that_does_not_exist_fires_at_the_next_instant_that_does() -> None:
    rule = ScheduleRule(cron="30 2 * * *", zone="Europe/Zurich")
    assert times(rule, "2026-03-28", 3) == [
        ("2026-03-28T02:30:00+01:00", None),
        ("2026-03-29T03:00:00+02:00", "shifted"),
        ("2026-03-30T02:30:00+02:00", None),
    ]


def test_a_time_that_exists_twice_fires_the_first_time() -> None:
    rule = ScheduleRule(cron="30 2 * * *", zone="Europe/Zurich")
    assert times(rule, "2026-10-25", 2) == [
        ("2026-10-25T02:30:00+02:00", "first_of_two"),
        ("2026-10-26T02:30:00+01:00", None),
    ]


def test_times_that_fall_onto_the_same_instant_are_one_occurrence() -> None:
    rule = ScheduleRule(cron="*/30 1-3 * * *", zone="Europe/Zurich")
    assert [local for local, _ in times(rule, "2026-03-29", 4)] == [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:30:00+02:00",
    ]


def test_a_day_that_a_zone_left_out_fires_when_the_next_begins() -> None:
    # Samoa went from 29 to 31 December 2011.
    assert instant_of(datetime.fromisoformat("2011-12-30T12:00"), ZoneInfo("Pacific/Apia")) == (
        datetime(2011, 12, 30, 10, tzinfo=UTC),
        "shifted",
    )


def test_an_interval_knows_no_daylight_saving() -> None:
    rule = ScheduleRule(every=3600, zone="Europe/Zurich")
    since = datetime(2026, 3, 28, 22, 15, tzinfo=UTC)
    found = preview("a.b", rule, since, since, 8)
    assert [b.nominal - a.nominal for a, b in pairwise(found)] == [timedelta(hours=1)] * 7
    assert found[0].nominal == since + timedelta(hours=1)


def test_closed_days_are_skipped_or_moved_and_say_why() -> None:
    rule = ScheduleRule(
        cron="0 6 1 * *", zone="Europe/Zurich", closed=ClosedDays.NOT_BUSINESS, country="CH", canton="ZH"
    )
    # 1 May is a holiday in Zurich and not in Geneva; 1 August is one of all, and a Saturday.
    after = datetime(2026, 4, 20, tzinfo=UTC)
    may, june, july, august = preview("a.b", rule, START, after, 4)
    assert (may.effect, may.closed_by) == ("skipped", "Labor Day")
    assert (june.effect, july.effect) == (None, None)
    assert august.closed_by == "National Day"
    moved = preview("a.b", rule.model_copy(update={"on_closed": "next_open_day"}), START, after, 4)
    assert moved[0].effect == "moved"
    assert moved[0].fires_at == datetime(2026, 5, 4, 4, tzinfo=UTC)
    geneva = preview("a.b", rule.model_copy(update={"canton": "GE"}), START, after, 1)
    assert geneva[0].effect is None


def test_an_occurrence_that_would_be_moved_onto_another_is_skipped() -> None:
    rule = ScheduleRule(
        cron="0 6 * * *", zone="UTC", closed=ClosedDays.NOT_BUSINESS, on_closed="next_open_day"
    )
    saturday, sunday, monday = preview("a.b", rule, START, datetime(2026, 1, 3, tzinfo=UTC), 3)
    assert (saturday.effect, sunday.effect, monday.effect) == ("skipped", "skipped", None)


def test_jitter_is_the_same_each_time_and_spreads_evenly() -> None:
    delays = [jitter_of("a.b", START + timedelta(days=n), 100) for n in range(400)]
    assert delays == [jitter_of("a.b", START + timedelta(days=n), 100) for n in range(400)]
    assert all(timedelta(0) <= delay < timedelta(seconds=100) for delay in delays)
    for quarter in range(4):
        inside = [d for d in delays if quarter * 25 <= d.total_seconds() < (quarter + 1) * 25]
        assert 60 < len(inside) < 140


@given(
    zone=st.sampled_from(ZONES),
    cron=st.sampled_from(["30 2 * * *", "*/15 * * * *", "0 0 1 * *", "59 23 * * 1-5", "7 1-3 * * 0"]),
    begin=st.integers(1_230_768_000, 1_893_456_000),
    cut=st.integers(0, 30),
)
def test_wherever_one_begins_the_occurrences_are_the_same_and_rise(
    zone: str, cron: str, begin: int, cut: int
) -> None:
    rule = ScheduleRule(cron=cron, zone=zone)
    since = datetime.fromtimestamp(begin, UTC)
    all_of_them = list(islice(occurrences("a.b", rule, since, since), 40))
    assert all(a.nominal < b.nominal for a, b in pairwise(all_of_them))
    resumed = list(islice(occurrences("a.b", rule, since, all_of_them[cut].nominal), 5))
    assert resumed == all_of_them[cut + 1 : cut + 6]
    walls = [planned.local[:16] for planned in all_of_them if planned.transition != "shifted"]
    assert len(walls) == len(set(walls))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "exactly one"),
        ({"cron": "* * * * *", "every": 60}, "exactly one"),
        ({"cron": "1 2 3"}, "five fields"),
        ({"cron": "0 61 * * *"}, "no cron expression"),
        ({"cron": "0 0 30 2 *"}, "no cron expression"),
        ({"cron": "0 0 * * *", "zone": "Mars/Base"}, "no zone Mars/Base"),
        ({"at": "2026-05-01T10:00:00"}, "has no zone"),
        ({"every": 60, "closed": "holidays"}, "need a country"),
        ({"every": 60, "closed": "holidays", "country": "CH", "canton": "XX"}, "of XX in CH"),
        ({"every": 60, "closed": "holidays", "country": "QQ"}, "known of QQ"),
    ],
)
def test_a_rule_that_is_wrong_says_what(rule: dict[str, object], words: str) -> None:
    with pytest.raises(TagwerkError, match=words) as refused:
        check_rule(ScheduleRule.model_validate(rule))
    assert refused.value.failure.code == "schedule_invalid"
    assert refused.value.failure.next_step
