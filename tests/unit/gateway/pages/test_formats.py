from datetime import timedelta

import pytest
from babel.dates import TIMEDELTA_UNITS, format_timedelta

from services.gateway.pages.formats import Formats
from services.gateway.pages.preferences import Preferences, preferences_of
from services.gateway.pages.schedules.usual import Schedule, schedule_of
from tests.unit.gateway.pages.jobs import NOW


def preferences(accept: str = "", **cookies: str) -> Preferences:
    return preferences_of(cookies, accept, "Europe/Zurich")


@pytest.mark.parametrize(
    ("accept", "cookies", "language", "locale"),
    [
        ("", {}, "en", "en_GB"),
        ("de", {}, "de", "de_CH"),
        ("de-AT, en;q=0.5", {}, "de", "de_AT"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7", {}, "en", "en_GB"),
        ("en;q=0.2, de-DE;q=0.9", {}, "de", "de_DE"),
        ("de;q=0", {}, "en", "en_GB"),
        ("en-US", {"language": "de"}, "de", "de_CH"),
        ("de-XX, de;q=oops, ;;;", {"language": "<script>"}, "de", "de_CH"),
    ],
)
def test_the_language_is_chosen_else_what_the_browser_prefers(
    accept: str, cookies: dict[str, str], language: str, locale: str
) -> None:
    chosen = preferences(accept, **cookies)
    assert (chosen.language, str(chosen.locale)) == (language, locale)


def test_theme_and_zone_come_from_cookies_and_nonsense_is_not_chosen() -> None:
    chosen = preferences(theme="dark", time_zone="America/New_York")
    assert (chosen.theme, chosen.zone.key) == ("dark", "America/New_York")
    nonsense = preferences(theme="pink", time_zone="../../etc/passwd")
    assert (nonsense.theme, nonsense.zone.key) == ("auto", "Europe/Zurich")


def test_moments_are_in_the_readers_zone_and_locale() -> None:
    british, swiss = Formats(preferences("en-GB"), NOW), Formats(preferences("de-CH"), NOW)
    assert british.moment(NOW) == "27 Nov 2026, 14:03:07"
    assert swiss.moment_with_zone(NOW) == "27. November 2026, 14:03:07 MEZ"
    assert Formats(preferences(time_zone="UTC"), NOW).moment(NOW) == "27 Nov 2026, 13:03:07"
    assert british.ago(NOW - timedelta(minutes=3)) == "3 minutes ago"
    assert swiss.ago(NOW + timedelta(hours=2)) == "in 2 Stunden"
    assert british.ago(NOW) == "1 second ago"


@pytest.mark.parametrize("accept", ["en-GB", "de-CH"])
def test_how_long_ago_is_told_as_babel_tells_it(accept: str) -> None:
    formats = Formats(preferences(accept), NOW)
    edges = [0.85 * size for _, size in TIMEDELTA_UNITS] + [n * 0.5 for n in range(2, 300)]
    for seconds in [near for edge in edges for near in (edge - 1, edge, edge + 1, 7.3 * edge) if near >= 1]:
        for passed in (timedelta(seconds=seconds), timedelta(seconds=-seconds)):
            told = format_timedelta(passed, add_direction=True, locale=formats.preferences.locale)
            assert formats.ago(NOW + passed) == told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"), (0.0347, "35 ms"), (1, "1 s"), (1.44, "1.4 s"), (59.94, "59.9 s"), (59.96, "1 min"),
        (125, "2 min 5 s"), (3600, "1 h"), (3661, "1 h 1 min"), (90_000, "1 d 1 h"), (86_400, "1 d"),
    ],
)  # fmt: skip
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert Formats(preferences("en-GB"), NOW).duration(seconds) == words


def test_numbers_are_written_as_the_reader_does() -> None:
    assert Formats(preferences("de-DE"), NOW).duration(1.44) == "1,4 s"
    assert Formats(preferences("en-GB"), NOW).number(1234567) == "1,234,567"
    assert Formats(preferences("de-CH"), NOW).number(1234567) == "1’234’567"


def test_a_usual_schedule_has_words() -> None:
    assert schedule_of("15 2 * * *") == Schedule(time="02:15")
    assert schedule_of("0 18 * * 5") == Schedule(time="18:00", weekday=5)
    assert schedule_of("*/10 * * * *") == Schedule(every_minutes=10)
    assert schedule_of("* * * * *") == Schedule(every_minutes=1)
    assert schedule_of("0 6 1,15 * *") == Schedule()
