"""The texts of reminders in English and German. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Final

from services.reporting.wording import Texts, Wording

_TEXTS: Final[Texts] = {
    "subject_one": ("{client}: 1 invoice waits for you", "{client}: 1 Rechnung wartet auf Sie"),
    "subject": ("{client}: {count} invoices wait for you", "{client}: {count} Rechnungen warten auf Sie"),
    "title_one": ("1 invoice waits for you", "1 Rechnung wartet auf Sie"),
    "title": ("{count} invoices wait for you", "{count} Rechnungen warten auf Sie"),
    "greeting": ("Hello {who},", "Guten Tag {who}"),
    "own": ("On your list", "Auf Ihrer Liste"),
    "in_place": (
        "In place of {who}, who is away until {day}",
        "In Vertretung von {who}, abwesend bis {day}",
    ),
    "stands_in": ("In place of {who}", "In Vertretung von {who}"),
    "approve": ("To approve", "Freizugeben"),
    "answer": ("A question to answer", "Eine Frage zu beantworten"),
    "refused": (
        "To approve again: the bank refused the payment",
        "Erneut freizugeben: Die Bank hat die Zahlung abgelehnt",
    ),
    "overdue": ("overdue since {day}", "überfällig seit {day}"),
    "today": ("due today", "heute fällig"),
    "due": ("due on {day}", "fällig am {day}"),
    "step": ("reminder {step}", "Erinnerung {step}"),
    "open": ("Open", "Öffnen"),
    "pay_by": ("to be paid by {day}", "zahlbar bis {day}"),
    "footer": (
        "Sent by Tagwerk, because these invoices are yours to act on. No reminder comes twice.",
        "Versandt von Tagwerk, weil Sie diese Rechnungen bearbeiten dürfen. Keine Erinnerung kommt zweimal.",
    ),
}


@dataclass(frozen=True, slots=True)
class Words(Wording):
    """The texts of one language."""

    texts: ClassVar[Texts] = _TEXTS

    def counted(self, name: str, count: int, **values: object) -> str:
        return self(f"{name}_one", **values) if count == 1 else self(name, count=self.count(count), **values)
