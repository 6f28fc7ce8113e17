"""The state of everything that jobs need: services, systems outside, locations."""

import asyncio
from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.gateway import core
from services.gateway.context import Gateway, MayReadJobs, TheGateway
from services.gateway.fields import Text
from services.gateway.preflight.facts import Instance
from services.gateway.preflight.inquiry import STATUS_TIMEOUT, instances, probe
from services.gateway.problems import answers
from shared import subjects
from shared.access import EVERY_CLIENT, Principal, may_operate_platform
from shared.commands import Breaker, LastCall, Probed, SystemCalls, SystemCallsQuery
from shared.errors import Failure, TagwerkError
from shared.events import now
from shared.jobs import CatalogueEntry
from shared.words import BreakerState, CallOutcome, CheckVerdict

router = APIRouter(tags=["systems"])

#: Services that have no jobs, and without which there is no run.
PLATFORM = ("gateway", "scheduler", "status")


class SystemState(BaseModel):
    """One service, system outside or location, and how it is now."""

    name: str
    kind: Literal["service", "system", "location"]
    #: Whose jobs need it; of a service its own name.
    service: str
    #: Those of its jobs that the asker may see.
    jobs: list[str]
    verdict: CheckVerdict
    words: str
    mend: str | None = None
    #: When it was looked at.
    checked_at: datetime
    #: How long that took.
    duration_ms: float | None = None
    #: Of a service: its processes.
    instances: list[Instance] = Field(default_factory=list)
    #: Of a location: for which client it was looked at.
    client: str | None = None
    #: Of a system: the newest calls by runs that the asker may see.
    last_succeeded: LastCall | None = None
    last_failed: LastCall | None = None
    #: Of a system: whether its addresses are called, for who operates the platform or acts for every client.
    breakers: list[Breaker] = Field(default_factory=list)


class SystemsPage(BaseModel):
    items: list[SystemState]


@router.get("/systems", summary="Services, systems outside and locations", responses=answers(404))
async def list_systems(
    asking: MayReadJobs,
    gateway: TheGateway,
    client: Annotated[
        Text | None, Query(description="For which client locations are looked at; none: your first.")
    ] = None,
) -> SystemsPage:
    """Those that the jobs need which one may see, each looked at now; who operates the platform sees its own
    services besides. It answers within a few seconds, whatever is away."""
    meant = client or _first_client(asking)
    if meant is not None:
        await gateway.gate.act_for(asking, meant, "systems")
    jobs = [entry for entry in await gateway.gate.visible_jobs(asking) if not entry.retired]
    by_service: dict[str, list[CatalogueEntry]] = defaultdict(list)
    for entry in jobs:
        by_service[entry.service].append(entry)
    if may_operate_platform(asking) and asking.jobs is None:
        for name in PLATFORM:
            by_service.setdefault(name, [])
    # Hosts of one client's systems are nobody else's business.
    hosts = may_operate_platform(asking) or EVERY_CLIENT in asking.clients
    services = (
        _states_of(gateway, name, entries, meant, hosts=hosts) for name, entries in by_service.items()
    )
    calls, states = await asyncio.gather(
        _last_calls(gateway, asking, {system for entry in jobs for system in entry.systems}),
        asyncio.gather(*services),
    )
    items = [_with_calls(state, calls) for service in states for state in service]
    return SystemsPage(items=sorted(items, key=lambda state: (state.kind, state.name, state.service)))


def _first_client(asking: Principal) -> str | None:
    if EVERY_CLIENT in asking.clients:
        return core.MAIN_CLIENT
    return min(asking.clients, default=None)


async def _states_of(
    gateway: Gateway, service: str, entries: list[CatalogueEntry], client: str | None, *, hosts: bool
) -> list[SystemState]:
    """A service, with the systems and locations of its visible jobs."""
    systems = sorted({name for entry in entries for name in entry.systems})
    locations = sorted({name for entry in entries for name in entry.locations} if client else set())
    found, (answer, unknown) = await asyncio.gather(
        instances(gateway.bus, service, all_of_them=True),
        probe(gateway.bus, service, [*systems, *locations], client or ""),
    )
    probed = {one.name: one for one in answer.items} if answer is not None else {}
    breakers = answer.breakers if answer is not None and hosts else []
    states = [_service_state(service, entries, found)]
    for kind, names in (("system", systems), ("location", locations)):
        for name in names:
            needed_by = [entry.id for entry in entries if name in (*entry.systems, *entry.locations)]
            states.append(
                SystemState(
                    name=name,
                    kind=kind,
                    service=service,
                    jobs=needed_by,
                    client=client if kind == "location" else None,
                    breakers=[one for one in breakers if kind == "system" and one.system == name],
                    **_state_of(probed.get(name), unknown),
                )
            )
    return [_with_pauses(state) for state in states]


def _with_pauses(state: SystemState) -> SystemState:
    """What is not called needs attention, even if it answers right now."""
    paused = any(one.state is not BreakerState.CLOSED for one in state.breakers)
    good = state.verdict is CheckVerdict.OK
    return state.model_copy(update={"verdict": CheckVerdict.WARNING}) if paused and good else state


def _at_work(processes: int) -> str:
    return "one process is at work" if processes == 1 else f"{processes} processes are at work"


def _service_state(service: str, entries: list[CatalogueEntry], found: list[Instance]) -> SystemState:
    ready = [one for one in found if one.ready]
    trouble = next((one.trouble for one in found if one.trouble is not None), None)
    mend = None
    if ready:
        verdict, words = CheckVerdict.OK, _at_work(len(ready))
    elif trouble is not None:
        verdict, words, mend = CheckVerdict.WARNING, trouble.cause, trouble.next_step
    elif found:
        verdict, words = CheckVerdict.WARNING, "it is starting or stopping"
    else:
        verdict, words = CheckVerdict.WARNING, "it is not running; runs of its jobs wait"
        mend = f"Start the {service} service, or look at its log."
    return SystemState(
        name=service, kind="service", service=service, jobs=[entry.id for entry in entries], verdict=verdict,
        words=words, mend=mend, checked_at=now(), instances=found,
    )  # fmt: skip


def _state_of(probed: Probed | None, unknown: Failure | None) -> dict[str, Any]:
    if probed is not None:
        return probed.model_dump(include={"verdict", "words", "mend", "checked_at", "duration_ms"})
    words = unknown.cause if unknown else "nobody has said how to look at it"
    mend = unknown.next_step if unknown else None
    return {"verdict": CheckVerdict.UNKNOWN, "words": words, "mend": mend, "checked_at": now()}


async def _last_calls(gateway: Gateway, asking: Principal, systems: set[str]) -> list[LastCall]:
    """None if the status service does not answer: the state of now is worth telling without them."""
    if not systems:
        return []
    query = SystemCallsQuery(systems=sorted(systems), **await gateway.gate.scope(asking))
    try:
        subject = subjects.query("status", "system-calls")
        return (await gateway.bus.ask(subject, query, SystemCalls, timeout=STATUS_TIMEOUT)).items
    except TagwerkError:
        return []


def _with_calls(state: SystemState, calls: list[LastCall]) -> SystemState:
    if state.kind != "system":
        return state
    own = [call for call in calls if call.system == state.name]
    good = [call for call in own if call.outcome is CallOutcome.SUCCEEDED]
    bad = [call for call in own if call.outcome is not CallOutcome.SUCCEEDED]
    return state.model_copy(
        update={
            "last_succeeded": max(good, key=lambda call: call.started_at, default=None),
            "last_failed": max(bad, key=lambda call: call.started_at, default=None),
        }
    )
