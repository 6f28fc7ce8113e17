"""`python -m tests.integration.documents.dying_service WHERE SUBJECT`: the service, which kills itself when
an event on SUBJECT leaves: `before-commit` or `after-commit` of its transaction, `before-publish` or
`after-publish` of the event."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from services.documents.app import build
from shared.bus import Bus
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.settings import Settings

WHERE, SUBJECT = sys.argv[1:3]


def die_at(here: str) -> None:
    if here == WHERE:
        os.kill(os.getpid(), signal.SIGKILL)


def tells(transaction: Transaction) -> bool:
    return any(getattr(event, "type", None) == SUBJECT for event in transaction._events)


async def write(self: Transaction, context: RunContext | None) -> bool:
    written = await real_write(self, context)
    if tells(self):
        die_at("before-commit")
    return written


@asynccontextmanager
async def transaction(self: Outbox) -> AsyncIterator[Transaction]:
    async with real_transaction(self) as opened:
        yield opened
    if tells(opened):
        die_at("after-commit")


async def publish(
    self: Bus,
    subject: str,
    payload: bytes,
    *,
    msg_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    expect_last: tuple[str, int] | None = None,
    patience: float | None = None,
) -> int:
    if subject == SUBJECT:
        die_at("before-publish")
    sequence = await real_publish(
        self, subject, payload, msg_id=msg_id, headers=headers, expect_last=expect_last, patience=patience
    )
    if subject == SUBJECT:
        die_at("after-publish")
    return sequence


if __name__ == "__main__":
    real_write, real_transaction, real_publish = Transaction.write, Outbox.transaction, Bus.publish
    Transaction.write = write  # type: ignore[method-assign]
    Outbox.transaction = transaction  # type: ignore[method-assign]
    Bus.publish = publish  # type: ignore[method-assign]
    build(Settings()).run()
