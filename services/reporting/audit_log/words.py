"""The texts of audit reports in English and German. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Final

from services.reporting.wording import Texts, Wording

#: What was done, as the pages call it; a kind that is newer is told as it is written.
_DEEDS: Final[Texts] = {
    "access_refused": ("Refused", "Abgelehnt"),
    "account_locked": ("Account locked", "Konto gesperrt"),
    "approval_withdrawn": ("Approval withdrawn", "Freigabe zurückgenommen"),
    "contents_removed": ("Contents of the log removed", "Inhalte des Protokolls entfernt"),
    "dead_letter_replayed": ("Dead letter published again", "Unzustellbare Nachricht erneut gesendet"),
    "delivered": ("Delivered", "Ausgeliefert"),
    "effect_decided": ("Effect decided", "Über Wirkung entschieden"),
    "history_missing": ("A part of the history is missing", "Ein Teil der Geschichte fehlt"),
    "invoice_answered": ("Question answered", "Rückfrage beantwortet"),
    "invoice_approved": ("Invoice approved", "Rechnung freigegeben"),
    "invoice_corrected": ("Invoice corrected", "Rechnung korrigiert"),
    "invoice_questioned": ("Asked back", "Rückfrage gestellt"),
    "invoice_rejected": ("Invoice rejected", "Rechnung abgelehnt"),
    "password_changed": ("Password changed", "Passwort geändert"),
    "password_set": ("Password set", "Passwort gesetzt"),
    "principal_changed": ("Account changed", "Konto geändert"),
    "rebuild_requested": ("Projection rebuilt", "Projektion neu aufgebaut"),
    "rules_changed": ("Rules changed", "Regeln geändert"),
    "run_cancel_requested": ("Cancel requested", "Abbruch verlangt"),
    "run_requested": ("Run requested", "Lauf angefordert"),
    "session_ended": ("Session ended", "Sitzung beendet"),
    "sign_in_rejected": ("Sign-in rejected", "Anmeldung abgewiesen"),
    "signed_in": ("Signed in", "Angemeldet"),
    "signed_out": ("Signed out", "Abgemeldet"),
    "start_refused": ("Start refused", "Start abgelehnt"),
    "token_issued": ("Token issued", "Token ausgestellt"),
    "token_revoked": ("Token revoked", "Token widerrufen"),
    "unreadable": ("Message that cannot be read", "Nicht lesbare Nachricht"),
}

_TEXTS: Final[Texts] = {
    "title": ("Who did what", "Wer hat was getan"),
    "span": ("{first} to {last}", "{first} bis {last}"),
    "only_principal": ("only {principal}", "nur {principal}"),
    "only_kinds": ("only: {kinds}", "nur: {kinds}"),
    "nothing": (
        "Nothing was done in these days that the audit log tells of.",
        "In diesen Tagen ist nichts geschehen, wovon das Audit-Protokoll berichtet.",
    ),
    "entries": ("Entries", "Einträge"),
    "people": ("Who acted", "Handelnde"),
    "refusals": ("Refused or rejected", "Verweigert oder abgelehnt"),
    "rights": ("Rights and rules changed", "Rechte und Regeln geändert"),
    "gaps": ("Gaps and removals", "Lücken und Löschungen"),
    "chart": (
        "Entries by day; red: with refusals or gaps",
        "Einträge pro Tag; rot: mit Verweigerungen oder Lücken",
    ),
    "chart_weeks": (
        "Entries by week; red: with refusals or gaps",
        "Einträge pro Woche; rot: mit Verweigerungen oder Lücken",
    ),
    "by_kind": ("What was done", "Was getan wurde"),
    "by_principal": ("Who did it", "Wer es getan hat"),
    "others": ("{count} others", "{count} weitere"),
    "proof": ("Can the log be trusted?", "Ist dem Protokoll zu trauen?"),
    "check_good": (
        "Checked on {at}: all {entries} entries up to then are as they were written.",
        "Geprüft am {at}: Alle {entries} Einträge bis dahin sind, wie sie geschrieben wurden.",
    ),
    "check_short": (
        "The entries of this report after number {entries} were written later, and are checked next time.",
        "Die Einträge dieses Berichts nach Nummer {entries} kamen später und werden das nächste Mal geprüft.",
    ),
    "check_broken": (
        "Checked on {at}: NOT as it was written. {cause}",
        "Geprüft am {at}: NICHT so, wie es geschrieben wurde. {cause}",
    ),
    "check_broken_at": (
        "The first wrong entry is number {number}.",
        "Der erste falsche Eintrag ist Nummer {number}.",
    ),
    "check_none": (
        "The log has not been checked yet: tagwerk start audit.verify-log.",
        "Das Protokoll wurde noch nicht geprüft: tagwerk start audit.verify-log.",
    ),
    "head": (
        "Signed up to entry {number} on {at}.",
        "Signiert bis Eintrag {number} am {at}.",
    ),
    "head_none": (
        "Nothing is signed: whoever can write the database can rewrite the whole log.",
        "Nichts ist signiert: Wer die Datenbank schreiben kann, kann das ganze Protokoll neu schreiben.",
    ),
    "to_check": ("What to check", "Was zu prüfen ist"),
    "check_refusals": (
        "{count} refused or rejected: do these people lack a role, or did somebody try what is not theirs?",
        "{count} verweigert oder abgelehnt: Fehlt eine Rolle, oder hat jemand etwas Fremdes versucht?",
    ),
    "check_rights": (
        "{count} changes of accounts, tokens, passwords or rules: was each of them wanted, and by whom?",
        "{count} Änderungen an Konten, Tokens, Passwörtern oder Regeln: War jede gewollt, und von wem?",
    ),
    "check_gaps": (
        "{count} entries tell of a gap, a removal or an unreadable message: is each of them explained?",
        "{count} Einträge zu Lücken, Löschungen oder unlesbaren Nachrichten: Ist jeder davon erklärt?",
    ),
    "check_export": (
        "To prove an entry to somebody else: tagwerk audit export, then deploy/verify_audit_export.py.",
        "Um jemandem einen Eintrag zu beweisen: tagwerk audit export, dann deploy/verify_audit_export.py.",
    ),
    "cut": (
        "Cut: these are the newest {count}, and there are more. All of them: tagwerk audit export.",
        "Gekürzt: Dies sind die neuesten {count}, und es gibt mehr. Alle: tagwerk audit export.",
    ),
    "more": (
        "{count} more stand in the workbook and in the CSV file.",
        "{count} weitere stehen in der Excel- und in der CSV-Datei.",
    ),
    "list": ("Entries, the newest first", "Einträge, die neuesten zuerst"),
    "number": ("Number", "Nummer"),
    "when": ("When", "Wann"),
    "who": ("Who", "Wer"),
    "as": ("As", "Als"),
    "deed": ("What", "Was"),
    "concern": ("About", "Betrifft"),
    "client": ("Client", "Mandant"),
    "reason": ("Reason", "Begründung"),
    "run_id": ("Run", "Lauf"),
    "before": ("Before", "Vorher"),
    "after": ("After", "Nachher"),
    # Of mails.
    "subject": ("Who did what at {client}, {span}", "Wer hat was getan bei {client}, {span}"),
    "urgent": ("Refused, and changes of rights", "Verweigertes und geänderte Rechte"),
    "file": ("audit-{since}-until-{until}", "audit-{since}-bis-{until}"),
}


@dataclass(frozen=True, slots=True)
class Words(Wording):
    """The texts of one language."""

    texts: ClassVar[Texts] = _TEXTS

    def deed(self, kind: str) -> str:
        """`Run requested`."""
        known = _DEEDS.get(kind)
        if known is None:
            return kind.replace("_", " ")
        return known[0 if self.language == "en" else 1]
