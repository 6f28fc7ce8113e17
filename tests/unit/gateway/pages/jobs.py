"""Catalogue entries and runs for the view models."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.access import Access, Principal
from shared.commands import Planned, RunDuration, RunGlance, RunSummary, Schedule, ScheduleRow, ScheduleRule
from shared.jobs import CatalogueEntry
from shared.words import Kind, Level, RunState, Trigger

NOW = datetime(2026, 11, 27, 13, 3, 7, tzinfo=UTC)

CLERK = Principal(id="cleo", name="Cleo", roles=frozenset({"accounting"}), clients=frozenset({"main"}))
READER = Principal(id="rita", name="Rita", clients=frozenset({"main"}))


def entry(id: str = "integrations.import-daily-rates", **changes: Any) -> CatalogueEntry:
    facts: dict[str, Any] = {
        "id": id, "service": id.split(".")[0], "title": "Import daily rates",
        "description": "Read the rates.",
        "kind": Kind.INTEGRATION, "owner": "Treasury",
        "access": Access(module="rates", level=Level.GENERAL, roles=frozenset({"trustee", "accounting"})),
        "expected_runtime": 60, "timeout": 600, "retry": "never", "safe_to_repeat": True,
        "repeat": "it does nothing", "systems": [], "output": "rates", "expected_result": "rates",
        "logs": "none", "troubleshooting": "docs/jobs/import-daily-rates.md", "parameters": {},
        "software_version": "0.1.0",
    }  # fmt: skip
    return CatalogueEntry(**{**facts, **changes})


def run(job: str, *, minutes_ago: float = 1, **changes: Any) -> RunSummary:
    facts: dict[str, Any] = {
        "run_id": UUID(int=int(minutes_ago * 60)), "job": job, "client": "main", "principal": "cleo",
        "effective_principal": "cleo", "trigger": Trigger.MANUAL, "state": RunState.SUCCEEDED,
        "sentence": "It went well.", "action_required": False, "duration": 2.0,
        "requested_at": NOW - timedelta(minutes=minutes_ago),
    }  # fmt: skip
    return RunSummary(**{**facts, **changes})


def glance(job: str, *, minutes_ago: float = 1, **changes: Any) -> RunGlance:
    return RunGlance.model_validate(run(job, minutes_ago=minutes_ago, **changes).model_dump())


def schedule(job: str, word: str = "", *, hours: float = 1, zone: str = "UTC") -> ScheduleRow:
    """One that fires in so many hours."""
    fires = NOW + timedelta(hours=hours)
    made = Schedule(
        id=f"{job}.{word}" if word else job, job=job, client="main", principal="cleo", origin="set",
        rule=ScheduleRule(cron="15 2 * * *", zone=zone), since=NOW, changed_at=NOW, changed_by="cleo",
    )  # fmt: skip
    return ScheduleRow(schedule=made, next=Planned(nominal=fires, fires_at=fires, local=fires.isoformat()))


def took(seconds: float | None, state: RunState = RunState.SUCCEEDED) -> RunDuration:
    return RunDuration(run_id=UUID(int=1), started_at=NOW, state=state, duration=seconds)
