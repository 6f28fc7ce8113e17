"""The dialog: a form made from the job's schema, the checks as one types, and the start."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.gateway import core
from services.gateway.context import Gateway, TheGateway, TheTrace
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.formats import Formats
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import JOBS, Place
from services.gateway.pages.rendering import Visit
from services.gateway.pages.safety import badge_of, start_of
from services.gateway.pages.start.fields import Field, fields_of
from services.gateway.pages.start.filled import PREFIX, parameters_of, texts_of, values_of
from services.gateway.pages.start.sentences import sentences, told_text
from services.gateway.pages.start.view import Checks, Filled, StartPage, checks_of, split
from services.gateway.preflight.inquiry import find_out
from services.gateway.problems import status_of
from services.gateway.routes.choices import CLIENT, choices_of
from services.gateway.routes.files import upload_file
from services.gateway.routes.jobs import StartRun, request_start
from services.gateway.routes.reruns import Rerun, request_rerun
from services.gateway.tracing import Trace
from shared.access import Principal
from shared.commands import ChoicesPage, RunDetail
from shared.errors import Failure, TagwerkError
from shared.jobs import CatalogueEntry
from shared.requests import RequestedRun

router = APIRouter(include_in_schema=False)

#: Characters of what a person types as a reason.
_REASON_LIMIT = 1000


@router.get("/jobs/{job_id}/start")
async def read_start(job_id: str, request: Request, visit: TheVisit, gateway: TheGateway) -> HTMLResponse:
    """Empty, filled in from the address, or from an earlier run (`?from=`)."""
    asking = _who(visit)
    entry = await gateway.gate.job_to_see(asking, job_id)
    fields = fields_of(entry.parameters)
    filled = _filled(request.query_params.multi_items())
    old = await _old_run(gateway, asking, filled, entry)
    zone = visit.preferences.zone
    texts = texts_of(fields, old.parameters if old else {}, zone)
    filled = Filled(
        client=filled.client or (old.client if old else None) or _default_client(asking),
        values={**texts, **filled.values},
        key=str(uuid4()),
        from_run=old.run_id if old else None,
    )
    return await _page(visit, gateway, entry, fields, filled)


@router.post("/jobs/{job_id}/start")
async def post_start(
    job_id: str, request: Request, visit: TheVisit, gateway: TheGateway, trace: TheTrace
) -> Response:
    """`do` says what was pressed: `check`, `dry_run` or `start`."""
    asking = _who(visit)
    entry = await gateway.gate.job_to_see(asking, job_id)
    fields = fields_of(entry.parameters)
    form = await request.form()
    filled = _filled([(name, text) for name, text in form.multi_items() if isinstance(text, str)])
    do = form.get("do")
    problem: Failure | None = None
    if do in ("start", "dry_run"):
        try:
            requested = await _start(
                gateway, asking, trace, entry, filled,
                parameters_of(fields, filled.values, visit.preferences.zone), dry_run=do == "dry_run",
            )  # fmt: skip
        except TagwerkError as error:
            problem = error.failure
        else:
            place = f"/runs/{requested.request.run_id}?at_least={requested.sequence}"
            return RedirectResponse(place, 303)
    checks = await _check(visit, gateway, entry, fields, filled, dry_run=do == "dry_run")
    return await _page(visit, gateway, entry, fields, filled, checks=checks, problem=problem)


@router.post("/jobs/{job_id}/start/checks")
async def post_checks(job_id: str, request: Request, visit: TheVisit, gateway: TheGateway) -> HTMLResponse:
    """The checks alone, for a script that asks while somebody types."""
    entry = await gateway.gate.job_to_see(_who(visit), job_id)
    form = await request.form()
    filled = _filled([(name, text) for name, text in form.multi_items() if isinstance(text, str)])
    checks = await _check(visit, gateway, entry, fields_of(entry.parameters), filled)
    return visit.page("start_checks.html", checks=checks, entry=entry, **_writers(visit))


@router.post("/jobs/{job_id}/start/upload")
async def post_upload(
    job_id: str,
    request: Request,
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    parameter: str,
) -> RedirectResponse:
    """A file for a parameter, for browsers without scripts: the form opens again with it, and with all that
    stood in it when it was last shown."""
    entry = await gateway.gate.job_to_see(asking, job_id)
    kept = await upload_file(request, asking, gateway, Response())
    others = [
        (name, text)
        for name, text in request.query_params.multi_items()
        if (name.startswith(PREFIX) and name != PREFIX + parameter) or name == "from"
    ]
    filled = [(CLIENT, kept.client), (PREFIX + parameter, kept.reference), *others]
    return RedirectResponse(f"/jobs/{entry.id}/start?{urlencode(filled)}", 303)


def _who(visit: Visit) -> Principal:
    assert visit.principal is not None
    return visit.principal


def _filled(sent: Sequence[tuple[str, str]]) -> Filled:
    plain: Mapping[str, str] = dict(sent)
    try:
        from_run = UUID(plain.get("from", ""))
    except ValueError:
        from_run = None
    client = plain.get(CLIENT, "").strip()
    return Filled(
        client=client or None,
        values=values_of(sent),
        confirm=plain.get("confirm", "").strip(),
        reason=plain.get("reason", "").strip()[:_REASON_LIMIT],
        key=plain.get("key", "")[:100],
        from_run=from_run,
    )


def _default_client(asking: Principal) -> str | None:
    try:
        return core.client_of(asking, None)
    except TagwerkError:
        return None


async def _old_run(
    gateway: Gateway, asking: Principal, filled: Filled, entry: CatalogueEntry
) -> RunDetail | None:
    """The run from which the form is filled in, if it is one of this job that the reader may see."""
    if filled.from_run is None:
        return None
    run = await gateway.run(asking, filled.from_run)
    return run if run.job == entry.id else None


async def _start(
    gateway: Gateway,
    asking: Principal,
    trace: Trace,
    entry: CatalogueEntry,
    filled: Filled,
    parameters: dict[str, Any],
    *,
    dry_run: bool,
) -> RequestedRun:
    """The same content of the same form is the same run. Filled in from a run that has ended it is a rerun of
    that one. Raises what a start or a rerun is refused for."""
    if filled.client is not None:
        await gateway.gate.act_for(asking, filled.client, entry.id)
    key = _key(filled, parameters, dry_run=dry_run)
    reason, confirm = filled.reason or None, filled.confirm or None
    old = await _old_run(gateway, asking, filled, entry)
    if old is not None and old.state.final and (old.client, old.dry_run) == (filled.client, dry_run):
        again = Rerun(parameters=parameters, reason=reason, confirm=confirm)
        return await request_rerun(gateway, asking, trace, old.run_id, again, key)
    wish = StartRun(
        client=filled.client, parameters=parameters, reason=reason, confirm=confirm, dry_run=dry_run
    )
    return await request_start(gateway, asking, trace, entry.id, wish, key)


def _key(filled: Filled, parameters: dict[str, Any], *, dry_run: bool) -> str | None:
    if not filled.key:
        return None
    content = json.dumps([filled.client, parameters, dry_run], sort_keys=True)
    return f"{filled.key}:{hashlib.sha256(content.encode()).hexdigest()[:32]}"


async def _check(
    visit: Visit,
    gateway: Gateway,
    entry: CatalogueEntry,
    fields: Sequence[Field],
    filled: Filled,
    *,
    dry_run: bool = False,
) -> Checks:
    facts = await find_out(
        gateway,
        _who(visit),
        entry,
        client=filled.client,
        parameters=parameters_of(fields, filled.values, visit.preferences.zone),
        dry_run=dry_run,
    )
    return checks_of(facts, filled.reason)


async def _page(
    visit: Visit,
    gateway: Gateway,
    entry: CatalogueEntry,
    fields: Sequence[Field],
    filled: Filled,
    *,
    checks: Checks | None = None,
    problem: Failure | None = None,
) -> HTMLResponse:
    asking = _who(visit)
    required, optional = split(fields)
    names = [CLIENT, *(field.name for field in fields if field.source is not None)]
    found = await asyncio.gather(*(_choices(gateway, asking, entry, name, filled.client) for name in names))
    choices = {name: page for name, page in zip(names, found, strict=True) if page is not None}
    clients = choices.pop(CLIENT, None)
    view = StartPage(
        entry=entry,
        badge=badge_of(entry),
        start=start_of(entry, asking),
        required=required,
        optional=optional,
        filled=filled,
        clients=clients.items if clients is not None else (),
        choices=choices,
        checks=checks,
        problem=problem,
    )
    trail = (
        JOBS,
        Place(entry.title, f"/jobs/{entry.id}", given=True),
        Place(N_("Start"), f"/jobs/{entry.id}/start"),
    )
    status = status_of(problem) if problem is not None else 200
    return visit.page(
        "start.html", trail=trail, status=status, view=view, checks=checks, entry=entry, **_writers(visit)
    )


async def _choices(
    gateway: Gateway, asking: Principal, entry: CatalogueEntry, name: str, client: str | None
) -> ChoicesPage | None:
    """None where there are none to be had now: then the value is typed."""
    try:
        return await choices_of(gateway, asking, entry, name, client=client, limit=100)
    except TagwerkError:
        return None


def _writers(visit: Visit) -> dict[str, Any]:
    """How templates write sayings, and what others said."""
    language, formats = visit.preferences.language, Formats(visit.preferences, datetime.now(UTC))
    return {
        "sentences": lambda sayings: sentences(sayings, language, formats),
        "told_text": lambda text: told_text(text, language),
    }
