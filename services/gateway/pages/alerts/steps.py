"""What somebody does about alerts on their pages: the forms in front of the routes of the API."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking
from services.gateway.routes.alerts import close_alert
from services.gateway.routes.schedule_changes import Reason, WithReason
from services.gateway.routes.silences import MakeSilence, end_silence, make_silence
from shared.words import AlertKind

router = APIRouter(include_in_schema=False)


class CloseForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: Reason


class SilenceForm(CloseForm):
    """Empty: every kind, job, client."""

    kind: AlertKind | None = None
    jobs: Text = ""
    clients: Text = ""
    hours: float = Field(gt=0, le=744)

    @property
    def body(self) -> MakeSilence:
        return MakeSilence(
            kinds=[] if self.kind is None else [self.kind],
            jobs=_words(self.jobs),
            clients=_words(self.clients),
            hours=self.hours,
            reason=self.reason,
        )


@router.post("/alerts/{alert_id}/close")
async def close(
    alert_id: UUID, form: Annotated[CloseForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    await close_alert(alert_id, WithReason(reason=form.reason), asking, gateway)
    return RedirectResponse("/alerts", 303)


@router.post("/alerts/silences")
async def silence(form: Annotated[SilenceForm, Form()], asking: PageAsking, gateway: TheGateway) -> Response:
    await make_silence(form.body, asking, gateway)
    return RedirectResponse("/alerts/silences", 303)


@router.post("/alerts/silences/{silence_id}/end")
async def end(silence_id: UUID, asking: PageAsking, gateway: TheGateway) -> Response:
    await end_silence(silence_id, asking, gateway)
    return RedirectResponse("/alerts/silences", 303)


def _words(typed: str) -> list[str]:
    return typed.replace(",", " ").split()
