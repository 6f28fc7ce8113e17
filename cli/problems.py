"""What went wrong, as a person reads it: what, cause, concern, next step. And the exit code that tells it."""

from typing import Any

from cli.exits import Exit
from shared.errors import Failure

#: HTTP statuses that mean: you may not, or there is nothing that you may see.
_REFUSALS = frozenset({401, 403, 404, 410})
#: Codes of refusals that come with other statuses.
_REFUSAL_CODES = frozenset({"confirmation_required"})

#: Next steps of the API that a person at a terminal takes in other words.
NEXT_STEPS = {
    "confirmation_required": "If you are sure, give --confirm with the job's id, and a --reason.",
    "nothing_failed": "Leave out --failed-only if everything is to be done again.",
    "client_ambiguous": "Name one of them with --client.",
    "fields_doubtful": "Compare with the page; --confirm NAME what is right, `tagwerk correct` the rest.",
    "duplicate_unconfirmed": "Compare the two; then `tagwerk reject` this one, or --confirm duplicate.",
    "values_changed": "Look at it again: `tagwerk document DOCUMENT`; then approve what it says now.",
    "run_not_found": "Check the id; `tagwerk runs` lists the runs that you may see.",
    "job_not_found": "Check the id; `tagwerk jobs` lists the jobs that you may see.",
    "job_retired": "Look for its successor in `tagwerk jobs`.",
    "effect_in_doubt": "`tagwerk run RUN` tells how to decide; then run it again.",
    "client_not_found": "Check the name; `tagwerk me` names your clients.",
    "principal_not_found": "`tagwerk principals list` names all; make it with `tagwerk principals set`.",
    "parameters_invalid": "Correct what the cause names; `tagwerk job JOB` tells each parameter.",
    "request_invalid": "Correct what the cause names, and give the command again.",
}


class Problem(Exception):
    """A command cannot go on. `what` is a heading of some words, `failure` says the rest."""

    def __init__(
        self,
        what: str,
        failure: Failure,
        exit: Exit,
        *,
        details: list[str] | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.failure = failure
        self.exit = exit
        #: Further lines: the fields that are wrong.
        self.details = details or []
        #: By which the services' logs tell more.
        self.trace_id = trace_id

    def as_data(self) -> dict[str, Any]:
        """The shape that `--json` writes to stderr."""
        return {
            "problem": {
                "what": self.what,
                **self.failure.model_dump(mode="json", exclude={"origin"}),
                "details": self.details,
                "trace_id": self.trace_id,
                "exit": int(self.exit),
            }
        }


def unreachable(url: str, cause: str) -> Problem:
    return Problem(
        "Tagwerk cannot be reached",
        Failure(
            code="gateway_unreachable",
            cause=cause,
            concern=url,
            next_step="Start the stack with `make up`, or give the right address with --url or TAGWERK_URL.",
            retryable=True,
        ),
        Exit.UNREACHABLE,
    )


def file_unusable(error: OSError) -> Problem:
    """A file of this machine, or the output, that cannot be read or written."""
    return Problem(
        "A file cannot be used",
        Failure(
            code="file_unusable",
            cause=error.strerror or str(error),
            concern=str(error.filename) if error.filename is not None else None,
            next_step="Check the path, its permissions and the free space, and give the command again.",
        ),
        Exit.PROBLEM,
    )


def wrong_use(cause: str, *, next_step: str, concern: str | None = None) -> Problem:
    """The command line is wrong in a way that its parser cannot see."""
    failure = Failure(code="usage", cause=cause, concern=concern, next_step=next_step)
    return Problem("The command line is wrong", failure, Exit.USAGE)


def problem_of_answer(status: int, body: Any, url: str) -> Problem:
    """The problem in an answer of the gateway (RFC 9457), or one made of the bare status."""
    if not isinstance(body, dict) or "title" not in body:
        failure = Failure(
            code="answer_not_understood",
            cause=f"the answer has status {status} and is none of Tagwerk's",
            concern=url,
            next_step="Check that the address is Tagwerk's gateway and not another server or a proxy.",
        )
        return Problem("The answer is not Tagwerk's", failure, Exit.PROBLEM)
    code = str(body.get("code", "unknown"))
    failure = Failure(
        code=code,
        cause=str(body.get("detail") or body["title"]),
        concern=body.get("concern"),
        next_step=NEXT_STEPS.get(code) or str(body.get("next_step") or _next_step(status)),
        retryable=bool(body.get("retryable", False)),
    )
    refused = status in _REFUSALS or code in _REFUSAL_CODES
    return Problem(
        code.replace("_", " ").capitalize(),
        failure,
        Exit.REFUSED if refused else Exit.PROBLEM,
        details=_details(body),
        trace_id=body.get("trace_id"),
    )


def _details(body: dict[str, Any]) -> list[str]:
    """One line for each wrong field, from the problem's `errors`."""
    lines = []
    for error in body.get("errors") or []:
        lines.append(f"{error['field']}: {error['message']}")
    return lines


def _next_step(status: int) -> str:
    if status == 401:
        return "Sign in again: `tagwerk sign-in` makes a new token for the local stack."
    return "Read the gateway's log of this moment."
