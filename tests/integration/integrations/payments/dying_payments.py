"""`python -m tests.integration.integrations.payments.dying_payments STEP WHEN`: the service, which kills
itself at this step of a payment job: `before` it, `inside` its transaction, or `after` it."""

import asyncio
import os
import signal
import sys
from typing import Any

from services.integrations.app import build
from services.integrations.payments import handover
from services.integrations.payments.status_store import PostgresPaymentStatuses
from services.integrations.payments.store import PostgresPaymentFiles
from shared.outbox import Transaction
from shared.settings import Settings

STEPS: dict[str, tuple[Any, str]] = {
    "reserve": (PostgresPaymentFiles, "reserve"),
    "move": (handover, "_move"),
    "complete": (PostgresPaymentFiles, "complete"),
    "apply": (PostgresPaymentStatuses, "apply"),
}


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str, when: str) -> None:
    place, name = STEPS[step]
    real = getattr(place, name)

    async def asynchronous(*arguments: Any) -> Any:
        if when == "before":
            die()
        if when == "inside":
            Transaction.write = die  # type: ignore[method-assign,assignment]
        result = await real(*arguments)
        die()
        return result

    def synchronous(*arguments: Any) -> None:
        if when == "before":
            die()
        real(*arguments)
        die()

    setattr(place, name, asynchronous if asyncio.iscoroutinefunction(real) else synchronous)


if __name__ == "__main__":
    arm(*sys.argv[1:])
    build(Settings()).run()
