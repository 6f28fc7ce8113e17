"""Finding out what the checks are made from: everybody is asked at once, and nobody is waited for long."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from pydantic import ValidationError

from services.gateway import core
from services.gateway.context import Gateway
from services.gateway.parameters import ways_to_write, wrong_parameters
from services.gateway.preflight.facts import Facts, Instance, Wanted
from shared import subjects
from shared.access import Action, Principal, Verdict, decide_access
from shared.bus import Bus
from shared.commands import ProbeAnswer, ProbeQuery, Repeats, RepeatsQuery
from shared.errors import Failure, TagwerkError
from shared.events import now
from shared.jobs import CatalogueEntry
from shared.probes import WITHIN

#: Seconds for the answer of a service that probes: it answers within `WITHIN`.
PROBE_TIMEOUT: Final = WITHIN + 1.0
#: Seconds for the runs before. The status service may wait for its projection.
STATUS_TIMEOUT: Final = 3.0
#: Seconds for the first sign of life of a service, and for those of its other processes.
HEALTH_TIMEOUT: Final = 1.0
HEALTH_REST: Final = 0.1


async def find_out(
    gateway: Gateway,
    asking: Principal,
    entry: CatalogueEntry,
    *,
    client: str | None,
    parameters: dict[str, object],
    dry_run: bool,
) -> Facts:
    """The facts about a start of `entry`. What cannot be found out in time is told as unknown."""
    client, client_refused = await _client(gateway, asking, entry.id, client)
    wanted = Wanted(entry, asking, client, parameters, dry_run)
    role_missing = decide_access(asking, entry.access, Action.START, client).verdict is Verdict.FORBIDDEN
    wrong = wrong_parameters(entry.parameters, parameters)
    permitted = client_refused is None and not role_missing
    (repeats, repeats_unknown), (answer, probes_unknown), found, user = await asyncio.gather(
        _repeats(gateway, wanted) if permitted and not wrong else _nothing(),
        _probed(gateway, wanted) if permitted else _nothing(),
        instances(gateway.bus, entry.service, all_of_them=False),
        gateway.principals.get(entry.runs_as),
    )
    return Facts(
        wanted=wanted,
        now=now(),
        client_refused=client_refused,
        role_missing=role_missing,
        wrong=wrong,
        service_user=user if entry.runs_as != "user" else None,
        instances=found,
        repeats=repeats,
        repeats_unknown=repeats_unknown,
        probed=None if answer is None else {one.name: one for one in answer.items},
        breakers=[] if answer is None else answer.breakers,
        probes_unknown=probes_unknown,
    )


async def _client(
    gateway: Gateway, asking: Principal, job: str, named: str | None
) -> tuple[str | None, Failure | None]:
    """For whom it is meant, or why that cannot be. A client that one does not act for is a refusal as
    everywhere: it stands in the audit."""
    try:
        client = core.client_of(asking, named)
        await gateway.gate.act_for(asking, client, job)
    except TagwerkError as error:
        return None, error.failure
    return client, None


async def _nothing() -> tuple[None, None]:
    return None, None


async def _repeats(gateway: Gateway, wanted: Wanted) -> tuple[Repeats | None, Failure | None]:
    assert wanted.client is not None
    query = RepeatsQuery(
        job=wanted.entry.id,
        client=wanted.client,
        parameters=ways_to_write(wanted.entry.parameters, wanted.parameters),
        **await gateway.gate.scope(wanted.asking),
    )
    try:
        subject = subjects.query("status", "repeats")
        return await gateway.bus.ask(subject, query, Repeats, timeout=STATUS_TIMEOUT), None
    except TagwerkError as error:
        return None, error.failure


async def _probed(gateway: Gateway, wanted: Wanted) -> tuple[ProbeAnswer | None, Failure | None]:
    assert wanted.client is not None
    locations = [] if wanted.dry_run else wanted.entry.locations
    names = [*wanted.entry.systems, *locations]
    return await probe(gateway.bus, wanted.entry.service, names, wanted.client)


async def probe(
    bus: Bus, service: str, names: Sequence[str], client: str
) -> tuple[ProbeAnswer | None, Failure | None]:
    """What the service finds at its systems and locations, or why nobody knows."""
    if not names:
        return ProbeAnswer(items=[]), None
    query = ProbeQuery(names=list(names), client=client)
    try:
        return await bus.ask(subjects.probe(service), query, ProbeAnswer, timeout=PROBE_TIMEOUT), None
    except TagwerkError as error:
        return None, error.failure


async def instances(bus: Bus, service: str, *, all_of_them: bool) -> list[Instance]:
    """The processes of a service that answer; the first that is ready is enough unless all are wanted."""
    found: list[Instance] = []
    subject = subjects.health(service)
    async with aclosing(bus.ask_all(subject, first=HEALTH_TIMEOUT, rest=HEALTH_REST)) as answers:
        async for payload in answers:
            try:
                found.append(Instance.model_validate_json(payload))
            except ValidationError:
                continue
            if found[-1].ready and not all_of_them:
                break
    return found
