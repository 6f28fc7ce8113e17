"""What alerts are called in mails, in English and German. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.reporting.alerts.content import Item
from shared.sentences.translating import sentence_in
from shared.words import AlertKind, AlertNews, Severity

#: `{what}` is the concern: a job, a schedule, a system.
SENTENCES: Final[Mapping[AlertKind, tuple[str, str]]] = {
    AlertKind.RUN_FAILED: ("{what} failed", "{what} ist fehlgeschlagen"),
    AlertKind.NEEDS_DECISION: ("{what} needs a decision", "{what} braucht eine Entscheidung"),
    AlertKind.OVERDUE: ("{what} takes longer than expected", "{what} dauert länger als erwartet"),
    AlertKind.LOST: (
        "The worker of {what} gives no sign of life",
        "Der Arbeitsprozess von {what} gibt kein Lebenszeichen",
    ),
    AlertKind.UNWORKED: ("Nobody works on {what}", "Niemand bearbeitet {what}"),
    AlertKind.MISSED: ("The schedule {what} was missed", "Der Zeitplan {what} wurde verpasst"),
    AlertKind.DEAD_LETTER: (
        "{what} could not handle messages",
        "{what} konnte Nachrichten nicht verarbeiten",
    ),
    AlertKind.SYSTEM_UNREACHABLE: ("{what} cannot be reached", "{what} ist nicht erreichbar"),
    AlertKind.AGENT_AWAY: ("The agent {what} is away", "Der Agent {what} ist nicht da"),
    AlertKind.PROJECTION_BEHIND: (
        "What is shown of runs is behind",
        "Die Anzeige der Läufe ist im Rückstand",
    ),
}

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "over": ("Over: {sentence}", "Vorbei: {sentence}"),
    "still": ("Still: {sentence}", "Weiterhin: {sentence}"),
    "several": ("{n} alerts, the first: {sentence}", "{n} Alarme, der erste: {sentence}"),
    "critical": ("urgent", "dringend"),
    "since": ("since {time}", "seit {time}"),
    "from_to": ("from {opened} to {closed}", "von {opened} bis {closed}"),
    "times": ("{n} times", "{n}-mal"),
    "client": ("client {name}", "Mandant {name}"),
    "why": ("Why", "Grund"),
    "next": ("What to do", "Was zu tun ist"),
    "run": ("The run", "Zum Lauf"),
    "more": ("and {n} more", "und {n} weitere"),
    "all": ("All alerts", "Alle Alarme"),
    "sent_by": (
        "Sent by Tagwerk, by the rule “{rule}”. An alert can be silenced on the page of alerts.",
        "Von Tagwerk nach der Regel «{rule}» verschickt. Auf der Seite der Alarme lässt sich ein Alarm"
        " stumm schalten.",
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    language: str
    zone: ZoneInfo

    def __call__(self, text: str, /, **values: object) -> str:
        return _TEXTS[text][self.language == "de"].format(**values)

    def said(self, text: str) -> str:
        """What a service said of a failure, as far as it can be said in this language."""
        return sentence_in(self.language, text)[0]

    def moment(self, time: datetime) -> str:
        """With the zone, since whoever reads it may sit elsewhere."""
        local = time.astimezone(self.zone)
        written = f"{local:%d.%m.%Y %H:%M}" if self.language == "de" else f"{local:%Y-%m-%d %H:%M}"
        return f"{written} {local.tzname()}"

    def sentence(self, item: Item) -> str:
        return SENTENCES[item.kind][self.language == "de"].format(what=item.concern)

    def headline(self, item: Item) -> str:
        sentence = self.sentence(item)
        if item.closed_at is not None:
            return self("over", sentence=sentence)
        return self("still", sentence=sentence) if item.what is AlertNews.STILL else sentence

    def facts(self, item: Item) -> list[str]:
        """`urgent`, `client acme`, `since …`, `3 times`."""
        found = []
        if item.severity is Severity.CRITICAL and item.closed_at is None:
            found.append(self("critical"))
        if item.client is not None:
            found.append(self("client", name=item.client))
        if item.closed_at is None:
            found.append(self("since", time=self.moment(item.opened_at)))
        else:
            opened, closed = self.moment(item.opened_at), self.moment(item.closed_at)
            found.append(self("from_to", opened=opened, closed=closed))
        if item.count > 1:
            found.append(self("times", n=item.count))
        return found
