"""The texts of exception reports in English and German. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Final

from services.reporting.exceptions.content import Line
from services.reporting.wording import Texts, Wording

_TEXTS: Final[Texts] = {
    "title": ("Exceptions", "Ausnahmen"),
    "span": ("{first} to {last}", "{first} bis {last}"),
    "nothing": (
        "Nothing went wrong, and nothing waits for anybody.",
        "Es ist nichts schiefgegangen, und nichts wartet auf jemanden.",
    ),
    "all": ("Exceptions", "Ausnahmen"),
    "open": ("Still to do", "Noch zu tun"),
    "settled": ("Settled since", "Inzwischen erledigt"),
    "chart": ("Exceptions by day; red: still to do", "Ausnahmen pro Tag; rot: noch zu tun"),
    "chart_weeks": ("Exceptions by week; red: still to do", "Ausnahmen pro Woche; rot: noch zu tun"),
    "hidden": (
        "{count} more concern jobs that the one who asked for this report may not see.",
        "{count} weitere betreffen Jobs, die für die Person hinter diesem Bericht nicht sichtbar sind.",
    ),
    # Kinds, as headings and as values of a column.
    "doubt": ("Waiting for a decision", "Warten auf eine Entscheidung"),
    "run": ("Failed and partial runs", "Fehlgeschlagene und unvollständige Läufe"),
    "lost": ("Runs without a sign of life", "Läufe ohne Lebenszeichen"),
    "overdue": ("Runs that take too long", "Läufe, die zu lange dauern"),
    "unworked": ("Queues that nobody works on", "Warteschlangen, die niemand abarbeitet"),
    "missed": ("Missed occurrences", "Verpasste Termine"),
    "dead_letter": ("Messages that could not be handled", "Nicht verarbeitbare Nachrichten"),
    "stuck": (
        "Invoices that do not go on for more than {days} days",
        "Rechnungen ohne Fortschritt seit mehr als {days} Tagen",
    ),
    "kind": ("Kind", "Art"),
    "when": ("When", "Wann"),
    "what": ("What", "Was"),
    "cause": ("Cause", "Ursache"),
    "code": ("Code", "Code"),
    "next": ("What to do", "Was zu tun ist"),
    "state": ("State", "Stand"),
    "to_do": ("To do", "Offen"),
    "records": ("Records", "Datensätze"),
    "failed_records": ("Failed", "Fehlgeschlagen"),
    "retry": ("Run again", "Wiederholen"),
    "run_id": ("Run", "Lauf"),
    "key": ("Key", "Schlüssel"),
    "number": ("Invoice", "Rechnung"),
    "amount": ("Amount", "Betrag"),
    "currency": ("Currency", "Währung"),
    "role": ("Role", "Rolle"),
    "decide_how": (
        "Find out whether it happened, then: tagwerk decide {run_id} {effect} happened, or repeat.",
        "Herausfinden, ob es geschehen ist, dann: tagwerk decide {run_id} {effect} happened oder repeat.",
    ),
    "backfill_how": (
        "If it is still wanted: tagwerk schedule backfill {schedule}.",
        "Falls es noch gewünscht ist: tagwerk schedule backfill {schedule}.",
    ),
    # How a run ended.
    "failed": ("failed", "fehlgeschlagen"),
    "partially_failed": ("partly failed", "teilweise fehlgeschlagen"),
    "timed_out": ("timed out", "Zeit abgelaufen"),
    "interrupted": ("interrupted", "unterbrochen"),
    "mended": ("done again since", "inzwischen nachgeholt"),
    "over": ("over since", "inzwischen vorbei"),
    # Where an invoice is.
    "read": ("nobody has been asked to approve it", "noch niemand um Freigabe gebeten"),
    "waiting": ("waits for approval", "wartet auf Freigabe"),
    "questioned": ("waits for an answer", "wartet auf eine Antwort"),
    "to_pay": (
        "approved, overdue and in no payment file",
        "freigegeben, überfällig und in keiner Zahlungsdatei",
    ),
    "ordered": ("with the bank", "bei der Bank"),
    "refused": ("refused by the bank", "von der Bank abgelehnt"),
    "by": ("{state}: {role}", "{state}: {role}"),
    # Whether it can run again.
    "safe": ("safe to run again", "Wiederholen ist gefahrlos"),
    "risky": ("run again with care", "Wiederholen mit Vorsicht"),
    "decide": ("decide first", "zuerst entscheiden"),
    "of_records": (
        "{failed} of {records} records failed",
        "{failed} von {records} Datensätzen fehlgeschlagen",
    ),
    "gone_since": ("no sign of life of its worker", "kein Lebenszeichen des Workers"),
    "too_long": ("it takes longer than expected", "dauert länger als erwartet"),
    "nobody": ("requests wait, and nobody takes them", "Aufträge warten, und niemand übernimmt sie"),
    "nobody_there": ("nobody was there to start it", "niemand war da, um ihn zu starten"),
    # Of mails.
    "subject": (
        "Exceptions of {client}: {count} to look after",
        "Ausnahmen bei {client}: {count} zu erledigen",
    ),
    "subject_none": ("Exceptions of {client}: none", "Ausnahmen bei {client}: keine"),
    "more": (
        "{count} more stand in the workbook and in the CSV file.",
        "{count} weitere stehen in der Excel- und in der CSV-Datei.",
    ),
    "urgent": ("To look after", "Zu erledigen"),
    "file": ("exceptions-{as_of}", "ausnahmen-{as_of}"),
}


@dataclass(frozen=True, slots=True)
class Words(Wording):
    """The texts of one language."""

    texts: ClassVar[Texts] = _TEXTS

    def heading(self, kind: str, stuck_after: int) -> str:
        """Of the lines of a kind."""
        return self(kind, days=stuck_after) if kind == "stuck" else self(kind)

    def state(self, line: Line) -> str:
        """`partly failed`, `waits for approval: accounting`."""
        if line.kind in ("lost", "overdue", "unworked"):
            return "" if line.open else self("over")
        if line.kind == "run" and not line.open:
            return self("mended")
        if line.state is None:
            return ""
        said = self(line.state)
        return self("by", state=said, role=line.role) if line.role else said

    def next_step(self, line: Line) -> str:
        """What to do: as who failed said it, or as it is done for this kind."""
        match line.kind:
            case "doubt":
                return self("decide_how", run_id=line.run_id, effect=line.number)
            case "missed":
                return self("backfill_how", schedule=line.number)
        return self.said(line.next_step or "")

    def cause(self, line: Line) -> str:
        """Why, in words: those of who said it, or of this report where nobody did."""
        own = {"lost": "gone_since", "overdue": "too_long", "unworked": "nobody", "missed": "nobody_there"}
        if line.cause:
            return self.said(line.cause)
        if line.kind == "run" and line.failed:
            return self("of_records", failed=self.count(line.failed), records=self.count(line.records))
        return self(own[line.kind]) if line.kind in own else ""
