"""The texts of due-date reports in English and German, and how they write numbers and days. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_skeleton

from services.reporting.due_dates.content import Section

#: As the pages write numbers and days where the browser names no country.
_LOCALES: Final = {"en": Locale.parse("en_GB"), "de": Locale.parse("de_CH")}

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Due invoices", "Fällige Rechnungen"),
    "until": ("Due until {day}", "Fällig bis {day}"),
    "as_of": ("As of {day}", "Stand {day}"),
    "overdue": ("Overdue", "Überfällig"),
    "due": ("Due until {day}", "Fällig bis {day}"),
    "total": ("Total", "Total"),
    "undated": ("Without due date", "Ohne Fälligkeit"),
    "later": ("Later", "Später"),
    "from": ("From {day}", "Ab {day}"),
    "invoice": ("1 invoice", "1 Rechnung"),
    "invoices": ("{count} invoices", "{count} Rechnungen"),
    "chart": ("When it is due, in {currency}", "Wann es fällig ist, in {currency}"),
    "who": ("Who has to act", "Wer etwas tun muss"),
    "due_date": ("Due", "Fällig"),
    "supplier": ("Supplier", "Lieferant"),
    "number": ("Invoice", "Rechnung"),
    "amount": ("Amount", "Betrag"),
    "currency": ("Currency", "Währung"),
    "status": ("What is next", "Was ansteht"),
    "role": ("Role", "Rolle"),
    "duplicate": ("Possible duplicate", "Mögliches Duplikat"),
    "yes": ("yes", "ja"),
    "document": ("Document", "Dokument"),
    "unknown": ("unknown", "unbekannt"),
    "nothing": (
        "Nothing is due until {day}.",
        "Bis {day} ist nichts fällig.",
    ),
    "incomplete": (
        "Not in the sums: {count} without amount or currency.",
        "Nicht in den Summen: {count} ohne Betrag oder Währung.",
    ),
    "summary": ("Summary", "Übersicht"),
    "page": ("Page", "Seite"),
    # What is next, by state.
    "read": ("is being read", "wird gelesen"),
    "waiting": ("approval", "Freigabe"),
    "questioned": ("question", "Rückfrage"),
    "to_pay": ("order the payment", "Zahlung anweisen"),
    "ordered": ("with the bank", "bei der Bank"),
    "refused": ("refused by the bank", "von Bank abgelehnt"),
    # Of mails.
    "subject": (
        "Due invoices of {client} until {day}",
        "Fällige Rechnungen von {client} bis {day}",
    ),
    "attached": (
        "The whole list is attached.",
        "Die ganze Liste liegt bei.",
    ),
    "sent_by": (
        "Sent by Tagwerk, because somebody named your address for this report.",
        "Versandt von Tagwerk, weil Ihre Adresse für diesen Bericht angegeben wurde.",
    ),
    "urgent": ("Overdue for the longest time", "Am längsten überfällig"),
    "file": ("due-invoices-{as_of}-until-{until}", "faellige-rechnungen-{as_of}-bis-{until}"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: str

    @property
    def locale(self) -> Locale:
        return _LOCALES[self.language]

    def __call__(self, name: str, **values: object) -> str:
        """The text called `name`, with its gaps filled."""
        text = _TEXTS[name][0 if self.language == "en" else 1]
        return text.format(**values) if values else text

    def amount(self, value: Decimal) -> str:
        """`1,234.50`, `1’234.50`."""
        group = "," if self.language == "en" else "\N{RIGHT SINGLE QUOTATION MARK}"
        return f"{value:,.2f}".replace(",", group).replace("-", "\N{MINUS SIGN}")

    def count(self, value: int) -> str:
        return f"{value:,}".replace(",", "," if self.language == "en" else "\N{RIGHT SINGLE QUOTATION MARK}")

    def invoices(self, count: int) -> str:
        """`1 invoice`, `1,200 invoices`."""
        return self("invoice") if count == 1 else self("invoices", count=self.count(count))

    def day(self, value: date) -> str:
        """`27 Nov 2026`, `27.11.2026`."""
        return _day(value, "medium", self.locale)

    def long_day(self, value: date) -> str:
        """`27 November 2026`, `27. November 2026`."""
        return _day(value, "long", self.locale)

    def next_step(self, state: str, role: str | None) -> str:
        """What is to be done next, and by whom where a role has to: `approval: accounting`."""
        return f"{self(state)}: {role}" if role else self(state)

    def section(self, section: Section) -> str:
        """`Overdue`, `1–7 Dec`, `December 2026`."""
        if section.first is None or section.last is None:
            return self(section.kind)
        if section.kind == "later":
            return self("from", day=self.day(section.first))
        if section.kind == "month":
            return str(format_skeleton("yMMM", section.first, locale=self.locale))
        if section.first == section.last:
            return _short(section.first, self.language, self.locale)
        return _span(section.first, section.last, self.language, self.locale)


def _span(first: date, last: date, language: str, locale: Locale) -> str:
    """`1–7 Dec`, `28 Nov – 4 Dec`; `1.–7.12.`, `28.11.–4.12.`."""
    same_month = (first.year, first.month) == (last.year, last.month)
    if language == "de":
        begin = f"{first.day}." if same_month else f"{first.day}.{first.month}."
        return f"{begin}\N{EN DASH}{last.day}.{last.month}."
    if same_month:
        return f"{first.day}\N{EN DASH}{_short(last, language, locale)}"
    return f"{_short(first, language, locale)} \N{EN DASH} {_short(last, language, locale)}"


@lru_cache(1000)
def _short(value: date, language: str, locale: Locale) -> str:
    """`7 Dec`, `7.12.`."""
    return f"{value.day}.{value.month}." if language == "de" else format_date(value, "d MMM", locale=locale)


@lru_cache(10_000)
def _day(value: date, form: str, locale: Locale) -> str:
    return format_date(value, form, locale=locale)
