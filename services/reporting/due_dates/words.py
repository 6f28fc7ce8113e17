"""The texts of due-date reports in English and German. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Final

from babel.dates import format_skeleton

from services.reporting.due_dates.content import Section
from services.reporting.wording import Texts, Wording

_TEXTS: Final[Texts] = {
    "title": ("Due invoices", "Fällige Rechnungen"),
    "until": ("Due until {day}", "Fällig bis {day}"),
    "overdue": ("Overdue", "Überfällig"),
    "due": ("Due until {day}", "Fällig bis {day}"),
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
    "document": ("Document", "Dokument"),
    "nothing": (
        "Nothing is due until {day}.",
        "Bis {day} ist nichts fällig.",
    ),
    "incomplete": (
        "Not in the sums: {count} without amount or currency.",
        "Nicht in den Summen: {count} ohne Betrag oder Währung.",
    ),
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
    "urgent": ("Overdue for the longest time", "Am längsten überfällig"),
    "file": ("due-invoices-{as_of}-until-{until}", "faellige-rechnungen-{as_of}-bis-{until}"),
}


@dataclass(frozen=True, slots=True)
class Words(Wording):
    """The texts of one language."""

    texts: ClassVar[Texts] = _TEXTS

    def invoices(self, count: int) -> str:
        """`1 invoice`, `1,200 invoices`."""
        return self("invoice") if count == 1 else self("invoices", count=self.count(count))

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
        return self.span(section.first, section.last)
