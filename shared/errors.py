"""Failures as values: a stable code, the innermost cause in words, what it concerned, the next step.

`Failure` is what events carry; `TagwerkError` is what code raises. An exception that is not ours is
translated once, at the edge of a run or a request, by `failure_of`.
"""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Failure(BaseModel):
    """Why something failed, for the person who has to act on it."""

    model_config = ConfigDict(frozen=True)

    #: Stable, lower_snake_case: `record_invalid`. Troubleshooting pages key on it.
    code: str
    #: The innermost cause in words.
    cause: str
    #: What it concerned: a record key, a system, a file.
    concern: str | None = None
    #: What the operator does next.
    next_step: str
    #: Whether the same thing tried again can succeed without anybody changing anything.
    retryable: bool = False
    #: Seconds that the counterpart asked to wait before it is tried again. Told to nobody: a run that waits
    #: says until when.
    retry_after: float | None = Field(default=None, exclude=True)
    #: Of an unknown exception: its type and place (`ValueError at services/x/core.py:12`).
    origin: str | None = None


class TagwerkError(Exception):
    """A failure that we understand. `cause` is a sentence, `next_step` an instruction."""

    def __init__(
        self,
        code: str,
        cause: str,
        *,
        next_step: str,
        concern: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(cause)
        self.failure = Failure(
            code=code,
            cause=cause,
            concern=concern,
            next_step=next_step,
            retryable=retryable,
            retry_after=retry_after,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.failure)


def _revive(kind: type[TagwerkError], failure: Failure) -> TagwerkError:
    error = kind.__new__(kind)
    Exception.__init__(error, failure.cause)
    error.failure = failure
    return error


def foremost(failures: Sequence[TagwerkError]) -> TagwerkError:
    """Of the failures of a run's parts the one that it ends with. One that passes by itself goes first: the
    next attempt tries each part again."""
    return next((error for error in failures if error.failure.retryable), failures[0])


class RecordInvalid(TagwerkError):
    """One record is wrong; the others go on."""

    def __init__(self, cause: str, *, next_step: str, concern: str | None = None) -> None:
        super().__init__("record_invalid", cause, next_step=next_step, concern=concern)


class NotDone(TagwerkError):
    """Raised by a client that knows that nothing was done: refused, or failed before anything was sent.

    An effect that ends with it is not in doubt.
    """


class NotCalled(NotDone):
    """The system outside was not even called, so there is no call to record."""


class ExternalSystemUnavailable(TagwerkError):
    """A system outside did not answer, or answered that it cannot serve now."""

    def __init__(
        self, system: str, cause: str, *, next_step: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(
            "external_system_unavailable",
            cause,
            concern=system,
            next_step=next_step or f"Check that {system} can be reached; Tagwerk tries again by itself.",
            retryable=True,
            retry_after=retry_after,
        )


class ExternalSystemNotReached(ExternalSystemUnavailable, NotDone):
    """No connection came about, so nothing was sent."""


class ExternalSystemBusy(ExternalSystemUnavailable):
    """It can be reached, and answered that it does not serve this now."""


class CredentialsRejected(NotDone):
    """A system outside refused our credentials. Trying again locks accounts, so it is not retried."""

    def __init__(self, system: str, cause: str) -> None:
        super().__init__(
            "credentials_rejected",
            cause,
            concern=system,
            next_step=f"Renew the credentials of {system} in the settings, then rerun.",
        )


def wrong_fields(error: ValidationError) -> str:
    """What a model refused, each field named: `count: Input should be a valid integer`."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc']) or 'parameters'}: {detail['msg']}"
        for detail in error.errors(include_url=False)
    )


def failure_of(error: BaseException) -> Failure:
    """Translate any exception into a `Failure`; what is not ours is reported with type, message and place."""
    if isinstance(error, TagwerkError):
        return error.failure
    if _database_is_gone(error):
        code, retryable = "database_unavailable", True
        step = "Check that PostgreSQL runs; Tagwerk tries again by itself where that is safe."
    elif isinstance(error, ConnectionError | TimeoutError):
        code, retryable = "connection_failed", True
        step = (
            "Check the network and the system that was called; Tagwerk tries again where the job allows it."
        )
    elif isinstance(error, MemoryError):
        code, retryable = "out_of_memory", False
        step = "Give the service more memory, or split the input."
    else:
        code, retryable = "unexpected_error", False
        step = "Read the log of this run, where the traceback stands, and report it with the run id."
    return Failure(
        code=code,
        cause=_innermost_message(error),
        next_step=step,
        retryable=retryable,
        origin=f"{type(error).__name__} at {_place(error)}",
    )


def _database_is_gone(error: BaseException) -> bool:
    """Whether PostgreSQL cannot serve now: SQLSTATE classes 08, 53 and 57, or a connection that closed.

    By name, so that the contracts, which everything reads, need no database driver.
    """
    if not type(error).__module__.startswith("asyncpg"):
        return False
    state = getattr(error, "sqlstate", None)
    if state:
        return state[:2] in ("08", "53", "57")
    # The latter is how asyncpg meets a connection that breaks in the middle of a command.
    return "clos" in str(error) or type(error).__name__ == "InternalClientError"


def _innermost_message(error: BaseException) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    message = str(cause) or type(cause).__name__
    return message if cause is error else f"{error}: {message}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    frame = frames[-1]
    parts = Path(frame.filename).parts
    return f"{'/'.join(parts[-3:])}:{frame.lineno}"
