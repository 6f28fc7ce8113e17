"""The pages, put together."""

from fastapi import APIRouter

from services.gateway.pages import catalogue, job, preferences_page, static_files
from services.gateway.pages.start import page as start

#: One module a page, or a few that belong together.
_PAGES = (catalogue, job, start, preferences_page, static_files)


def router() -> APIRouter:
    """Every page. They are no part of the API's contract, so `/openapi.json` does not name them."""
    pages = APIRouter(include_in_schema=False)
    for page in _PAGES:
        pages.include_router(page.router)
    return pages
