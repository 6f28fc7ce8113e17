"""Silences: what nobody is told for a while, why, and until when."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, model_validator

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayAdminister, TheGateway
from services.gateway.fields import Moment, Text
from services.gateway.problems import answers
from services.gateway.routes.audit import scope_of
from services.gateway.routes.schedule_changes import WithReason
from services.gateway.routes.steering import COMMAND_TIMEOUT
from shared import subjects
from shared.access import EVERY_CLIENT, Principal
from shared.commands import (
    EndSilence,
    SetSilence,
    SilenceRow,
    SilencesPage,
    SilencesQuery,
)
from shared.errors import TagwerkError
from shared.events import now
from shared.words import AlertKind

router = APIRouter(tags=["alerts"])

Patterns = Annotated[list[Text], Field(max_length=50)]


class MakeSilence(WithReason):
    """Empty lists: every kind, job, client. Jobs and clients are patterns: `integrations.*`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"jobs": ["integrations.*"], "hours": 4, "reason": "the bank moves its server"}]
        }
    )

    kinds: list[AlertKind] = Field(default_factory=list)
    jobs: Patterns = Field(default_factory=list)
    clients: Patterns = Field(default_factory=list)
    #: When it ends: a time, or hours from now.
    ends_at: Moment | None = None
    hours: float | None = Field(default=None, gt=0, le=744)

    @model_validator(mode="after")
    def _one_end(self) -> "MakeSilence":
        if (self.ends_at is None) == (self.hours is None):
            raise ValueError("give either `ends_at` or `hours`")
        return self

    @property
    def end(self) -> datetime:
        return self.ends_at or now() + timedelta(hours=self.hours or 0)


@router.get("/silences", summary="Silences", responses=answers(403))
async def list_silences(
    asking: MayAdminister, gateway: TheGateway, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> SilencesPage:
    """For technical administrators: those in force, the first to end first; then those that ended."""
    return await read_silences(gateway, asking, SilencesQuery(limit=limit))


async def read_silences(gateway: Gateway, asking: Principal, query: SilencesQuery) -> SilencesPage:
    """Raises `access_refused`."""
    await gateway.gate.operate(asking, "silences")
    scoped = query.model_copy(update={"scope": scope_of(asking)})
    return await gateway.bus.ask(
        subjects.query("reporting", "silences"), scoped, SilencesPage, timeout=QUERY_TIMEOUT
    )


@router.post("/silences", summary="Silence alerts for a while", responses=answers(403, 404))
async def make_silence(body: MakeSilence, asking: MayAdminister, gateway: TheGateway) -> SilenceRow:
    """For technical administrators, for at most 31 days. What is silenced is shown all the same, and told
    when the silence ends, if it is still there. Who does not act for every client silences their own."""
    await gateway.gate.operate(asking, "silences")
    clients = body.clients
    if EVERY_CLIENT not in asking.clients:
        for client in clients:
            await gateway.gate.act_for(asking, client, "silences")
        clients = clients or sorted(asking.clients)
    command = SetSilence(
        kinds=body.kinds,
        jobs=body.jobs,
        clients=clients,
        reason=body.reason,
        ends_at=body.end,
        principal=asking.id,
    )
    return await gateway.bus.ask(subjects.SET_SILENCE, command, SilenceRow, timeout=COMMAND_TIMEOUT)


@router.post("/silences/{silence_id}/end", summary="End a silence now", responses=answers(403, 404))
async def end_silence(silence_id: UUID, asking: MayAdminister, gateway: TheGateway) -> SilenceRow:
    found = await read_silences(gateway, asking, SilencesQuery(silence_id=silence_id))
    if not found.items:
        gateway.gate.look_for_hidden_silence(asking, silence_id)
        raise TagwerkError(
            "silence_not_found",
            "there is no such silence that you may see",
            concern=str(silence_id),
            next_step="`GET /api/v1/silences` lists those that there are.",
        )
    command = EndSilence(silence_id=silence_id, principal=asking.id)
    return await gateway.bus.ask(subjects.END_SILENCE, command, SilenceRow, timeout=COMMAND_TIMEOUT)
