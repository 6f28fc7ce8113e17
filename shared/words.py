"""The vocabulary: every enumerated word that events, commands and pages share. Imports nothing of ours.

The stored spelling is the value; renaming a member is free, changing a value breaks history.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What sort of work a job does; pages group jobs by it."""

    PROCESSING = "processing"
    INTEGRATION = "integration"
    REPORTING = "reporting"
    MAINTENANCE = "maintenance"


class Trigger(StrEnum):
    """What caused a run."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    EVENT = "event"
    MQTT = "mqtt"
    RERUN = "rerun"


class Lane(StrEnum):
    """Where a request waits: in front of a person, or behind everybody."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    PARTIALLY_FAILED = "partially_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)


class Outcome(StrEnum):
    """What became of one record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def changed_data(self) -> bool:
        return self in _CHANGING


#: Looked at for each record of each run: in Python 3.11 a member takes longer to name than to find in a set.
_CHANGING = frozenset((Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED))


class CallOutcome(StrEnum):
    """What became of one external call; `unknown` means that it may or may not have taken effect."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CheckVerdict(StrEnum):
    """What one check before a start came to."""

    OK = "ok"
    #: It would start, but a person should know.
    WARNING = "warning"
    #: It would not be started.
    REFUSED = "refused"
    #: Nobody can tell; the reason stands beside.
    UNKNOWN = "unknown"


class BreakerState(StrEnum):
    """Whether calls of a system outside are tried."""

    CLOSED = "closed"
    #: It could not be reached again and again: calls fail at once.
    OPEN = "open"
    #: The next call tries it, and decides.
    HALF_OPEN = "half_open"


class Level(StrEnum):
    """Which administrators a job is for."""

    GENERAL = "general"
    OPERATIONAL = "operational"
    TECHNICAL = "technical"


class Danger(StrEnum):
    """What a person must confirm before a run: by typing the job's name, with a reason."""

    EXTERNAL_BOOKING = "external_booking"
    DESTRUCTIVE = "destructive"


class PrincipalKind(StrEnum):
    USER = "user"
    SERVICE = "service"
    MQTT = "mqtt"


class TokenScope(StrEnum):
    """What a token may be used for; each route names one. Roles and clients are asked besides."""

    READ = "read"
    #: Start, cancel and rerun runs, decide effects in doubt, upload files for jobs.
    START = "start"
    #: Upload documents.
    UPLOAD = "upload"
    #: Approve, reject, ask, answer, correct.
    APPROVE = "approve"
    #: Accounts, one's own too; dead letters, rebuilds.
    ADMINISTER = "administer"


class Decision(StrEnum):
    """A person's answer to an effect in doubt."""

    HAPPENED = "happened"
    REPEAT = "repeat"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class RateSource(StrEnum):
    """Who publishes a daily exchange rate."""

    #: European Central Bank, euro foreign exchange reference rates.
    ECB = "ecb"
    #: Swiss Federal Office for Customs and Border Security, daily rates for VAT and customs.
    BAZG = "bazg"


class ReportFormat(StrEnum):
    """As what a report is written."""

    #: For reading and printing.
    PDF = "pdf"
    #: For calculating.
    XLSX = "xlsx"
    #: For programs.
    CSV = "csv"


class DocumentKind(StrEnum):
    """What sort of file a document is: several media types each."""

    PDF = "pdf"
    PICTURE = "picture"
    MAIL = "mail"
    #: Mostly an e-invoice.
    XML = "xml"
    TEXT = "text"
    OFFICE = "office"


class DocumentStage(StrEnum):
    """How far the reading of a document has come."""

    #: It is there; no PDF has been made of it.
    UPLOADED = "uploaded"
    #: There is a PDF, whose text has not been read.
    CONVERTED = "converted"
    #: Its text is there; no invoice has been found in it.
    READ = "read"
    #: An invoice was found, or entered by a person.
    INVOICE = "invoice"


class ApprovalState(StrEnum):
    """Where an invoice stands with the people who approve it."""

    WAITING = "waiting"
    #: Somebody asked back and waits for an answer.
    QUESTIONED = "questioned"
    APPROVED = "approved"
    REJECTED = "rejected"


class ErpList(StrEnum):
    """What is read from an ERP."""

    SUPPLIERS = "suppliers"
    COST_CENTERS = "cost-centers"
    OPEN_ITEMS = "open-items"


class BookedIn(StrEnum):
    """Where an approved invoice is booked: each in one place."""

    DATEV = "datev"
    #: The ERP, over its interface.
    ERP = "erp"


class PaymentState(StrEnum):
    """Where the payment of an invoice stands."""

    #: Approved, and in no payment file.
    OPEN = "open"
    #: In a payment file.
    ORDERED = "ordered"
    #: The bank has accepted the order.
    ACCEPTED = "accepted"
    #: The bank refused it; the invoice can be paid again.
    REJECTED = "rejected"
    #: Booked by the bank: a status report or a statement says so.
    PAID = "paid"


class StepKind(StrEnum):
    """What happened to the approval of an invoice."""

    REQUESTED = "requested"
    #: Values or the rule changed while it waited.
    CHANGED = "changed"
    #: Approvals that were given on other values, or under another rule, do not count any more.
    VOIDED = "voided"
    #: A person confirmed doubtful fields, or that the invoice is no duplicate.
    CONFIRMED = "confirmed"
    #: One person approved.
    APPROVED = "approved"
    #: One person took the own approval back.
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    QUESTIONED = "questioned"
    ANSWERED = "answered"
    CORRECTED = "corrected"
    #: What became of the payment.
    PAYMENT = "payment"
    #: It waits again: the bank refused the payment, or a rejected invoice was corrected.
    REOPENED = "reopened"


class Catchup(StrEnum):
    """What is done about occurrences that came due while nobody was there to start them."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Overlap(StrEnum):
    """What is done if the run of the occurrence before has not ended."""

    SKIP = "skip"
    QUEUE_ONE = "queue_one"
    QUEUE_ALL = "queue_all"
    CANCEL_RUNNING = "cancel_running"
    ALLOW = "allow"


class ClosedDays(StrEnum):
    """On which days a schedule does not fire."""

    NONE = "none"
    HOLIDAYS = "holidays"
    #: Saturdays, Sundays and holidays.
    NOT_BUSINESS = "not_business"


class OccurrenceVerdict(StrEnum):
    """What was decided about one occurrence of a schedule."""

    STARTED = "started"
    SKIPPED = "skipped"
    MISSED = "missed"


class AlertKind(StrEnum):
    """What an alert is about."""

    RUN_FAILED = "run_failed"
    #: An effect of a run is in doubt.
    NEEDS_DECISION = "needs_decision"
    OVERDUE = "overdue"
    #: The worker of a run gives no sign of life.
    LOST = "lost"
    #: Requests wait, and nobody works on them.
    UNWORKED = "unworked"
    #: An occurrence of a schedule.
    MISSED = "missed"
    DEAD_LETTER = "dead_letter"
    SYSTEM_UNREACHABLE = "system_unreachable"
    #: In a customer's network.
    AGENT_AWAY = "agent_away"
    PROJECTION_BEHIND = "projection_behind"


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class AlertNews(StrEnum):
    """What is told of an alert."""

    OPENED = "opened"
    #: It has been open for a while, and still is.
    STILL = "still"
    CLOSED = "closed"


class TellingState(StrEnum):
    """How far a message about alerts has come."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    #: It was refused for good, or too often.
    FAILED = "failed"
    #: It may have been sent; a mail is not sent again then.
    IN_DOUBT = "in_doubt"
