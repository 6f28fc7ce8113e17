"""Where publications of exchange rates come from: the sources' addresses, or a file in the client's inbox."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from services.integrations.rates.core import Publication
from services.integrations.rates.readers.rates import read_rates
from shared.clients.http import HttpSystem
from shared.errors import TagwerkError
from shared.incoming import Incoming, IncomingFile, name_of
from shared.runner.context import Calls
from shared.words import RateSource

#: Bytes of a publication: twice the whole history of the ECB since 1999.
AT_MOST: Final = 16_000_000
#: Seconds for a download as a whole.
WITHIN: Final = 60.0
#: The area of the inbox.
AREA: Final = "rates"


@dataclass(frozen=True, slots=True)
class Addresses:
    ecb_daily: str
    ecb_history: str
    bazg_daily: str

    def of(self, source: RateSource, since: date | None) -> str:
        """The history where days before the newest may be wanted and the source publishes one."""
        if source is RateSource.BAZG:
            return self.bazg_daily
        return self.ecb_daily if since is None else self.ecb_history


class RatesFeed(Protocol):
    """What a run can read rates from."""

    async def fetch(self, source: RateSource, since: date | None) -> Publication:
        """What the source publishes now. Raises what `HttpSystem.fetch` and `read_rates` do, and
        `rates_source_mismatch`."""

    async def read_file(self, file: IncomingFile, source: RateSource | None) -> Publication:
        """What stands in a file of the inbox or an uploaded one. Raises what `Incoming.read` and
        `read_rates` do, and `rates_source_mismatch` if it is not of `source`."""


class HttpFeed:
    """The sources over HTTP, and the files of one run's client."""

    def __init__(
        self,
        calls: Calls,
        addresses: Addresses,
        incoming: Incoming,
        *,
        at_most: int = AT_MOST,
        within: float = WITHIN,
    ) -> None:
        self._calls = calls
        self._addresses = addresses
        self._incoming = incoming
        self._at_most = at_most
        self._within = within

    async def fetch(self, source: RateSource, since: date | None) -> Publication:
        async with HttpSystem(source, self._calls) as system:
            content = await system.fetch(
                "fetch rates", self._addresses.of(source, since), at_most=self._at_most, within=self._within
            )
        return await self._read(content, source, source)

    async def read_file(self, file: IncomingFile, source: RateSource | None) -> Publication:
        content = await self._incoming.read(file, at_most=self._at_most)
        return await self._read(content, name_of(file), source)

    async def _read(self, content: bytes, origin: str, source: RateSource | None) -> Publication:
        # Megabytes of history take a moment, in which others go on.
        publication = await asyncio.to_thread(read_rates, content, origin)
        if source is not None and publication.source is not source:
            raise TagwerkError(
                "rates_source_mismatch",
                f"these are rates of {publication.source}, not of {source}",
                concern=origin,
                next_step="Correct the address in the settings, or the parameter `source`.",
            )
        return publication
