"""HTTP to a system outside: time-outs, errors in our words, and every call recorded by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from shared.clients.answers import reason_of, seconds_to_wait
from shared.clients.reaching import not_reached
from shared.errors import (
    CredentialsRejected,
    ExternalSystemUnavailable,
    NotDone,
    TagwerkError,
)
from shared.events import Call, now
from shared.runner.context import Calls
from shared.words import CallOutcome

#: Seconds to connect, and to wait for each part of an answer.
TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class RequestRefused(NotDone):
    """The system does not do what it was asked for: a 4xx that is no matter of credentials or rate."""

    def __init__(self, system: str, status: int, reason: str) -> None:
        super().__init__(
            "external_system_refused",
            f"it answered {status} {reason}",
            concern=system,
            next_step=f"Check what was sent to {system}: it refuses the content.",
        )
        self.status = status
        #: In the system's own words.
        self.reason = reason


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
        broken answer, a time-out: it may have been done), `CredentialsRejected` (401, 403),
        `external_system_moved` (a redirect: none is followed), `external_system_refused` (any other 4xx)
        and `external_address_invalid`. A 304 is an answer: nobody gets one who has not asked for it.
        """

        async def send() -> httpx.Response:
            return await self._client.request(method, url, **arguments)

        return await self._recorded(operation, send, when_lost=CallOutcome.UNKNOWN)

    async def fetch(self, operation: str, url: str, *, at_most: int, within: float) -> bytes:
        """GET a file of at most `at_most` bytes within `within` seconds in all.

        Raises what `request` does, and `external_answer_too_large`. A time-out leaves nothing in doubt.
        """
        content = bytearray()

        async def take() -> httpx.Response:
            async with asyncio.timeout(within), self._client.stream("GET", url) as response:
                if response.status_code < 300:
                    async for chunk in response.aiter_bytes():
                        content.extend(chunk)
                        if len(content) > at_most:
                            raise self._too_large(at_most)
                return response

        await self._recorded(operation, take, when_lost=CallOutcome.FAILED)
        return bytes(content)

    async def knock(self, operation: str, url: str) -> int:
        """GET without reading the body: the status of a good answer. Raises what `request` does."""

        async def take() -> httpx.Response:
            async with self._client.stream("GET", url) as response:
                return response

        return (await self._recorded(operation, take, when_lost=CallOutcome.FAILED)).status_code

    async def _recorded(
        self, operation: str, send: Callable[[], Awaitable[httpx.Response]], *, when_lost: CallOutcome
    ) -> httpx.Response:
        """What `send` answers, recorded; `when_lost` is the outcome of a call that was sent in vain."""
        started_at, began = now(), time.perf_counter()
        failure: TagwerkError
        try:
            response = await send()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            timed_out = isinstance(error, httpx.ConnectTimeout)
            failure = not_reached(self._system, error.request.url.host, error, timed_out=timed_out)
            outcome, detail = CallOutcome.FAILED, "no connection"
        except (httpx.TimeoutException, TimeoutError) as error:
            failure = ExternalSystemUnavailable(self._system, f"no answer in time ({type(error).__name__})")
            outcome, detail = when_lost, "no answer in time"
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            failure = self._address_invalid(error)
            outcome, detail = CallOutcome.FAILED, "the address is invalid"
        except httpx.HTTPError as error:
            failure = ExternalSystemUnavailable(self._system, f"the answer broke off: {error}")
            outcome, detail = when_lost, "the answer broke off"
        except TagwerkError as error:
            failure = error
            outcome, detail = CallOutcome.FAILED, error.failure.cause
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
        if status < 300 or status == 304:
            return None
        if status < 400:
            # Without its query, which may carry a key.
            where = response.headers.get("location", "nowhere").partition("?")[0][:200]
            return TagwerkError(
                "external_system_moved",
                f"it answered {status} and points to {where}",
                concern=self._system,
                next_step=f"Correct the address of {self._system} in the settings; no redirect is followed.",
            )
        if status in (401, 403):
            return CredentialsRejected(self._system, f"it answered {status}")
        if status == 429 or status >= 500:
            return ExternalSystemUnavailable(
                self._system, f"it answered {status}", retry_after=seconds_to_wait(response, now())
            )
        return RequestRefused(self._system, status, reason_of(response))

    def _too_large(self, at_most: int) -> TagwerkError:
        return TagwerkError(
            "external_answer_too_large",
            f"it answered more than {at_most:,} bytes",
            concern=self._system,
            next_step=f"Check the address of {self._system}: what it serves is not what is expected there.",
        )

    def _address_invalid(self, error: Exception) -> TagwerkError:
        return TagwerkError(
            "external_address_invalid",
            f"its address is not one of HTTP: {error}",
            concern=self._system,
            next_step=f"Correct the address of {self._system} in the settings.",
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
