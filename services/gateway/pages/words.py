"""What enumerated words are called on a page: messages, which templates translate."""

from collections.abc import Mapping

from services.gateway.pages.languages import N_
from services.gateway.pages.preferences import Language, Theme
from services.gateway.preflight.findings import CheckName
from shared.words import (
    BreakerState,
    CallOutcome,
    Catchup,
    CheckVerdict,
    ClosedDays,
    Danger,
    Kind,
    Level,
    LogLevel,
    OccurrenceVerdict,
    Outcome,
    Overlap,
    RunState,
    Trigger,
)

STATES: Mapping[RunState, str] = {
    RunState.QUEUED: N_("queued"),
    RunState.RUNNING: N_("running"),
    RunState.WAITING: N_("waiting"),
    RunState.SUCCEEDED: N_("succeeded"),
    RunState.PARTIALLY_FAILED: N_("partially failed"),
    RunState.FAILED: N_("failed"),
    RunState.CANCELLED: N_("cancelled"),
    RunState.TIMED_OUT: N_("timed out"),
    RunState.INTERRUPTED: N_("interrupted"),
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.CREATED: N_("created"),
    Outcome.UPDATED: N_("updated"),
    Outcome.DELETED: N_("deleted"),
    Outcome.UNCHANGED: N_("unchanged"),
    Outcome.SKIPPED: N_("skipped"),
    Outcome.FAILED: N_("failed"),
    Outcome.UNKNOWN: N_("unknown"),
}

#: Whether the calls of an address are tried.
BREAKERS: Mapping[BreakerState, str] = {
    BreakerState.CLOSED: N_("called"),
    BreakerState.OPEN: N_("paused"),
    BreakerState.HALF_OPEN: N_("tried with the next call"),
}
BREAKER_TONES: Mapping[BreakerState, str] = {
    BreakerState.CLOSED: "good",
    BreakerState.OPEN: "danger",
    BreakerState.HALF_OPEN: "careful",
}

CALL_OUTCOMES: Mapping[CallOutcome, str] = {
    CallOutcome.SUCCEEDED: N_("succeeded"),
    CallOutcome.FAILED: N_("failed"),
    CallOutcome.UNKNOWN: N_("in doubt"),
}

#: What became of an attempt: besides the states of runs.
ATTEMPTS: Mapping[str, str] = {
    **{state.value: name for state, name in STATES.items()},
    "handed_over": N_("handed over"),
    "crashed": N_("its worker died"),
}

LOG_LEVELS: Mapping[LogLevel, str] = {
    LogLevel.DEBUG: N_("Everything"),
    LogLevel.INFO: N_("From information on"),
    LogLevel.WARNING: N_("From warnings on"),
    LogLevel.ERROR: N_("Errors only"),
}

KINDS: Mapping[Kind, str] = {
    Kind.PROCESSING: N_("Processing"),
    Kind.INTEGRATION: N_("Integration"),
    Kind.REPORTING: N_("Reporting"),
    Kind.MAINTENANCE: N_("Maintenance"),
}

TRIGGERS: Mapping[Trigger, str] = {
    Trigger.MANUAL: N_("by hand"),
    Trigger.SCHEDULE: N_("schedule"),
    Trigger.EVENT: N_("event"),
    Trigger.MQTT: N_("MQTT"),
    Trigger.RERUN: N_("rerun"),
}

#: What starts a job by itself, by the type of the event.
EVENTS: Mapping[str, str] = {
    "event.document.uploaded": N_("when a document is uploaded"),
    "event.document.converted": N_("when a document is converted"),
    "event.document.text_recognized": N_("when text is recognized"),
    "event.invoice.analysed": N_("when an invoice is analysed"),
    "event.invoice.corrected": N_("when an invoice is corrected"),
    "event.approval.requested": N_("when an approval is requested"),
    "event.invoice.approved": N_("when an invoice is approved"),
    "event.approval.withdrawn": N_("when an approval is withdrawn"),
    "event.invoice.rejected": N_("when an invoice is rejected"),
    "event.invoice.questioned": N_("when an invoice is questioned"),
    "event.payment.status_changed": N_("when a payment changes its state"),
    "event.payment.withheld": N_("when a payment is withheld"),
    "event.invoice.paid": N_("when an invoice is paid"),
    "event.rates.imported": N_("when rates are imported"),
    "event.message.received": N_("when a message is received over MQTT"),
    "event.agent.away": N_("when an agent is away"),
    "event.agent.back": N_("when an agent is there"),
    "event.run.overdue": N_("when a run takes too long"),
    "event.run.overdue_ended": N_("when a run that took too long has ended"),
    "event.run.lost": N_("when a run gives no sign of life"),
    "event.run.found": N_("when a run that was lost goes on or has ended"),
    "event.queue.unworked": N_("when nobody works on what waits for a job"),
    "event.queue.worked": N_("when somebody works on what waits for a job again"),
    "event.system.unreachable": N_("when a system outside cannot be reached"),
    "event.system.reachable": N_("when a system outside can be reached again"),
}

WEEKDAYS: tuple[str, ...] = (
    N_("on Sundays"), N_("on Mondays"), N_("on Tuesdays"), N_("on Wednesdays"), N_("on Thursdays"),
    N_("on Fridays"), N_("on Saturdays"), N_("on Sundays"),
)  # fmt: skip

OCCURRENCES: Mapping[OccurrenceVerdict, str] = {
    OccurrenceVerdict.STARTED: N_("started"),
    OccurrenceVerdict.SKIPPED: N_("skipped"),
    OccurrenceVerdict.MISSED: N_("missed"),
}

OCCURRENCE_TONES: Mapping[OccurrenceVerdict, str] = {
    OccurrenceVerdict.STARTED: "good",
    OccurrenceVerdict.SKIPPED: "unknown",
    OccurrenceVerdict.MISSED: "danger",
}

CATCHUPS: Mapping[Catchup, str] = {
    Catchup.NONE: N_("nothing is made up for"),
    Catchup.LAST: N_("the last one is made up for"),
    Catchup.ALL: N_("all are made up for"),
}

OVERLAPS: Mapping[Overlap, str] = {
    Overlap.SKIP: N_("skip it"),
    Overlap.QUEUE_ONE: N_("one waits for the run before"),
    Overlap.QUEUE_ALL: N_("all wait for the run before"),
    Overlap.CANCEL_RUNNING: N_("cancel the run before"),
    Overlap.ALLOW: N_("start it all the same"),
}

CLOSED_DAYS: Mapping[ClosedDays, str] = {
    ClosedDays.NONE: N_("no day is closed"),
    ClosedDays.HOLIDAYS: N_("holidays"),
    ClosedDays.NOT_BUSINESS: N_("weekends and holidays"),
}

#: Closed days that are no holidays.
WEEKEND: Mapping[str, str] = {"Saturday": N_("Saturday"), "Sunday": N_("Sunday")}

#: What marks a planned occurrence.
TRANSITIONS: Mapping[str, str] = {
    "shifted": N_("this time does not exist on the day; the next instant counts"),
    "first_of_two": N_("this time exists twice on the day; the first counts"),
}

LEVELS: Mapping[Level, str] = {
    Level.GENERAL: N_("for everybody"),
    Level.OPERATIONAL: N_("for operational administrators"),
    Level.TECHNICAL: N_("for technical administrators"),
}

DANGERS: Mapping[Danger, str] = {
    Danger.EXTERNAL_BOOKING: N_("books externally"),
    Danger.DESTRUCTIVE: N_("destructive"),
}

#: What is looked at before a start.
CHECKS: Mapping[CheckName, str] = {
    "permission": N_("Permission"),
    "parameters": N_("Parameters"),
    "repetition": N_("Safe to run again"),
    "service": N_("Somebody to work on it"),
    "system": N_("System outside"),
    "location": N_("Where it writes"),
}

VERDICTS: Mapping[CheckVerdict, str] = {
    CheckVerdict.OK: N_("good"),
    CheckVerdict.WARNING: N_("read this"),
    CheckVerdict.REFUSED: N_("refused"),
    CheckVerdict.UNKNOWN: N_("not known"),
}

VERDICT_TONES: Mapping[CheckVerdict, str] = {
    CheckVerdict.OK: "good",
    CheckVerdict.WARNING: "careful",
    CheckVerdict.REFUSED: "danger",
    CheckVerdict.UNKNOWN: "unknown",
}

#: Each in its own language.
LANGUAGES: Mapping[Language, str] = {"en": "English", "de": "Deutsch"}

THEMES: Mapping[Theme, str] = {"auto": N_("Automatic"), "light": N_("Light"), "dark": N_("Dark")}
