"""What runs here."""

import platform
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from services.gateway.context import MayReadJobs, TheGateway
from shared.service import SOFTWARE_VERSION

router = APIRouter(tags=["health"])


class Version(BaseModel):
    """The software of the gateway that answered."""

    version: str
    #: Of the source; None where the installation does not say (`TAGWERK_REVISION`).
    revision: str | None
    python: str
    started_at: datetime


@router.get("/version", summary="Which version runs, and since when")
async def read_version(asking: MayReadJobs, gateway: TheGateway) -> Version:
    return Version(
        version=SOFTWARE_VERSION,
        revision=gateway.settings.revision,
        python=platform.python_version(),
        started_at=gateway.started_at,
    )
