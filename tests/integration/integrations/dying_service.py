"""`python -m tests.integration.integrations.dying_service WHERE N`: the service, which kills itself while it
stores batch N of an import: `before` it, `inside` its transaction, or `after` the commit."""

import os
import signal
import sys
from collections.abc import Sequence

from services.integrations.app import build
from services.integrations.rates.core import Judged, Rate
from services.integrations.rates.store import PostgresRates
from shared.events import RatesImported, Record
from shared.settings import Settings

WHERE, BATCH = sys.argv[1], int(sys.argv[2])
begun = 0


def die_at(here: str) -> None:
    if (here, begun) == (WHERE, BATCH):
        os.kill(os.getpid(), signal.SIGKILL)


async def store_many(self: PostgresRates, rates: Sequence[Rate]) -> Sequence[Record]:
    global begun
    begun += 1
    die_at("before")
    records = await real_store_many(self, rates)
    die_at("after")
    return records


def event(self: PostgresRates, changed: Sequence[Judged]) -> RatesImported:
    die_at("inside")
    return real_event(self, changed)


if __name__ == "__main__":
    real_store_many, real_event = PostgresRates.store_many, PostgresRates._event
    PostgresRates.store_many = store_many  # type: ignore[method-assign]
    PostgresRates._event = event  # type: ignore[method-assign]
    build(Settings()).run()
