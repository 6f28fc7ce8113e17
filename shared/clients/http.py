"""HTTP to a system outside: time-outs, errors in our words, and every call recorded by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

import httpx

from shared.clients.answers import reason_of, seconds_to_wait
from shared.clients.reaching import not_reached
from shared.clients.retrying import RETRIES, again
from shared.errors import (
    CredentialsRejected,
    ExternalSystemBusy,
    ExternalSystemUnavailable,
    NotDone,
    TagwerkError,
)
from shared.events import now
from shared.runner.context import Calls
from shared.words import CallOutcome

#: Seconds to connect, and to wait for each part of an answer.
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
#: Bytes that are read of an answer whose size nobody chose, and of one that is a refusal.
LARGEST: Final = 32 * 2**20
_OF_A_REFUSAL: Final = 64 * 2**10
_PORTS: Final = {"http": 80, "https": 443}
#: They tell of an answer on the wire, and no longer of one that was read.
_ON_THE_WIRE: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


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
        retries: int = RETRIES,
    ) -> None:
        self._system = system
        self._calls = calls
        self._retries = retries
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def request(self, operation: str, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Send a request and record the call under `operation` (`fetch rates`).

        What surely did nothing is tried again shortly afterwards: any request where no connection came about,
        a GET or HEAD where no good answer did. Each try is a call.

        Raises `ExternalSystemNotReached` (nothing was sent), `ExternalSystemPaused` (nor was it tried),
        `ExternalSystemUnavailable` (5xx, 429, a broken answer, a time-out: it may have been done),
        `CredentialsRejected` (401, 403), `external_system_moved` (a redirect: none is followed),
        `RequestRefused` (any other 4xx), `external_answer_too_large` (more than `LARGEST` bytes: it may have
        been done), `external_address_invalid` and `DestinationNotAllowed`. A 304 is an answer: nobody gets
        one who has not asked for it.
        """
        reads = method.upper() in ("GET", "HEAD")
        lost = CallOutcome.FAILED if reads else CallOutcome.UNKNOWN

        async def send() -> httpx.Response:
            return await self._read(method, url, LARGEST, **arguments)

        async def once() -> httpx.Response:
            return await self._recorded(operation, send, method=method.upper(), url=url, when_lost=lost)

        return await again(once, self._retries, reads=reads)

    async def fetch(self, operation: str, url: str, *, at_most: int, within: float) -> bytes:
        """GET a file of at most `at_most` bytes within `within` seconds in all.

        Raises what `request` does. A time-out leaves nothing in doubt.
        """
        ends = asyncio.get_running_loop().time() + within

        async def take() -> httpx.Response:
            async with asyncio.timeout_at(ends):
                return await self._read("GET", url, at_most)

        async def once() -> httpx.Response:
            return await self._recorded(operation, take, url=url, when_lost=CallOutcome.FAILED)

        return (await again(once, self._retries, reads=True, until=ends)).content

    async def knock(self, operation: str, url: str) -> int:
        """GET without reading the body: the status of a good answer. Raises what `request` does."""

        async def take() -> httpx.Response:
            async with self._client.stream("GET", url) as response:
                return response

        async def once() -> httpx.Response:
            return await self._recorded(operation, take, url=url, when_lost=CallOutcome.FAILED)

        return (await again(once, self._retries, reads=True)).status_code

    async def _read(self, method: str, url: str, at_most: int, **arguments: Any) -> httpx.Response:
        """The answer, whole; of a refusal its beginning. Raises `external_answer_too_large`."""
        content = bytearray()
        async with self._client.stream(method, url, **arguments) as response:
            good = response.status_code < 300
            async for chunk in response.aiter_bytes():
                content.extend(chunk)
                if good and len(content) > at_most:
                    raise self._too_large(at_most)
                if not good and len(content) > _OF_A_REFUSAL:
                    break
        headers = [
            (name, value) for name, value in response.headers.multi_items() if name not in _ON_THE_WIRE
        ]
        return httpx.Response(
            response.status_code,
            headers=headers,
            content=bytes(content),
            request=response.request,
            extensions=response.extensions,
        )

    async def _recorded(
        self,
        operation: str,
        send: Callable[[], Awaitable[httpx.Response]],
        *,
        method: str = "GET",
        url: str,
        when_lost: CallOutcome,
    ) -> httpx.Response:
        """What `send` answers, recorded; `when_lost` is the outcome of a call whose answer nobody has."""
        with self._calls.begin(self._system, operation, broken_off=when_lost) as call:
            try:
                host, port = self._address(url)
            except TagwerkError as error:
                call.failed_with(error, detail="the address is invalid")
                raise
            told: dict[str, str | int] = {"http.request.method": method}
            async with self._calls.reaching(self._system, host, port):
                try:
                    response = await send()
                except (httpx.HTTPError, TimeoutError, TagwerkError) as error:
                    failure, outcome, detail = self._failed(error, host, when_lost)
                    call.failed_with(failure, outcome, detail, told)
                    raise failure from error
                refused, status = self._refusal(response), response.status_code
                told["http.response.status_code"] = status
                if refused is not None:
                    call.failed_with(refused, detail=str(status), protocol=told)
                    raise refused
                call.succeeded(str(status), told)
                return response

    def _address(self, url: str) -> tuple[str, int]:
        """Host and port that a request to `url` connects to. Raises `external_address_invalid`."""
        try:
            request = self._client.build_request("GET", url)
        except httpx.InvalidURL as error:
            raise self._address_invalid(str(error)) from error
        port = request.url.port or _PORTS.get(request.url.scheme)
        if port is None or not request.url.host:
            raise self._address_invalid("it has to begin with http:// or https:// and a host")
        return request.url.host, port

    def _failed(
        self, error: Exception, host: str, when_lost: CallOutcome
    ) -> tuple[TagwerkError, CallOutcome, str]:
        """The failure of a call that brought no answer, its outcome, and in short what happened."""
        if isinstance(error, TagwerkError):
            return error, when_lost, error.failure.cause
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            timed_out = isinstance(error, httpx.ConnectTimeout)
            failure = not_reached(self._system, host, error, timed_out=timed_out)
            return failure, CallOutcome.FAILED, "no connection"
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            cause = f"no answer in time ({type(error).__name__})"
            return ExternalSystemUnavailable(self._system, cause), when_lost, "no answer in time"
        cause = f"the answer broke off: {error}"
        return ExternalSystemUnavailable(self._system, cause), when_lost, "the answer broke off"

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
            return self._unavailable(status, seconds_to_wait(response, now()))
        return RequestRefused(self._system, status, reason_of(response))

    def _unavailable(self, status: int, wait: float | None) -> TagwerkError:
        cause = f"it answered {status}"
        if wait is not None:
            cause = f"{cause}, and asks to wait {wait:.0f} s"
            return ExternalSystemBusy(self._system, cause, retry_after=wait)
        # Said by what stands in front of the system, or by a system that is not itself.
        if status in (502, 503, 504):
            return ExternalSystemUnavailable(self._system, cause)
        return ExternalSystemBusy(self._system, cause)

    def _too_large(self, at_most: int) -> TagwerkError:
        return TagwerkError(
            "external_answer_too_large",
            f"it answered more than {at_most:,} bytes",
            concern=self._system,
            next_step=f"Check the address of {self._system}: what it serves is not what is expected there.",
        )

    def _address_invalid(self, why: str) -> TagwerkError:
        return TagwerkError(
            "external_address_invalid",
            f"its address is not one of HTTP: {why}",
            concern=self._system,
            next_step=f"Correct the address of {self._system} in the settings.",
        )
