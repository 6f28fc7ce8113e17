"""Why a system outside could not be reached, in words where the operating system has a number."""

import socket

from shared.errors import ExternalSystemNotReached


def not_reached(system: str, host: str, error: BaseException, *, timed_out: bool) -> ExternalSystemNotReached:
    """The failure of a call that found no connection to `host`. `error`, or what it was raised from, tells
    why; `timed_out`: nobody answered."""
    return ExternalSystemNotReached(system, _why(host, error, timed_out=timed_out))


def _why(host: str, error: BaseException, *, timed_out: bool) -> str:
    if timed_out:
        return f"no connection: {host} does not answer"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return f"no connection: the name {host} is not known here"
        if isinstance(cause, ConnectionRefusedError):
            return f"no connection: {host} refuses it"
        cause = cause.__cause__ or cause.__context__
    return f"no connection: {error}"
