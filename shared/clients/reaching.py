"""Why a system outside could not be reached, in words where the operating system has a number."""

import socket
import ssl
from collections.abc import Iterator

from shared.errors import ExternalSystemNotReached


def not_reached(
    system: str, host: str, error: BaseException, *, timed_out: bool, authorities: str | None = None
) -> ExternalSystemNotReached:
    """The failure of a call that found no connection to `host`. `error`, or what it was raised from, tells
    why; `timed_out`: nobody answered. `authorities`: the setting that names whose certificates count."""
    if timed_out:
        return ExternalSystemNotReached(system, f"no connection: {host} does not answer")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(system, host, cause.verify_message, authorities)
    return ExternalSystemNotReached(system, _why(host, error))


def _untrusted(system: str, host: str, why: str, authorities: str | None) -> ExternalSystemNotReached:
    if authorities is None:
        step = f"Have {host} show a certificate with its name, of an authority that this machine knows."
    else:
        step = (
            f"Have {host} show a certificate with its name, of an authority that this machine knows, or name "
            f"the file of its authority in {authorities} and start the service again."
        )
    return ExternalSystemNotReached(
        system, f"no connection: the certificate of {host} is not trusted: {why}", next_step=step
    )


def _why(host: str, error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"no connection: the name {host} is not known here"
        if isinstance(cause, ConnectionRefusedError):
            return f"no connection: {host} refuses it"
    return f"no connection: {error}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
