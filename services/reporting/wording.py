"""The texts of reports in English and German, and how they write numbers and days. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Final

from babel import Locale
from babel.dates import format_date, format_time

from shared.sentences.translating import sentence_in

#: Name -> the English and the German text.
Texts = Mapping[str, tuple[str, str]]

#: As the pages write numbers and days where the browser names no country.
_LOCALES: Final = {"en": Locale.parse("en_GB"), "de": Locale.parse("de_CH")}

_SHARED: Final[Texts] = {
    "as_of": ("As of {day}", "Stand {day}"),
    "page": ("Page", "Seite"),
    "summary": ("Summary", "Übersicht"),
    "total": ("Total", "Total"),
    "yes": ("yes", "ja"),
    "unknown": ("unknown", "unbekannt"),
    "attached": (
        "The whole list is attached.",
        "Die ganze Liste liegt bei.",
    ),
    "sent_by": (
        "Sent by Tagwerk, because somebody named your address for this report.",
        "Versandt von Tagwerk, weil Ihre Adresse für diesen Bericht angegeben wurde.",
    ),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language. Each kind of report has its own, with its `texts`."""

    language: str
    texts: ClassVar[Texts] = {}

    @property
    def locale(self) -> Locale:
        return _LOCALES[self.language]

    def __call__(self, name: str, **values: object) -> str:
        """The text called `name`, with its gaps filled."""
        texts = self.texts.get(name) or _SHARED[name]
        text = texts[0 if self.language == "en" else 1]
        return text.format(**values) if values else text

    def said(self, text: str) -> str:
        """What a service said of a failure, as far as it can be said in this language."""
        return sentence_in(self.language, text)[0]

    def amount(self, value: Decimal) -> str:
        """`1,234.50`, `1’234.50`."""
        return f"{value:,.2f}".replace(",", self._group).replace("-", "\N{MINUS SIGN}")

    def count(self, value: int) -> str:
        return f"{value:,}".replace(",", self._group)

    @property
    def _group(self) -> str:
        return "," if self.language == "en" else "\N{RIGHT SINGLE QUOTATION MARK}"

    def day(self, value: date) -> str:
        """`27 Nov 2026`, `27.11.2026`."""
        return _day(value, "medium", self.locale)

    def long_day(self, value: date) -> str:
        """`27 November 2026`, `27. November 2026`."""
        return _day(value, "long", self.locale)

    def short_day(self, value: date) -> str:
        """`7 Dec`, `7.12.`."""
        return _short(value, self.language, self.locale)

    def moment(self, value: datetime) -> str:
        """`27 Nov, 08:05`, `27.11., 08:05`; in the zone that the moment has."""
        return f"{self.short_day(value)}, {format_time(value, 'HH:mm', locale=self.locale)}"

    def span(self, first: date, last: date) -> str:
        """`1–7 Dec`, `28 Nov – 4 Dec`; `1.–7.12.`, `28.11.–4.12.`."""
        if first == last:
            return self.short_day(first)
        same_month = (first.year, first.month) == (last.year, last.month)
        if self.language == "de":
            begin = f"{first.day}." if same_month else f"{first.day}.{first.month}."
            return f"{begin}\N{EN DASH}{last.day}.{last.month}."
        if same_month:
            return f"{first.day}\N{EN DASH}{self.short_day(last)}"
        return f"{self.short_day(first)} \N{EN DASH} {self.short_day(last)}"


@lru_cache(1000)
def _short(value: date, language: str, locale: Locale) -> str:
    return f"{value.day}.{value.month}." if language == "de" else format_date(value, "d MMM", locale=locale)


@lru_cache(10_000)
def _day(value: date, form: str, locale: Locale) -> str:
    return format_date(value, form, locale=locale)
