"""Streams, subjects, durables and buckets: spelled here and nowhere else.

A job id is `<service>.<job>` with lower-case words and dashes, so it is two subject tokens.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from shared.words import Lane

RUNS: Final = "RUNS"
EVENTS: Final = "EVENTS"
OCCURRENCES: Final = "OCCURRENCES"
INGRESS: Final = "INGRESS"
EGRESS: Final = "EGRESS"
AUDIT: Final = "AUDIT"
DEAD: Final = "DEAD"

#: Stream name -> the subjects that it stores.
STREAMS: Final[dict[str, list[str]]] = {
    RUNS: ["run.>"],
    EVENTS: ["event.>"],
    OCCURRENCES: ["occurrence.>"],
    INGRESS: ["ingress.mqtt.>", "ingress.agents.>"],
    EGRESS: ["egress.mqtt.>"],
    AUDIT: ["audit.>"],
    DEAD: ["dead.>"],
}

#: First tokens of everything that services say to each other; nobody else is to speak there.
ROOTS: Final = frozenset(
    {"query", "command", "health", *(one.split(".")[0] for filters in STREAMS.values() for one in filters)}
)

CATALOGUE: Final = "catalogue"
PRINCIPALS: Final = "principals"
SCHEDULES: Final = "schedules"
BUCKETS: Final = (CATALOGUE, PRINCIPALS, SCHEDULES)


@dataclass(frozen=True, slots=True)
class RunSubjects:
    """The subjects of one run of one job. `job` is the full id (`documents.ocr`)."""

    job: str
    run_id: UUID

    @property
    def base(self) -> str:
        return f"run.{self.job}.{self.run_id}"

    def requested(self, lane: Lane) -> str:
        return f"{self.base}.{lane}.requested"

    def due(self, lane: Lane) -> str:
        return f"{self.base}.{lane}.due"

    def attempt_failed(self, lane: Lane) -> str:
        """Where a worker parks a retry for the scheduler. A subject of its own, so that the scheduler
        reads the retries and not every event of every run."""
        return f"{self.base}.attempt_failed.{lane}"

    @property
    def cancel_requested(self) -> str:
        return f"{self.base}.cancel_requested"

    @property
    def ev(self) -> str:
        return f"{self.base}.ev"

    @property
    def all(self) -> str:
        return f"{self.base}.>"


@dataclass(frozen=True, slots=True)
class ParsedRunSubject:
    job: str
    run_id: UUID
    #: `requested`, `due`, `attempt_failed`, `cancel_requested` or `ev`.
    kind: str
    lane: Lane | None


def parse_run_subject(subject: str) -> ParsedRunSubject:
    """Take a subject of `RUNS` apart. Raises `ValueError` on any other subject."""
    tokens = subject.split(".")
    if len(tokens) not in (5, 6) or tokens[0] != "run":
        raise ValueError(f"not a subject of a run: {subject}")
    job, run_id = f"{tokens[1]}.{tokens[2]}", UUID(tokens[3])
    if len(tokens) == 5:
        return ParsedRunSubject(job, run_id, tokens[4], None)
    if tokens[4] == "attempt_failed":
        return ParsedRunSubject(job, run_id, tokens[4], Lane(tokens[5]))
    return ParsedRunSubject(job, run_id, tokens[5], Lane(tokens[4]))


def service_of(job: str) -> str:
    return job.split(".", 1)[0]


def work_durable(job: str, lane: Lane | None) -> str:
    """The durable that hands out a job's work; `lane` is None for a job with a concurrency limit."""
    name = job.replace(".", "-")
    return name if lane is None else f"{name}-{lane}"


def work_filter(job: str, lane: Lane | None) -> str:
    """One filter for `requested` and `due` of a lane: a durable with two filters makes nats-server scan
    the stream for each message (measured: 25 times its CPU on a stream of 60,000 messages)."""
    return f"run.{job}.*.{lane or Lane.INTERACTIVE}.*"


def events_durable(service: str) -> str:
    """The durable through which business events reach a service's handlers and start its jobs."""
    return f"{service}-events"


#: The scheduler's own durables on RUNS.
RETRIES_DURABLE: Final = "scheduler-retries"
RETRIES_FILTER: Final = "run.*.*.*.attempt_failed.*"
CANCELS_DURABLE: Final = "scheduler-cancels"
CANCELS_FILTER: Final = "run.*.*.*.cancel_requested"
#: And on OCCURRENCES: what was decided to start is started.
STARTS_DURABLE: Final = "scheduler-starts"
STARTS_FILTER: Final = "occurrence.>"


#: What a worker says about a delivery, as the server hears it: `+WPI` is its heartbeat. The tokens are
#: `$JS.ACK.<stream>.<durable>.<times delivered>.<sequence of the message>.…`.
HEARTBEATS: Final = f"$JS.ACK.{RUNS}.>"
HEARTBEAT: Final = b"+WPI"


def occurrence(schedule: str, nominal: datetime) -> str:
    """Where the one verdict on an occurrence lies: `occurrence.documents.tidy.20260329T010000Z`."""
    return f"occurrence.{schedule}.{nominal.astimezone(UTC):%Y%m%dT%H%M%SZ}"


#: The MQTT bridge's own durables: what came in, what is to be answered, and what becomes of runs.
INGRESS_DURABLE: Final = "mqtt-ingress"
EGRESS_DURABLE: Final = "mqtt-egress"
STATES_DURABLE: Final = "mqtt-states"


#: Where nats-server's own MQTT listener keeps what is published at QoS 1 until all who subscribed have it.
MQTT_STORE: Final = "$MQTT_msgs"
MQTT_STORE_FILTER: Final = "$MQTT.msgs.>"


def ingress(rule: str) -> str:
    """Where a message that came over MQTT lies; `rule` is the name of the rule that took it."""
    return f"ingress.mqtt.{rule.replace('.', '_')}"


def egress(rule: str) -> str:
    """Where an answer waits until the broker has it."""
    return f"egress.mqtt.{rule.replace('.', '_')}"


#: What the integrations service reads of what came from agents.
AGENTS_DURABLE: Final = "integrations-agents"
AGENTS_FILTER: Final = "ingress.agents.>"
#: Below which commands to agents wait until the broker has them.
COMMANDS: Final = "egress.mqtt.agents."


def from_agent(client: str, agent: str) -> str:
    """Where messages of an agent in a customer's network lie."""
    return f"ingress.agents.{client}.{agent}"


def to_agent(client: str, agent: str) -> str:
    """Where a command to an agent waits until the broker has it."""
    return f"{COMMANDS}{client}.{agent}"


def cancel_watch(service: str) -> str:
    """What a worker subscribes to (core, not JetStream) to hear of cancels at once."""
    return f"run.{service}.*.*.cancel_requested"


def dead(durable: str) -> str:
    return f"dead.{durable}"


#: Work that dead letters name: a durable, or `status-projector` for what the projection could not decode.
PROJECTOR: Final = "status-projector"


def query(service: str, name: str) -> str:
    """Request/reply, answered by one replica of `service`, changes nothing."""
    return f"query.{service}.{name}"


def command(service: str, name: str) -> str:
    """Request/reply, answered by one replica of `service`, changes something."""
    return f"command.{service}.{name}"


#: Request/reply subject -> what it is for; the published interface and the permissions come from here.
QUERIES: Final[dict[str, str]] = {
    query("gateway", "people"): "the active persons who act for a client, and how they are reached",
    query("status", "runs"): "runs by filter, sorted and paged",
    query("status", "run"): "one run: its state, the seven answers, attempts and timeline",
    query("status", "records"): "records of a run, or of every run that touched a key",
    query("status", "calls"): "external calls of a run",
    query("status", "changes"): "records of a run that changed data",
    query("status", "logs"): "log lines of a run",
    query("status", "events"): "the stored events of a run, as they were published",
    query("status", "overview"): "all runs of each job in numbers, with the last one",
    query("status", "last-runs"): "of each job the last run, at a glance",
    query("status", "durations"): "how long the last runs of a job took",
    query("status", "tree"): "what a run came from, and what came of it",
    query("status", "trace"): "the spans of a run, or of a trace",
    query("status", "traces"): "where work came in: what took longest, what failed",
    query("status", "search"): "runs and records by id, number or name",
    query("status", "repeats"): "earlier runs of a job with the same parameters, and effects in doubt",
    query("status", "system-calls"): "the last good and the last bad call of each system",
    query("documents", "document"): "one document with its pages and derived files",
    query("documents", "documents"): "documents by client, kind, stage and file name, the newest first",
    query("documents", "page-image"): "a page of a document as a picture, made if there is none yet",
    query("documents", "search"): "documents by id, file name or invoice number",
    query("documents", "approvals"): "approvals of invoices that the asker may see, the earliest due first",
    query("documents", "approval"): "the approval of one invoice, with its history",
    query("scheduler", "schedules"): "schedules with their next occurrence",
    query("scheduler", "occurrences"): "what was decided about occurrences",
    query("scheduler", "watch"): "overdue and lost runs, and queues that nobody works on",
    query("scheduler", "preview"): "the next occurrences of a schedule, or of a rule that is tried",
    query("integrations", "rates"): "daily exchange rates by source, currency and day",
    query("integrations", "bank-transactions"): "bank transactions by account, day and match",
    query("integrations", "bank-statements"): "bank statements with balances and warnings, by account",
    query("integrations", "payables"): "approved invoices by state, and how far their payment is",
    query("integrations", "payment-files"): "payment files, the newest first",
    query("integrations", "payment-file"): "one payment file with its orders and their states",
    query("integrations", "agents"): "agents in customers' networks: whether they are there, what they allow",
    query("reporting", "reports"): "reports that were made, the newest first",
    query("reporting", "reminders"): "who was reminded of an invoice",
    query("reporting", "report"): "one report with its files",
    query("reporting", "alerts"): "alerts that are open or over, and who was told of them",
    query("reporting", "silences"): "silences, those in force first",
    query("audit", "entries"): "entries of the audit log, the newest first",
    query("audit", "state"): "how long the audit log is, what is signed of it, what the last check came to",
    query("audit", "export"): "entries of the audit log with what proves them, part by part",
}


def probe(service: str) -> str:
    """Request/reply: can the systems that a service calls be reached, and the locations be written?"""
    return query(service, "probe")


def choices(service: str) -> str:
    """Request/reply: which values a parameter of the service's jobs can have now."""
    return query(service, "choices")


def health(service: str) -> str:
    """Request/reply: every replica tells whether it is ready."""
    return f"health.{service}"


def decide(service: str) -> str:
    """Where a person's decision on an effect in doubt goes: to the service that holds the ledger."""
    return command(service, "decide")


REBUILD: Final = command("status", "rebuild")

#: What administrators do about schedules.
SET_SCHEDULE: Final = command("scheduler", "set")
PAUSE_SCHEDULES: Final = command("scheduler", "pause")
SEE_MISSED: Final = command("scheduler", "see-missed")
BACKFILL: Final = command("scheduler", "backfill")

#: What people do about alerts.
SET_SILENCE: Final = command("reporting", "silence")
END_SILENCE: Final = command("reporting", "end-silence")
CLOSE_ALERT: Final = command("reporting", "close-alert")

#: What people do about an invoice; answered with how it stands then.
APPROVE: Final = command("documents", "approve")
REJECT: Final = command("documents", "reject")
ASK: Final = command("documents", "ask")
ANSWER: Final = command("documents", "answer")
CORRECT: Final = command("documents", "correct")
WITHDRAW: Final = command("documents", "withdraw")

#: What one service asks of another: to keep an approved invoice out of every payment file.
WITHHOLD: Final = command("integrations", "withhold")
