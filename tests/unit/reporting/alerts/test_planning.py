"""What goes out when, and together."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.alerts.core import Cause
from services.reporting.alerts.planning import HOUR, News, Silence, Told, plan, to_repeat
from services.reporting.alerts.rules import Rule, Rules, severity_of
from shared.words import AlertKind, AlertNews, Severity

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RULES = Rules([Rule("ours", to=("a@example.com",), group=timedelta(minutes=2), per_hour=3)])
ROUTE = ("ours", "a@example.com")


def news(id: int, alert: int = 1, what: str = "opened", age: float = 5, silenced: bool = False) -> News:
    created = NOW - timedelta(minutes=age)
    return News(id, UUID(int=alert), *ROUTE, AlertNews(what), created, silenced)


def going(found: list[News], sent: int = 0, now: datetime = NOW) -> list[list[int]]:
    times = [now - timedelta(minutes=number) for number in range(sent)]
    return [[one.id for one in ready] for _, ready in plan(found, {ROUTE: times}, RULES, now).messages]


def test_news_wait_until_the_first_of_them_is_old_enough_and_go_together() -> None:
    assert going([news(1, age=1.9), news(2, 2, age=0)]) == []
    assert going([news(1, age=2), news(2, 2, age=0)]) == [[1, 2]]


def test_beyond_the_limit_of_the_hour_the_rest_waits_and_goes_as_one() -> None:
    found = [news(number, number) for number in range(1, 50)]
    assert going(found, sent=3) == []
    times = {ROUTE: [NOW - HOUR, NOW - timedelta(minutes=1), NOW]}
    assert [len(ready) for _, ready in plan(found, times, RULES, NOW).messages] == [49]


def test_what_is_silenced_waits_and_is_dropped_if_it_is_over_before() -> None:
    held, over = news(1, silenced=True), news(2, what="closed", silenced=True)
    assert plan([held], {}, RULES, NOW) == plan([], {}, RULES, NOW)
    both = plan([held, over], {}, RULES, NOW)
    assert (list(both.messages), list(both.dropped)) == ([], [held, over])
    # Whoever was told of it is told of its end; that it is still there, nobody is told meanwhile.
    still = news(3, what="still", silenced=True)
    told = plan([still, over], {}, RULES, NOW)
    assert ([one.id for one in told.messages[0][1]], list(told.dropped)) == ([2], [still])


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(list(AlertNews)), st.integers(0, 10), st.booleans()),
        max_size=20,
    ),
    st.integers(0, 5),
)
def test_nothing_is_told_twice_or_lost(drawn: list[tuple[int, AlertNews, int, bool]], sent: int) -> None:
    found = [news(id, alert, what, age, silenced) for id, (alert, what, age, silenced) in enumerate(drawn)]
    planned = plan(found, {ROUTE: [NOW] * sent}, RULES, NOW)
    gone = [one.id for _, ready in planned.messages for one in ready]
    dropped = [one.id for one in planned.dropped]
    assert len({*gone, *dropped}) == len(gone) + len(dropped)
    assert len(planned.messages) <= (sent < 3)
    # Once there is time and no silence, everything goes.
    later = [
        News(one.id, one.alert_id, *ROUTE, one.what, one.created_at, False)
        for one in found
        if one.id not in {*gone, *dropped}
    ]
    rest = plan(later, {}, RULES, NOW + timedelta(hours=2))
    assert sorted(one.id for _, ready in rest.messages for one in ready) == [one.id for one in later]
    # Only what is silenced is ever dropped.
    silenced = {one.alert_id for one in found if one.silenced}
    assert {one.alert_id for one in planned.dropped} <= silenced


def test_an_open_alert_is_told_again_after_its_time() -> None:
    told = Told(UUID(int=1), *ROUTE, NOW - timedelta(hours=23))
    assert to_repeat([told], RULES, NOW) == []
    assert to_repeat([told], RULES, NOW + timedelta(hours=1)) == [told]
    never = Rules([Rule("ours", repeat=None)])
    assert to_repeat([told], never, NOW + timedelta(days=9)) == []


def test_the_first_rule_that_fits_decides_and_owners_are_found_by_their_table() -> None:
    quiet = Rule("quiet", on=frozenset({AlertKind.OVERDUE}), jobs=("documents.*",))
    all_else = Rule("else", to=("owner", "webhook:pager", "IT@example.com"), severity=Severity.CRITICAL)
    rules = Rules([quiet, all_else], owners={"Treasury": ("t@example.com",), "*": ("it@example.com",)})
    overdue = Cause(AlertKind.OVERDUE, "1", "documents.ocr", "documents.ocr", "acme")
    failed = Cause(AlertKind.RUN_FAILED, "1", "documents.ocr", "documents.ocr", "acme")
    letters = Cause(AlertKind.DEAD_LETTER, "1", "x")
    assert [rules.rule_for(one).name for one in (overdue, failed, letters)] == ["quiet", "else", "else"]
    assert severity_of(all_else, failed) is Severity.CRITICAL
    assert severity_of(quiet, overdue) is Severity.WARNING
    assert rules.destinations(all_else, "Treasury") == ["t@example.com", "webhook:pager", "IT@example.com"]
    # Nobody owns it: those who take what is left; each address once.
    assert rules.destinations(all_else, None) == ["it@example.com", "webhook:pager"]
    assert Rules().rule_for(failed).to == ()


def test_a_silence_fits_by_kind_and_patterns() -> None:
    silence = Silence(["run_failed"], ["documents.*"], [])
    assert silence.fits(AlertKind.RUN_FAILED, "documents.ocr", "acme")
    assert not silence.fits(AlertKind.OVERDUE, "documents.ocr", "acme")
    assert not silence.fits(AlertKind.RUN_FAILED, None, "acme")
    assert Silence([], [], ["ac*"]).fits(AlertKind.MISSED, "x.y", "acme")
