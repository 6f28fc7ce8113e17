"""Grafana dashboards as code; `python -m deploy.generated` makes `deploy/grafana/dashboards/*.json` of them.

The label is `job_name`: what Prometheus itself calls `job` is the scrape.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "grafana" / "dashboards"

#: The datasource of deploy/grafana/provisioning.
_SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture, of one or more expressions, each with the words of its legend."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    width: int = 8
    #: `timeseries` or `stat`.
    kind: str = "timeseries"
    #: From which value on it is red; only of a `stat`.
    red_from: float | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    name: str
    title: str
    panels: Sequence[Panel]
    #: Variables to choose from, each with the expression that gives its values.
    variables: Sequence[tuple[str, str]] = ()


def _quantile(share: float, metric: str, by: str, matching: str = "") -> str:
    return (
        f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{matching}[$__rate_interval])))"
    )


_JOB: Final = '{job_name=~"$job_name"}'

DASHBOARDS: Final = (
    Dashboard(
        "operations",
        "Tagwerk: operations",
        (
            Panel("Services not ready", [("count(tagwerk_ready == 0) or vector(0)", "not ready")], width=4,
                  kind="stat", red_from=1, description="/readyz of the service says what is missing."),
            Panel("Alerts open", [("sum(max by (severity) (tagwerk_alerts_open))", "open")], width=4,
                  kind="stat", red_from=1, description="The page Alerts says what to do about each."),
            Panel("Failed in the last hour",
                  [('sum(increase(tagwerk_runs_finished_total{state=~"failed|timed_out|interrupted"}[1h]))', "runs")],
                  width=4, kind="stat", red_from=1),
            Panel("Dead letters in the last day", [("sum(increase(tagwerk_dead_letters_total[1d]))", "messages")],
                  width=4, kind="stat", red_from=1),
            Panel("Projection behind", [("max(tagwerk_projection_lag_seconds)", "behind")], unit="s", width=4,
                  kind="stat", red_from=60),
            Panel("Systems not reached", [("count(max by (system) (tagwerk_breakers_open) > 0) or vector(0)", "systems")],
                  width=4, kind="stat", red_from=1),
            Panel("Runs ended, by state",
                  [("sum by (state) (rate(tagwerk_runs_finished_total[$__rate_interval]))", "{{state}}")], unit="ops"),
            Panel("Waiting for a worker", [("max by (job_name, lane) (tagwerk_queue_pending) > 0", "{{job_name}} {{lane}}")]),
            Panel("Wait of nineteen in twenty",
                  [(_quantile(0.95, "tagwerk_run_queue_wait_seconds", "lane"), "{{lane}}")], unit="s"),
            Panel("Slots taken", [("sum by (service, pool) (tagwerk_slots_used) / sum by (service, pool) (tagwerk_slots)",
                                   "{{service}} {{pool}}")], unit="percentunit"),
            Panel("Calls to systems outside that failed",
                  [('sum by (system) (rate(tagwerk_external_calls_total{outcome!="succeeded"}[$__rate_interval]))',
                    "{{system}}")], unit="ops"),
            Panel("Schedules: lateness of nineteen in twenty",
                  [(_quantile(0.95, "tagwerk_schedule_lateness_seconds", "job_name"), "{{job_name}}")], unit="s"),
            Panel("Requests over HTTP",
                  [("sum by (status) (rate(tagwerk_http_requests_total[$__rate_interval]))", "{{status}}")],
                  unit="reqps"),
            Panel("Slowest routes, nineteen in twenty",
                  [(f"topk(8, {_quantile(0.95, 'tagwerk_http_request_duration_seconds', 'route')})", "{{route}}")],
                  unit="s"),
            Panel("Memory", [('process_resident_memory_bytes{job="tagwerk"}', "{{service}} {{instance}}")], unit="bytes"),
        ),
    ),
    Dashboard(
        "job",
        "Tagwerk: one job",
        (
            Panel("Runs ended, by state",
                  [(f"sum by (state) (increase(tagwerk_runs_finished_total{_JOB}[$__interval]))", "{{state}}")], width=12),
            Panel("Records, by outcome",
                  [(f"sum by (outcome) (rate(tagwerk_records_total{_JOB}[$__rate_interval]))", "{{outcome}}")],
                  unit="ops", width=12),
            Panel("From request to end",
                  [(_quantile(0.5, "tagwerk_run_duration_seconds", "job_name", _JOB), "half: {{job_name}}"),
                   (_quantile(0.95, "tagwerk_run_duration_seconds", "job_name", _JOB), "19 in 20: {{job_name}}")], unit="s"),
            Panel("Of this at work",
                  [(_quantile(0.5, "tagwerk_attempt_duration_seconds", "job_name", _JOB), "half: {{job_name}}"),
                   (_quantile(0.95, "tagwerk_attempt_duration_seconds", "job_name", _JOB), "19 in 20: {{job_name}}")], unit="s"),
            Panel("Of this waiting for a worker",
                  [(_quantile(0.95, "tagwerk_run_queue_wait_seconds", "lane", _JOB), "{{lane}}")], unit="s"),
            Panel("At work, and the limit",
                  [(f"sum by (job_name) (tagwerk_attempts_at_work{_JOB})", "{{job_name}}"),
                   (f"max by (job_name) (tagwerk_job_concurrency_limit{_JOB})", "limit of {{job_name}}")]),
            Panel("Waiting and in hand",
                  [(f"max by (lane) (tagwerk_queue_pending{_JOB})", "waiting, {{lane}}"),
                   (f"max by (lane) (tagwerk_queue_ack_pending{_JOB})", "in hand, {{lane}}")]),
            Panel("Attempts that did not end the run",
                  [('sum by (outcome) (increase(tagwerk_attempts_total{job_name=~"$job_name",'
                    'outcome=~"waiting|handed_over"}[$__interval]))', "{{outcome}}")]),
            Panel("Calls to systems outside",
                  [(f"sum by (system, outcome) (rate(tagwerk_external_calls_total{_JOB}[$__rate_interval]))",
                    "{{system}} {{outcome}}")], unit="ops", width=12),
            Panel("How late schedules started it",
                  [(_quantile(0.95, "tagwerk_schedule_lateness_seconds", "job_name", _JOB), "{{job_name}}")], unit="s", width=12),
        ),
        (("job_name", "label_values(tagwerk_runs_finished_total, job_name)"),),
    ),
    Dashboard(
        "bus",
        "Tagwerk: bus",
        (
            Panel("Storage of the streams",
                  [("sum by (server_name) (jetstream_server_total_message_bytes) / "
                    "sum by (server_name) (jetstream_server_max_storage)", "{{server_name}}")], unit="percentunit"),
            Panel("Messages by stream", [("max by (stream_name) (jetstream_stream_total_messages)", "{{stream_name}}")]),
            Panel("Bytes by stream", [("max by (stream_name) (jetstream_stream_total_bytes)", "{{stream_name}}")],
                  unit="bytes"),
            Panel("Pending by consumer",
                  [("topk(12, max by (consumer_name) (jetstream_consumer_num_pending))", "{{consumer_name}}")]),
            Panel("In hand by consumer",
                  [("topk(12, max by (consumer_name) (jetstream_consumer_num_ack_pending))", "{{consumer_name}}")]),
            Panel("Redelivered by consumer",
                  [("topk(12, max by (consumer_name) (jetstream_consumer_num_redelivered))", "{{consumer_name}}")]),
            Panel("Events projected", [("sum(rate(tagwerk_events_projected_total[$__rate_interval]))", "events")],
                  unit="ops"),
            Panel("Events not yet projected", [("max(tagwerk_projection_lag_events)", "behind")]),
            Panel("Waiting in outboxes", [("max by (service) (tagwerk_outbox_rows)", "{{service}}")]),
            Panel("Messages over MQTT",
                  [("sum by (rule, outcome) (rate(tagwerk_mqtt_messages_total[$__rate_interval]))",
                    "{{rule}} {{outcome}}")], unit="ops"),
            Panel("Connections", [("gnatsd_varz_connections", "{{server_id}}")]),
            Panel("Slow consumers", [("increase(gnatsd_varz_slow_consumers[$__rate_interval])", "{{server_id}}")]),
        ),
    ),
    Dashboard(
        "database",
        "Tagwerk: database",
        (
            Panel("Connections of services",
                  [("sum by (service, state) (tagwerk_database_pool_connections)", "{{service}} {{state}}")]),
            Panel("Connections at the server", [("sum by (state) (pg_stat_activity_count)", "{{state}}"),
                                                ("max(pg_settings_max_connections)", "limit")]),
            Panel("Longest transaction", [("max by (state) (pg_stat_activity_max_tx_duration)", "{{state}}")], unit="s"),
            Panel("Commits and rollbacks",
                  [("sum(rate(pg_stat_database_xact_commit[$__rate_interval]))", "commits"),
                   ("sum(rate(pg_stat_database_xact_rollback[$__rate_interval]))", "rollbacks")], unit="ops"),
            Panel("Found in memory",
                  [("sum(rate(pg_stat_database_blks_hit[$__rate_interval])) / "
                    "(sum(rate(pg_stat_database_blks_hit[$__rate_interval])) + "
                    "sum(rate(pg_stat_database_blks_read[$__rate_interval])))", "share")], unit="percentunit"),
            Panel("Deadlocks", [("sum by (datname) (increase(pg_stat_database_deadlocks[$__rate_interval]))", "{{datname}}")]),
            Panel("Size", [("pg_database_size_bytes", "{{datname}}")], unit="bytes", width=12),
            Panel("First message in the outbox waits", [("max by (service) (tagwerk_outbox_waiting_seconds)", "{{service}}")],
                  unit="s", width=12),
        ),
    ),
)  # fmt: skip


def files() -> dict[Path, str]:
    """Path -> the dashboard's JSON."""
    return {FOLDER / f"{one.name}.json": json.dumps(_rendered(one), indent=2) + "\n" for one in DASHBOARDS}


def _rendered(dashboard: Dashboard) -> dict[str, Any]:
    panels, x, y, height = [], 0, 0, 0
    for number, panel in enumerate(dashboard.panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        tall = 4 if panel.kind == "stat" else 8
        panels.append(_panel(panel, number) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": tall}})
        x, height = x + panel.width, max(height, tall)
    return {
        "uid": f"tagwerk-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["tagwerk"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_variable(name, query) for name, query in dashboard.variables]},
        "links": [{"type": "dashboards", "tags": ["tagwerk"], "title": "Tagwerk", "asDropdown": True}],
        "panels": panels,
    }


def _panel(panel: Panel, number: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for place, (expression, legend) in enumerate(panel.queries)
        ],
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": "Job",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }
