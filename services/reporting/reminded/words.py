"""The texts of reports of reminders in English and German. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Final

from services.reporting.reminded.content import Content, Line
from services.reporting.wording import Texts, Wording

_TEXTS: Final[Texts] = {
    "title": ("Reminders", "Erinnerungen"),
    "span": ("{first} to {last}", "{first} bis {last}"),
    "nothing": ("Nobody was reminded of anything.", "Niemand wurde an etwas erinnert."),
    "all": ("Reminders", "Erinnerungen"),
    "in_doubt": ("In doubt whether it was sent", "Offen, ob versandt"),
    "open": ("Not done yet", "Noch nicht erledigt"),
    "done": ("Done since", "Seither erledigt"),
    "steps": ("By step", "Nach Stufe"),
    "step": ("Step", "Stufe"),
    "step_n": ("Step {step}", "Stufe {step}"),
    "sent": ("Sent", "Versandt"),
    "on": ("Reminded", "Erinnert"),
    "person": ("Person", "Person"),
    "substitute": ("Sent to", "Gesandt an"),
    "in_place": ("{person}, sent to {substitute}", "{person}, gesandt an {substitute}"),
    "matter": ("What", "Was"),
    "approve": ("approve", "freigeben"),
    "answer": ("answer a question", "Frage beantworten"),
    "due": ("By", "Bis"),
    "supplier": ("Supplier", "Lieferant"),
    "number": ("Invoice", "Rechnung"),
    "amount": ("Amount", "Betrag"),
    "currency": ("Currency", "Währung"),
    "now": ("Now", "Jetzt"),
    "group": ("Result", "Ergebnis"),
    "document": ("Document", "Dokument"),
    "run": ("Run", "Lauf"),
    "read": ("is being read", "wird gelesen"),
    "waiting": ("waits for approval", "wartet auf Freigabe"),
    "questioned": ("waits for an answer", "wartet auf Antwort"),
    "to_pay": ("approved", "freigegeben"),
    "ordered": ("with the bank", "bei der Bank"),
    "refused": ("refused by the bank", "von Bank abgelehnt"),
    "paid": ("paid", "bezahlt"),
    "rejected": ("rejected", "abgelehnt"),
    "more": (
        "{count} more stand in the workbook and in the CSV file.",
        "{count} weitere stehen in der Excel- und in der CSV-Datei.",
    ),
    "decide": (
        "Find out whether it arrived, then: tagwerk decide {run} {effect} happened, or repeat.",
        "Herausfinden, ob sie ankam, dann: tagwerk decide {run} {effect} happened oder repeat.",
    ),
    "subject": (
        "Reminders of {client}: {count} not done",
        "Erinnerungen bei {client}: {count} nicht erledigt",
    ),
    "urgent": ("Reminded most often", "Am häufigsten erinnert"),
    "file": ("reminders-{since}-to-{as_of}", "erinnerungen-{since}-bis-{as_of}"),
}


@dataclass(frozen=True, slots=True)
class Words(Wording):
    """The texts of one language."""

    texts: ClassVar[Texts] = _TEXTS

    def whom(self, line: Line) -> str:
        """`ada`, `ada, sent to ben`."""
        if line.substitute is None:
            return line.person
        return self("in_place", person=line.person, substitute=line.substitute)

    def invoice(self, line: Line) -> str:
        """`Nordlicht AG, R-17`."""
        return ", ".join(filter(None, (line.supplier or self("unknown"), line.invoice_number)))

    def sum(self, line: Line) -> str:
        amount = self.amount(line.amount) if line.amount is not None else ""
        return f"{line.currency or ''} {amount}".strip()

    def days(self, content: Content) -> str:
        if content.since == content.as_of:
            return self.long_day(content.as_of)
        return self("span", first=self.long_day(content.since), last=self.long_day(content.as_of))
