"""How somebody wants to read: language, theme, time zone, from their cookies and their browser. Pure."""

import functools
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

Language = Literal["en", "de"]
Theme = Literal["auto", "light", "dark"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
THEMES: tuple[Theme, ...] = get_args(Theme)

#: How numbers and dates are written where the browser names no country.
_USUAL: Mapping[Language, Locale] = {"en": Locale.parse("en_GB"), "de": Locale.parse("de_CH")}

#: Names of the cookies.
LANGUAGE_COOKIE = "language"
THEME_COOKIE = "theme"
ZONE_COOKIE = "time_zone"


@dataclass(frozen=True, slots=True)
class Preferences:
    language: Language
    #: Writes numbers and dates; its language is `language`.
    locale: Locale
    theme: Theme
    zone: ZoneInfo


def preferences_of(cookies: Mapping[str, str], accept_language: str, default_zone: str) -> Preferences:
    """What was chosen, else what the browser prefers, else English; nonsense counts as not chosen."""
    wanted = _wanted(accept_language)
    language: Language = next(
        (known for tag in (cookies.get(LANGUAGE_COOKIE, ""), *wanted) for known in LANGUAGES
         if tag.partition("-")[0] == known),
        "en",
    )  # fmt: skip
    zone = cookies.get(ZONE_COOKIE, "")
    return Preferences(
        language=language,
        locale=_locale(language, wanted),
        theme=next((known for known in THEMES if known == cookies.get(THEME_COOKIE)), "auto"),
        zone=ZoneInfo(zone if zone in zones() else default_zone),
    )


def _wanted(accept_language: str) -> list[str]:
    """Language tags (https://www.rfc-editor.org/rfc/rfc9110#field.accept-language), the best first."""
    weighed: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if quality > 0:
            weighed.append((quality, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def _locale(language: Language, wanted: list[str]) -> Locale:
    for tag in wanted:
        spoken, _, country = tag.partition("-")
        if spoken.lower() != language or not country:
            continue
        try:
            return Locale(language, country.upper())
        except (UnknownLocaleError, ValueError):
            continue
    return _USUAL[language]


@functools.cache
def zones() -> frozenset[str]:
    """Zones that can be chosen: `Europe/Zurich`, `UTC`; no old names without a place."""
    known = zoneinfo.available_timezones()
    return frozenset(
        name for name in known if name == "UTC" or ("/" in name and not name.startswith(("Etc/", "System")))
    )
