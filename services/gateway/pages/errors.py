"""Errors as pages: what happened, what it concerned, what to do next, and the trace id to report it with."""

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.pages.asking import NOT_SIGNED_IN, sign_in_path
from services.gateway.pages.codes import title_of
from services.gateway.pages.languages import N_
from services.gateway.pages.rendering import Visit
from services.gateway.problems import Problem
from shared.access import Principal

#: Where the next step of a program is none for a person.
_NEXT_STEPS = {
    "not_found": N_("Go on from the list of jobs, or search for what you need."),
    "job_not_found": N_("Check the id; the list of jobs has all that you may see."),
}


def error_page(request: Request, problem: Problem) -> Response:
    """The page that tells of `problem`; who has to sign in is sent there instead."""
    if problem.code in NOT_SIGNED_IN:
        return RedirectResponse(sign_in_path(request), 303)
    if problem.code == "password_change_required":
        return RedirectResponse("/account", 303)
    visit = Visit.of(request, _who(request), request.state.gateway.settings.time_zone)
    return visit.page(
        "error.html",
        status=problem.status,
        problem=problem,
        title=title_of(problem.code),
        next_step=_NEXT_STEPS.get(problem.code),
    )


def _who(request: Request) -> Principal | None:
    """Whoever the request turned out to come from before it failed."""
    who: Principal | None = getattr(request.state, "asking", None)
    return who
