"""Forms as somebody sent them: what was typed stays, and what is wrong stands at its field. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.gateway.pages.codes import title_of
from services.gateway.pages.languages import N_
from services.gateway.problems import ProblemError, invalid
from shared.errors import Failure, TagwerkError

#: What a field of the API wants, as a message.
_WANTED: Mapping[str, str] = {
    "id": N_("Lower-case letters, digits, dots and dashes; it begins with a letter or a digit."),
    "name": N_("It needs a name, of 200 characters at most."),
    "clients": N_("Names of clients have lower-case letters, digits, dots and dashes only."),
    "email": N_("A mail address: ada@example.com."),
    "absent_from": N_("The first and the last day, in this order; or neither."),
    "substitute": N_("The id of another active person."),
    "absent_until": N_("The first and the last day, in this order; or neither."),
    "days": N_("A number from 1 to 365."),
    "scopes": N_("Choose at least one."),
    "reason": N_("Say why, in three characters or more."),
    "every": N_("From 10 seconds to 366 days, as a whole number."),
    "at": N_("A date and a time."),
    "start": N_("A date and a time."),
    "end": N_("A date and a time."),
    "limit": N_("A number from 1 to 100."),
    "country": N_("Two letters: CH."),
    "canton": N_("One to three letters or digits: ZH."),
    "window": N_("From one minute to 31 days, as a whole number."),
    "jitter": N_("One hour at most, as a whole number."),
}

#: Codes that are about one field: the field, and a message where ours says more to a person.
_ABOUT: Mapping[str, tuple[str, str | None]] = {
    "client_not_found": ("clients", N_("The account does not act for one of these clients.")),
    "password_refused": (
        "password",
        N_(
            "This password cannot be taken: it is too short, one of those that are tried first, or little "
            "more than the own name."
        ),
    ),
    "password_not_for_kind": ("password", N_("Passwords are for persons; programs sign in with a token.")),
    "password_wrong": ("current", N_("The current password is not right, or it was wrong too often.")),
    "passwords_differ": ("again", N_("The two new passwords are not the same.")),
    "principal_exists": ("id", N_("There is an account with this id already.")),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field."""

    words: str
    #: A message of ours, which is translated; else English.
    message: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in one of the forms of a page."""

    form: str
    typed: Mapping[str, Any]
    #: Why it was not done.
    failure: Failure
    errors: Mapping[str, Wrong] = field(default_factory=dict)

    @property
    def title(self) -> str | None:
        """A message, or None for a code that no page knows by name."""
        return title_of(self.failure.code)


def refused(
    form: str,
    typed: Mapping[str, Any],
    error: TagwerkError | ValidationError,
    *,
    renamed: Mapping[str, str] | None = None,
) -> Filled:
    """`renamed`: fields that the form calls otherwise than the API."""
    problem = invalid(error) if isinstance(error, ValidationError) else error
    errors: dict[str, Wrong] = {}
    if problem.failure.code in _ABOUT:
        name, words = _ABOUT[problem.failure.code]
        errors[name] = Wrong(words, True) if words else Wrong(problem.failure.cause, False)
    elif isinstance(problem, ProblemError):
        for one in problem.members.get("errors") or ():
            name = one.field.split(".")[0]
            known = _WANTED.get(name) if problem.failure.code == "request_invalid" else None
            errors.setdefault(name, Wrong(known or one.message, known is not None))
    names = renamed or {}
    return Filled(
        form, typed, problem.failure, {names.get(name, name): wrong for name, wrong in errors.items()}
    )
