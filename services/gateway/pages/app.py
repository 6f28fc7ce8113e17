"""The pages, put together."""

from fastapi import APIRouter

from services.gateway.pages import (
    account,
    approvals,
    audit,
    catalogue,
    dead_letters,
    job,
    mqtt,
    preferences_page,
    reports,
    runs,
    search,
    sign_in,
    static_files,
    systems,
    traces,
)
from services.gateway.pages.alerts import page as alerts
from services.gateway.pages.alerts import steps as alert_steps
from services.gateway.pages.documents import list as document_list
from services.gateway.pages.documents import page as document_page
from services.gateway.pages.run import page as run_page
from services.gateway.pages.run import steps as run_steps
from services.gateway.pages.schedules import backfill as schedule_backfill
from services.gateway.pages.schedules import change as schedule_change
from services.gateway.pages.schedules import page as schedules
from services.gateway.pages.schedules import steps as schedule_steps
from services.gateway.pages.start import page as start
from services.gateway.pages.users import new as new_user
from services.gateway.pages.users import page as users
from services.gateway.pages.users import steps as user_steps

#: One module a page, or a few that belong together.
_PAGES = (
    catalogue,
    job,
    start,
    runs,
    run_page,
    run_steps,
    alerts,
    alert_steps,
    schedules,
    schedule_steps,
    schedule_change,
    schedule_backfill,
    search,
    document_list,
    document_page,
    approvals,
    reports,
    dead_letters,
    systems,
    traces,
    mqtt,
    users,
    new_user,
    user_steps,
    audit,
    account,
    preferences_page,
    sign_in,
    static_files,
)


def router() -> APIRouter:
    """Every page. They are no part of the API's contract, so `/openapi.json` does not name them."""
    pages = APIRouter(include_in_schema=False)
    for page in _PAGES:
        pages.include_router(page.router)
    return pages
