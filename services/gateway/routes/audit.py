"""The audit log: who did what, what proves it, and an export that proves itself."""

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayAdminister, TheGateway
from services.gateway.fields import Moment, Text
from services.gateway.lists import PageFilter
from services.gateway.problems import answers
from shared import subjects
from shared.access import EVERY_CLIENT, Principal
from shared.commands import (
    AuditEntriesPage,
    AuditEntriesQuery,
    AuditExport,
    AuditExportQuery,
    AuditHead,
    AuditLink,
    AuditState,
    AuditStateQuery,
    Scope,
)

router = APIRouter(prefix="/audit", tags=["audit"])

#: Names the form of an export.
EXPORT_FORM = "tagwerk-audit-export-1"


class EntriesWanted(BaseModel):
    """Which entries; all that is given has to fit."""

    model_config = ConfigDict(extra="forbid")

    principal: Text | None = Field(default=None, description="Who did it.")
    kind: list[Text] = Field(default_factory=list, description="Any of these: `signed_in`, `run_requested`.")
    client: Text | None = Field(default=None, description="For which client.")
    concern: Text | None = Field(default=None, description="How the concern begins: `document:`.")
    run_id: UUID | None = None
    trace_id: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")] | None = None
    since: Moment | None = Field(default=None, description="Not before this; without a zone it is UTC.")
    until: Moment | None = Field(default=None, description="Before this.")

    def fields(self) -> dict[str, Any]:
        """The fields of an `AuditFilter`."""
        asked = self.model_dump()
        for name in ("since", "until"):
            moment = asked[name]
            if moment is not None and moment.tzinfo is None:
                asked[name] = moment.replace(tzinfo=UTC)
        return asked


class EntriesFilter(EntriesWanted, PageFilter):
    pass


def scope_of(asking: Principal) -> Scope:
    """Who does not act for every client sees what names one of theirs, or none."""
    return Scope() if EVERY_CLIENT in asking.clients else Scope(clients=asking.clients)


@router.get("/entries", summary="Entries of the audit log, the newest first", responses=answers(403))
async def list_audit_entries(
    filter: Annotated[EntriesFilter, Query()], asking: MayAdminister, gateway: TheGateway
) -> AuditEntriesPage:
    """For technical administrators. Of an entry whose retention period is over only its place is left."""
    await gateway.gate.operate(asking, "audit log")
    return await read_entries(gateway, asking, filter)


async def read_entries(gateway: Gateway, asking: Principal, filter: EntriesFilter) -> AuditEntriesPage:
    """Raises `cursor_invalid`."""
    query = AuditEntriesQuery(scope=scope_of(asking), **filter.fields())
    return await gateway.bus.ask(
        subjects.query("audit", "entries"), query, AuditEntriesPage, timeout=QUERY_TIMEOUT
    )


@router.get("/state", summary="The audit log's length, newest head and check", responses=answers(403))
async def read_audit_state(asking: MayAdminister, gateway: TheGateway) -> AuditState:
    await gateway.gate.operate(asking, "audit log")
    return await gateway.bus.ask(
        subjects.query("audit", "state"), AuditStateQuery(), AuditState, timeout=QUERY_TIMEOUT
    )


@router.get(
    "/export",
    summary="Entries with what proves them, a JSON object a line",
    response_class=StreamingResponse,
    responses=answers(403) | {200: {"content": {"application/x-ndjson": {}}}},
)
async def export_audit_log(
    wanted: Annotated[EntriesWanted, Query()], asking: MayAdminister, gateway: TheGateway
) -> StreamingResponse:
    """First a line about the export, then one for each entry from the first that fits to the next signed
    head, with the content of those that fit, and one for each head. `deploy/verify_audit_export.py` verifies
    it, without Tagwerk."""
    await gateway.gate.operate(asking, "audit log")
    query = AuditExportQuery(scope=scope_of(asking), **wanted.fields())
    # Asked for before the answer begins, so that a refusal is a problem and no broken file.
    first = await _part(gateway, query)
    headers = {"Content-Disposition": 'attachment; filename="audit-export.ndjson"'}
    return StreamingResponse(
        _lines(gateway, query, first), media_type="application/x-ndjson", headers=headers
    )


async def _part(gateway: Gateway, query: AuditExportQuery) -> AuditExport:
    subject = subjects.query("audit", "export")
    return await gateway.bus.ask(subject, query, AuditExport, timeout=QUERY_TIMEOUT)


async def _lines(gateway: Gateway, query: AuditExportQuery, part: AuditExport) -> AsyncIterator[bytes]:
    yield _line(
        {
            "form": EXPORT_FORM,
            "log_id": part.log_id,
            "first": part.first,
            "last": part.last,
            "previous": part.previous,
        }
    )
    query = query.model_copy(update={"first": part.first, "last": part.last})
    while True:
        heads = {head.number: head for head in part.heads}
        for link in part.links:
            yield _line(_told(link))
            if link.number in heads:
                yield _line(_told_head(heads[link.number]))
        if part.done or not part.links:
            return
        part = await _part(gateway, query.model_copy(update={"after": part.links[-1].number}))


def _told(link: AuditLink) -> dict[str, Any]:
    return link.model_dump(mode="json", exclude_none=True)


def _told_head(head: AuditHead) -> dict[str, Any]:
    return {"head": head.model_dump(mode="json", include={"statement", "signature", "key"})}


def _line(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
