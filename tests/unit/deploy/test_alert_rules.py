"""Each alert rule on series: of one for which it has to fire, and of one for which it must not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.support.promql import Series, evaluate

FOLDER = Path(__file__).parents[3] / "deploy" / "prometheus"
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
}

#: Prometheus' defaults of deploy/prometheus/prometheus.yml, in seconds.
SCRAPE = 15
#: What is looked at, and since when there are samples: long enough for every window and every `for`.
NOW = 4 * 86400
SINCE = NOW - 3 * 3600


def steady(name: str, value: float, **labels: str) -> Series:
    return Series(name, labels, [(at, value) for at in range(SINCE, NOW + 1, SCRAPE)])


def rising(name: str, per_minute: float, **labels: str) -> Series:
    return Series(
        name, labels, [(at, (at - SINCE) / 60 * per_minute) for at in range(SINCE, NOW + 1, SCRAPE)]
    )


def never_yet(name: str, hours: float) -> Series:
    """0, from `hours` ago on: of what has not happened in a new installation."""
    return Series(name, {}, [(at, 0.0) for at in range(NOW - int(hours * 3600), NOW + 1, 16 * SCRAPE)])


def since(minutes: float, name: str, value: float, **labels: str) -> Series:
    """0 before, `value` for the last `minutes`."""
    return Series(
        name,
        labels,
        [(at, value if at > NOW - minutes * 60 else 0.0) for at in range(SINCE, NOW + 1, SCRAPE)],
    )


def fires(rule: dict[str, Any], series: Sequence[Series]) -> bool:
    """Whether it has held for as long as it has to, with the same labels."""
    length = promql_parser.parse_duration(rule["for"]).total_seconds() if "for" in rule else 0.0
    # Of a day, looks further apart show as much.
    step = max(SCRAPE, int(length) // 200)
    held = [set(evaluate(rule["expr"], series, at)) for at in range(NOW - int(length), NOW + 1, step)]
    return bool(set.intersection(*held))


JOB = {"job_name": "documents.ocr"}
USED = {"service": "status", "instance": "a", "state": "used"}
LATE = "tagwerk_schedule_lateness_seconds"
HTTP = "tagwerk_http_requests_total"

#: Alert -> series for which it fires, series for which it does not.
CASES: dict[str, tuple[list[Series], list[Series]]] = {
    "TagwerkServiceDown": (
        [steady("up", 0, job="tagwerk", service="status")],
        [since(1, "up", 1, job="nats"), steady("up", 1, job="tagwerk")],
    ),
    "TagwerkNotReady": ([steady("tagwerk_ready", 0)], [since(4, "tagwerk_ready", 1)]),
    "TagwerkRunsFail": (
        [rising("tagwerk_runs_finished_total", 0.2, state="failed", **JOB)],
        [
            rising("tagwerk_runs_finished_total", 9, state="succeeded", **JOB),
            rising("tagwerk_runs_finished_total", 0.05, state="failed", **JOB),
        ],
    ),
    "TagwerkQueueWaits": (
        [
            steady("tagwerk_queue_pending", 3, lane="interactive", **JOB),
            steady("tagwerk_attempts_at_work", 0, **JOB),
        ],
        [
            steady("tagwerk_queue_pending", 3, lane="interactive", **JOB),
            steady("tagwerk_attempts_at_work", 2, **JOB),
            steady("tagwerk_queue_pending", 900, lane="bulk", job_name="integrations.erp-export"),
        ],
    ),
    "TagwerkProjectionBehind": (
        [
            steady("tagwerk_projection_lag_seconds", 90, instance="leads"),
            steady("tagwerk_projection_lag_seconds", float("nan"), instance="stands by"),
        ],
        [since(2, "tagwerk_projection_lag_seconds", 90)],
    ),
    "TagwerkDeadLetters": (
        [since(10, "tagwerk_dead_letters_total", 1, durable="events-status")],
        [steady("tagwerk_dead_letters_total", 7, durable="events-status")],
    ),
    "TagwerkOutboxStuck": (
        [steady("tagwerk_outbox_waiting_seconds", 300, service="documents")],
        [steady("tagwerk_outbox_waiting_seconds", 60, service="documents")],
    ),
    "TagwerkDatabasePoolFull": (
        [
            steady("tagwerk_database_pool_connections", 8, **USED),
            steady("tagwerk_database_pool_limit", 8, service="status", instance="a"),
        ],
        [
            steady("tagwerk_database_pool_connections", 7, **USED),
            steady("tagwerk_database_pool_limit", 8, service="status", instance="a"),
            steady("tagwerk_database_pool_limit", 1, service="status", instance="b"),
        ],
    ),
    "TagwerkSystemNotReached": (
        [steady("tagwerk_breakers_open", 1, system="erp")],
        [since(5, "tagwerk_breakers_open", 1, system="erp")],
    ),
    "TagwerkSchedulesLate": (
        [
            since(9, f"{LATE}_count", 2, **JOB),
            since(9, f"{LATE}_bucket", 1, le="60.0", **JOB),
            since(9, f"{LATE}_bucket", 2, le="+Inf", **JOB),
        ],
        [since(9, f"{LATE}_count", 2, **JOB), since(9, f"{LATE}_bucket", 2, le="60.0", **JOB)],
    ),
    "TagwerkGatewayErrors": (
        [rising(HTTP, 90, status="2xx"), rising(HTTP, 10, status="5xx")],
        [rising(HTTP, 99, status="2xx"), rising(HTTP, 1, status="5xx"), rising(HTTP, 50, status="4xx")],
    ),
    "TagwerkLoopFails": (
        [rising("tagwerk_background_failures_total", 1, service="audit", loop="heads")],
        [since(5, "tagwerk_background_failures_total", 2, service="audit", loop="heads")],
    ),
    "TagwerkAuditBroken": ([steady("tagwerk_audit_broken", 1)], [steady("tagwerk_audit_broken", 0)]),
    "TagwerkAuditUnverified": (
        [never_yet("tagwerk_audit_verified_timestamp_seconds", 25)],
        [never_yet("tagwerk_audit_verified_timestamp_seconds", 23)],
    ),
    "TagwerkBusAlmostFull": (
        [
            steady("jetstream_server_total_message_bytes", 90, server_name="n1"),
            steady("jetstream_server_max_storage", 100, server_name="n1"),
        ],
        [
            steady("jetstream_server_total_message_bytes", 70, server_name="n1"),
            steady("jetstream_server_max_storage", 100, server_name="n1"),
        ],
    ),
}


def test_every_rule_has_its_series() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("alert", RULES)
def test_it_fires_when_it_has_to_and_not_otherwise(alert: str) -> None:
    bad, good = CASES[alert]
    assert fires(RULES[alert], bad)
    assert not fires(RULES[alert], good)


@pytest.mark.parametrize("alert", RULES)
def test_it_says_what_is_wrong_and_what_to_do(alert: str) -> None:
    rule = RULES[alert]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
