"""What a running job knows of its run, and the tools that it may ask for by type."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

import structlog

from shared.clients.destinations import admit
from shared.errors import Failure, TagwerkError
from shared.events import Call, LogLine, now
from shared.telemetry.calls import call_made
from shared.words import CallOutcome, LogLevel


@dataclass(frozen=True, slots=True)
class RunContext:
    """One attempt of one run. Everything that a service provides to a job is made from this."""

    run_id: UUID
    attempt: int
    job: str
    client: str
    #: As whom the run works.
    principal: str
    about: tuple[str, ...] = ()
    #: A rerun of some records only: their keys.
    only_records: frozenset[str] | None = None
    traceparent: str | None = None
    #: Whether the job is only to tell what it would do.
    dry_run: bool = False
    #: Whether a person waits: what the run causes goes the same way as it.
    interactive: bool = True

    def facts(self, *about: str) -> dict[str, Any]:
        """What every business event of the run tells besides its own: for whom, as whom, and why."""
        return {
            "client": self.client,
            "principal": self.principal,
            "about": list(about),
            "run_id": self.run_id,
            "traceparent": self.traceparent,
            "interactive": self.interactive,
        }

    def wants(self, record_key: str) -> bool:
        """Whether this run is to handle the record; False only in a rerun of other records."""
        return self.only_records is None or record_key in self.only_records


class Progress:
    """`await progress(3, 10)`: shown live. Not every call is published, the last one of an interval is."""

    def __init__(self, publish: Callable[[int, int | None, str | None], None]) -> None:
        self._publish = publish

    async def __call__(self, done: int, total: int | None = None, message: str | None = None) -> None:
        self._publish(done, total, message)


class RunLog:
    """Log lines of the run: they stand with its results and in the service's own log."""

    def __init__(self, context: RunContext, publish: Callable[[LogLine], None]) -> None:
        self._publish = publish
        self._log = structlog.get_logger("job").bind(job=context.job, run_id=str(context.run_id))

    def debug(self, message: str, **fields: Any) -> None:
        self._say(LogLevel.DEBUG, message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._say(LogLevel.INFO, message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._say(LogLevel.WARNING, message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._say(LogLevel.ERROR, message, fields)

    def _say(self, level: LogLevel, message: str, fields: dict[str, Any]) -> None:
        plain = {
            key: value if isinstance(value, int | float | bool) else str(value)
            for key, value in fields.items()
        }
        self._publish(LogLine(time=now(), level=level, message=message, fields=plain))
        self._log.log(_STDLIB_LEVELS[level], message, **plain)


_STDLIB_LEVELS = {LogLevel.DEBUG: 10, LogLevel.INFO: 20, LogLevel.WARNING: 30, LogLevel.ERROR: 40}


class Reach(Protocol):
    """Knows which systems outside can be reached."""

    def trying(self, system: str, host: str) -> AbstractAsyncContextManager[None]:
        """Around one attempt to reach `host` (`<host>:<port>`); learns from how the block ends. Raises
        `ExternalSystemPaused`."""


#: How a call went by its protocol, as attributes of its span: the status of an HTTP answer.
CallFacts = Mapping[str, str | int]


class Calls:
    """Where the injected clients of external systems record their calls, so that no job has to; and
    where they ask whether they may call."""

    def __init__(self, publish: Callable[[Call], None], reach: Reach | None = None) -> None:
        """Without `reach` nothing is learned of how calls end."""
        self._publish = publish
        self._reach = reach
        #: Where each system was reached last.
        self._addresses: dict[str, tuple[str, int]] = {}

    def begin(
        self, system: str, operation: str, *, broken_off: CallOutcome = CallOutcome.FAILED
    ) -> "OpenCall":
        """A call begins now. It is recorded when it is ended: by a word of its own, or, where a `with` block
        around it is cancelled, as `broken_off`."""
        return OpenCall(self, system, operation, broken_off)

    def record(self, call: Call, protocol: CallFacts) -> None:
        """A call that is over."""
        self._publish(call)
        call_made(call, self._addresses.get(call.system), protocol)

    @asynccontextmanager
    async def reaching(self, system: str, host: str, port: int) -> AsyncIterator[None]:
        """Around whatever connects to a system. Raises `DestinationNotAllowed` and `ExternalSystemPaused`."""
        admit(system, host, port)
        self._addresses[system] = (host, port)
        if self._reach is None:
            yield
        else:
            async with self._reach.trying(system, f"{host}:{port}"):
                yield


class OpenCall:
    """A call under way. Of one that is never ended nothing is recorded: its worker died in it."""

    def __init__(self, calls: Calls, system: str, operation: str, broken_off: CallOutcome) -> None:
        self._calls = calls
        self._system = system
        self._operation = operation
        self._broken_off = broken_off
        self._started_at, self._began = now(), time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.end(self._broken_off, "broken off")

    def succeeded(self, detail: str | None = None, protocol: CallFacts | None = None) -> None:
        self.end(CallOutcome.SUCCEEDED, detail, protocol=protocol)

    def failed_with(
        self,
        error: TagwerkError,
        outcome: CallOutcome = CallOutcome.FAILED,
        detail: str | None = None,
        protocol: CallFacts | None = None,
    ) -> None:
        """`detail`: what happened in short, where it is not the failure's cause."""
        failure = error.failure
        self.end(outcome, failure.cause if detail is None else detail, failure, protocol)

    def end(
        self,
        outcome: CallOutcome,
        detail: str | None = None,
        failure: Failure | None = None,
        protocol: CallFacts | None = None,
    ) -> None:
        """It is over, and took until now. `protocol` as `Calls.record` has it."""
        self._calls.record(
            Call(
                system=self._system,
                operation=self._operation,
                outcome=outcome,
                started_at=self._started_at,
                duration_ms=round((time.perf_counter() - self._began) * 1000, 3),
                detail=detail,
                failure=failure,
            ),
            protocol or {},
        )
