"""Spans of transactions, by the database conventions of OpenTelemetry.

One for each transaction that writes, and none for a statement: loops of many small ones would tell more than
they do. No statement and no parameter stands in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import SpanKind

from shared.telemetry.spans import inside

_TRANSACTION: Final = {"db.system.name": "postgresql", "db.operation.name": "transaction"}


@contextmanager
def transaction_at_work() -> Iterator[None]:
    """Around rows, outcomes and events that become true together."""
    with inside("transaction", SpanKind.CLIENT, _TRANSACTION):
        yield
