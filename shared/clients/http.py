"""HTTP to a system outside: time-outs, errors in our words, and every call recorded by itself."""

import time
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from shared.errors import (
    CredentialsRejected,
    ExternalSystemNotReached,
    ExternalSystemUnavailable,
    TagwerkError,
)
from shared.events import Call, now
from shared.runner.context import Calls
from shared.words import CallOutcome

#: Seconds to connect, and to wait for each part of an answer.
TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class HttpSystem:
    """One system outside, reached over HTTP, bound to one run. Use as an async context manager."""

    def __init__(
        self,
        system: str,
        calls: Calls,
        *,
        base_url: str = "",
        timeout: httpx.Timeout = TIMEOUT,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._system = system
        self._calls = calls
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def request(self, operation: str, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Send a request and record the call under `operation` (`fetch rates`).

        Raises `ExternalSystemNotReached` (nothing was sent), `ExternalSystemUnavailable` (5xx, 429, a
        broken answer, a time-out: it may have been done), `CredentialsRejected` (401, 403) and
        `external_system_refused` (any other 4xx).
        """
        started_at, began = now(), time.perf_counter()
        try:
            response = await self._client.request(method, url, **arguments)
            await response.aread()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            failure: TagwerkError = ExternalSystemNotReached(self._system, f"no connection: {error}")
            outcome, detail = CallOutcome.FAILED, "no connection"
        except httpx.TimeoutException as error:
            failure = ExternalSystemUnavailable(self._system, f"no answer in time ({type(error).__name__})")
            outcome, detail = CallOutcome.UNKNOWN, "no answer in time"
        except httpx.HTTPError as error:
            failure = ExternalSystemUnavailable(self._system, f"the answer broke off: {error}")
            outcome, detail = CallOutcome.UNKNOWN, "the answer broke off"
        else:
            refused = self._refusal(response)
            outcome = CallOutcome.SUCCEEDED if refused is None else CallOutcome.FAILED
            self._record(operation, outcome, started_at, began, str(response.status_code), refused)
            if refused is not None:
                raise refused
            return response
        self._record(operation, outcome, started_at, began, detail, failure)
        raise failure

    def _refusal(self, response: httpx.Response) -> TagwerkError | None:
        status = response.status_code
        if status < 400:
            return None
        if status in (401, 403):
            return CredentialsRejected(self._system, f"it answered {status}")
        if status == 429 or status >= 500:
            return ExternalSystemUnavailable(self._system, f"it answered {status}")
        return TagwerkError(
            "external_system_refused",
            f"it answered {status} {response.reason_phrase}",
            concern=self._system,
            next_step=f"Check what was sent to {self._system}: it refuses the content.",
        )

    def _record(
        self,
        operation: str,
        outcome: CallOutcome,
        started_at: datetime,
        began: float,
        detail: str,
        error: TagwerkError | None,
    ) -> None:
        self._calls.record(
            Call(
                system=self._system,
                operation=operation,
                outcome=outcome,
                started_at=started_at,
                duration_ms=round((time.perf_counter() - began) * 1000, 3),
                detail=detail,
                failure=error.failure if error else None,
            )
        )
