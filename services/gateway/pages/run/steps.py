"""What somebody does with a run on its page: the forms in front of the routes of the API."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from services.gateway.context import Gateway, TheGateway, TheTrace
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.rendering import Visit, link
from services.gateway.pages.run.page import refusal_of, show
from services.gateway.pages.run.tabs import Asked
from services.gateway.problems import invalid
from services.gateway.routes import reruns, steering
from shared.errors import TagwerkError
from shared.words import Decision

router = APIRouter(include_in_schema=False)

#: A run, and the sequence that its page has to include.
Place = tuple[UUID, int]


class ReasonForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: Text = ""


class DecisionForm(ReasonForm):
    effect: Text
    decision: Decision


class RerunForm(ReasonForm):
    only: Literal["all", "failed"] = "all"
    #: The job's id, typed.
    confirm: Text = ""
    #: The same key means the same rerun.
    key: Text


@router.post("/runs/{run_id}/cancel")
async def cancel(
    run_id: UUID,
    form: Annotated[ReasonForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    trace: TheTrace,
) -> Response:
    async def do() -> Place:
        body = steering.CancelRun(reason=form.reason.strip() or None)
        published = await steering.cancel_run(run_id, asking, gateway, trace, body)
        return run_id, published.sequence

    return await _step(visit, asking, gateway, run_id, "cancel", form, do)


@router.post("/runs/{run_id}/decisions")
async def decide(
    run_id: UUID,
    form: Annotated[DecisionForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    trace: TheTrace,
) -> Response:
    async def do() -> Place:
        body = steering.DecideEffect(effect=form.effect, decision=form.decision, reason=form.reason.strip())
        published = await steering.decide_effect(run_id, body, asking, gateway, trace)
        return run_id, published.sequence

    return await _step(visit, asking, gateway, run_id, form.effect, form, do)


@router.post("/runs/{run_id}/rerun")
async def rerun(
    run_id: UUID,
    form: Annotated[RerunForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    trace: TheTrace,
) -> Response:
    async def do() -> Place:
        body = reruns.Rerun(
            only=form.only, reason=form.reason.strip() or None, confirm=form.confirm.strip() or None
        )
        key = f"page-{form.only}-{form.key}"
        requested = await reruns.rerun(run_id, body, asking, gateway, trace, Response(), key)
        return requested.run_id, requested.sequence

    return await _step(
        visit, asking, gateway, run_id, "rerun" if form.only == "all" else "rerun-failed", form, do
    )


async def _step(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    run_id: UUID,
    wanted: str,
    form: ReasonForm,
    do: Callable[[], Awaitable[Place]],
) -> Response:
    """On to the run that it leads to; or back to this one, with what stood in the way."""
    try:
        target, sequence = await do()
    except ValidationError as error:
        refused: TagwerkError = invalid(error)
    except TagwerkError as error:
        refused = error
    else:
        return RedirectResponse(link(f"/runs/{target}", at_least=sequence), 303)
    return await show(visit, asking, gateway, run_id, Asked(), refusal_of(refused, wanted, form.reason))
