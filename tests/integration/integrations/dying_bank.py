"""`python -m tests.integration.integrations.dying_bank WHERE N`: the service, which kills itself while it
stores batch N of a statement: `inside` its transaction, `after` the commit; or at its `end`."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from services.integrations.app import build
from services.integrations.bank import importing
from services.integrations.bank.importing import PostgresImport
from services.integrations.bank.matches import Matcher
from shared.events import Record
from shared.settings import Settings

WHERE, BATCH = sys.argv[1], int(sys.argv[2])
begun = 0


def die_at(here: str) -> None:
    if (here, begun) == (WHERE, BATCH):
        os.kill(os.getpid(), signal.SIGKILL)


async def store(self: PostgresImport, entries: Any) -> Sequence[Record]:
    global begun
    begun += 1
    records = await real_store(self, entries)
    die_at("after")
    return records


async def match(self: Matcher, tx: Any, verdicts: Any) -> None:
    await real_match(self, tx, verdicts)
    die_at("inside")


async def complete(self: PostgresImport, warnings: Any) -> Sequence[Record]:
    records = await real_complete(self, warnings)
    if WHERE == "end":
        os.kill(os.getpid(), signal.SIGKILL)
    return records


if __name__ == "__main__":
    real_store, real_match, real_complete = PostgresImport.store, Matcher.match, PostgresImport.complete
    importing.PostgresImport.store = store  # type: ignore[method-assign]
    Matcher.match = match  # type: ignore[method-assign]
    PostgresImport.complete = complete  # type: ignore[method-assign]
    build(Settings()).run()
