"""Looking at what a run needs before it is started: can a system outside be reached, a location be written?

A service gives each system and location that its jobs name a probe; the gateway asks for them by
`query.<service>.probe`. A dialog asks at every keystroke, so an answer holds for some seconds, and whoever
asks while a look is under way waits for that one: a folder that hangs does not fill the process with threads.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import httpx

from shared.clients.http import HttpSystem
from shared.commands import Breaker, ProbeAnswer, Probed, ProbeQuery
from shared.errors import TagwerkError, failure_of
from shared.events import now
from shared.runner.context import Calls
from shared.words import CheckVerdict

#: Looks for a client, and says what it found. Raises what a run would.
Probe = Callable[[str], Awaitable[str]]

#: How the circuit breakers of these systems stand.
BreakersOf = Callable[[Sequence[str]], Awaitable[list[Breaker]]]

#: Seconds after which an answer is given without waiting any longer.
WITHIN: Final = 3.0
#: Seconds for which an answer holds.
FRESH: Final = 3.0

_HTTP_TIMEOUT: Final = httpx.Timeout(2.0)


class Probes:
    """The probes of one service, by the name of the system or location."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        breakers: BreakersOf | None = None,
        *,
        within: float = WITHIN,
        fresh: float = FRESH,
    ) -> None:
        self._probes = probes
        self._breakers = breakers
        self._within = within
        self._fresh = fresh
        #: By name and client.
        self._looking: dict[tuple[str, str], asyncio.Task[Probed]] = {}
        self._found: dict[tuple[str, str], tuple[float, Probed]] = {}

    async def answer(self, query: ProbeQuery) -> ProbeAnswer:
        """All at once; none takes longer than `within`."""
        names = dict.fromkeys(query.names)
        breakers = await self._breakers(list(names)) if self._breakers is not None else []
        items = await asyncio.gather(*(self._look(name, query.client) for name in names))
        return ProbeAnswer(items=items, breakers=breakers)

    async def _look(self, name: str, client: str) -> Probed:
        probe = self._probes.get(name)
        if probe is None:
            return _probed(name, CheckVerdict.UNKNOWN, "nobody has said how to look at it", 0.0)
        key = (name, client)
        self._forget_old()
        if key in self._found:
            return self._found[key][1]
        task = self._looking.get(key)
        if task is None:
            task = self._looking[key] = asyncio.create_task(self._find_out(key, probe))
        began = time.perf_counter()
        await asyncio.wait({task}, timeout=self._within)
        if task.done():
            return task.result()
        return _probed(
            name,
            CheckVerdict.WARNING,
            f"no answer within {self._within:g} s",
            began,
            code="probe_timed_out",
            mend=f"Check {name} from the machine on which the service runs.",
        )

    async def _find_out(self, key: tuple[str, str], probe: Probe) -> Probed:
        name, client = key
        began = time.perf_counter()
        try:
            found = _probed(name, CheckVerdict.OK, await probe(client), began)
        except Exception as error:
            failure = failure_of(error)
            found = _probed(
                name, CheckVerdict.WARNING, failure.cause, began, code=failure.code, mend=failure.next_step
            )
        finally:
            del self._looking[key]
        self._found[key] = time.monotonic(), found
        return found

    def _forget_old(self) -> None:
        now = time.monotonic()
        for key in [key for key, (at, _) in self._found.items() if now - at > self._fresh]:
            del self._found[key]


def _probed(
    name: str,
    verdict: CheckVerdict,
    words: str,
    began: float,
    *,
    code: str | None = None,
    mend: str | None = None,
) -> Probed:
    return Probed(
        name=name,
        verdict=verdict,
        words=words,
        mend=mend,
        code=code,
        checked_at=now(),
        duration_ms=round((time.perf_counter() - began) * 1000, 3) if began else 0.0,
    )


def http_probe(system: str, url: str) -> Probe:
    """Whether the address answers well. What stands in it besides the host is told to nobody."""

    async def look(client: str) -> str:
        async with HttpSystem(system, Calls(lambda call: None), timeout=_HTTP_TIMEOUT, retries=0) as outside:
            try:
                status = await outside.knock("probe", url)
            except TagwerkError as error:
                if error.failure.code != "external_address_invalid":
                    raise
                # The parser's own words may quote a part of the address.
                raise TagwerkError(
                    error.failure.code,
                    "its address in the settings is not one of HTTP",
                    concern=system,
                    next_step=error.failure.next_step,
                ) from None
        return f"it answers ({status})"

    return look
