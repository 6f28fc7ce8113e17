"""Every metric of Tagwerk. Each is counted where its fact is made; what a database holds is read when asked.

Counters are of one process and begin at zero with it: a process that is killed loses what nobody has read.
What must be exact is asked of the status service, which has it from the events.
"""

from typing import Final

from shared.metrics.registry import counter, gauge, histogram

WORKERS: Final = "services with jobs"
DATABASES: Final = "services with a database"
ALL: Final = "every service"

#: From what a person does not notice to what takes an afternoon.
_WORK: Final = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_ANSWERS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

BUILD = gauge(
    "tagwerk_build_info",
    "1, with the version that runs in its labels.",
    ("service", "version", "revision", "python"),
    by=ALL,
)
READY = gauge(
    "tagwerk_ready", "1 while the service can do its work, else 0; `/readyz` says what is missing.", by=ALL
)
BACKGROUND_FAILURES = counter(
    "tagwerk_background_failures_total",
    "Failures of a background loop, which starts again after a second.",
    ("loop",),
    by=ALL,
)

RUNS_FINISHED = counter(
    "tagwerk_runs_finished_total",
    "Runs that ended, by their final state.",
    ("job_name", "state"),
    by=f"{WORKERS}; scheduler for runs cancelled before a worker took them",
)
RUN_DURATION = histogram(
    "tagwerk_run_duration_seconds",
    "From the request of a run to its end, waiting included.",
    ("job_name",),
    by=WORKERS,
    buckets=_WORK,
)
QUEUE_WAIT = histogram(
    "tagwerk_run_queue_wait_seconds",
    "From the request of a run to its first attempt.",
    ("job_name", "lane"),
    by=WORKERS,
    buckets=_WORK,
)
ATTEMPTS = counter(
    "tagwerk_attempts_total",
    "Attempts that ended. Outcome: the run's final state, `waiting` where a retry follows, `handed_over` "
    "where the worker was stopped.",
    ("job_name", "outcome"),
    by=WORKERS,
)
ATTEMPT_DURATION = histogram(
    "tagwerk_attempt_duration_seconds",
    "How long attempts were at work.",
    ("job_name",),
    by=WORKERS,
    buckets=_WORK,
)
AT_WORK = gauge("tagwerk_attempts_at_work", "Attempts at work now.", ("job_name",), by=WORKERS)
LIMIT = gauge(
    "tagwerk_job_concurrency_limit",
    "Runs that a job has at work at most, over all replicas; jobs without a limit are left out.",
    ("job_name",),
    by=WORKERS,
)
SLOTS_USED = gauge(
    "tagwerk_slots_used", "Slots of this worker process that are taken.", ("pool",), by=WORKERS
)
SLOTS = gauge("tagwerk_slots", "Slots of this worker process.", ("pool",), by=WORKERS)
RECORDS = counter(
    "tagwerk_records_total",
    "Records that jobs yielded, by outcome; a repeated attempt yields its records again.",
    ("job_name", "outcome"),
    by=WORKERS,
)
CALLS = counter(
    "tagwerk_external_calls_total",
    "Calls to systems outside.",
    ("job_name", "system", "operation", "outcome"),
    by=WORKERS,
)
CALL_DURATION = histogram(
    "tagwerk_external_call_duration_seconds",
    "How long calls to systems outside took.",
    ("system", "operation"),
    by=WORKERS,
    buckets=(*_ANSWERS, 30, 60, 300),
)
BREAKERS_OPEN = gauge(
    "tagwerk_breakers_open",
    "Addresses of a system outside that are not called because they could not be reached.",
    ("system",),
    by=WORKERS,
)

LATENESS = histogram(
    "tagwerk_schedule_lateness_seconds",
    "From the nominal time of an occurrence to the request of its run.",
    ("job_name",),
    by="scheduler",
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)
QUEUE_PENDING = gauge(
    "tagwerk_queue_pending",
    "Requests of a job that no worker has taken yet. Every scheduler tells the same: take the maximum.",
    ("job_name", "lane"),
    by="scheduler",
)
QUEUE_IN_HAND = gauge(
    "tagwerk_queue_ack_pending",
    "Requests of a job that workers have taken and not acknowledged. Every scheduler tells the same.",
    ("job_name", "lane"),
    by="scheduler",
)

DEAD_LETTERS = counter(
    "tagwerk_dead_letters_total",
    "Messages that went to the dead letters.",
    ("durable",),
    by=ALL,
)
PROJECTION_LAG_EVENTS = gauge(
    "tagwerk_projection_lag_events",
    "Events of the stream RUNS that are not projected yet; only the replica that projects tells it.",
    by="status",
)
PROJECTION_LAG_SECONDS = gauge(
    "tagwerk_projection_lag_seconds",
    "Age of the oldest event that is not projected yet, 0 if all are.",
    by="status",
)
PROJECTED = counter("tagwerk_events_projected_total", "Events of the stream RUNS projected.", by="status")

OUTBOX_ROWS = gauge(
    "tagwerk_outbox_rows",
    "Messages written and not yet published. Every replica tells the same.",
    by=DATABASES,
)
OUTBOX_WAITING = gauge(
    "tagwerk_outbox_waiting_seconds",
    "For how long the same message has been the first in the outbox, as this replica saw it.",
    by=DATABASES,
)
POOL_SIZE = gauge(
    "tagwerk_database_pool_connections", "Connections to the database.", ("state",), by=DATABASES
)
POOL_LIMIT = gauge("tagwerk_database_pool_limit", "Connections at most.", by=DATABASES)

HTTP_REQUESTS = counter(
    "tagwerk_http_requests_total",
    "Requests answered, by the template of their route and the class of the status (`2xx`); `none`: the "
    "client went away.",
    ("method", "route", "status"),
    by="gateway",
)
HTTP_DURATION = histogram(
    "tagwerk_http_request_duration_seconds",
    "From a request to the end of its answer, by the template of its route; live streams are left out.",
    ("route",),
    by="gateway",
    buckets=_ANSWERS,
)
MQTT_MESSAGES = counter(
    "tagwerk_mqtt_messages_total",
    "Messages over MQTT that were handled. Outcome: `accepted`, `duplicate`, `refused`.",
    ("rule", "outcome"),
    by="mqtt_bridge",
)
ALERTS_OPEN = gauge(
    "tagwerk_alerts_open",
    "Alerts that are open. Every replica tells the same.",
    ("severity",),
    by="reporting",
)
AUDIT_HEAD = gauge(
    "tagwerk_audit_head_timestamp_seconds",
    "When the newest head of the audit log was signed, in seconds since 1970.",
    by="audit",
)
AUDIT_VERIFIED = gauge(
    "tagwerk_audit_verified_timestamp_seconds",
    "When the audit log was verified last, in seconds since 1970.",
    by="audit",
)
AUDIT_BROKEN = gauge(
    "tagwerk_audit_broken",
    "1 if the last verification found an entry that is not as it was, else 0.",
    by="audit",
)
