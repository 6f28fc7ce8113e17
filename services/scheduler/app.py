"""The scheduler: holds retries until they are due, and ends cancelled runs that nobody works on."""

from services.scheduler.declaration import DECLARATION
from services.scheduler.handlers import RunWatch
from shared import subjects
from shared.pull import Delivery, Source
from shared.service import Service
from shared.settings import Settings

#: Messages in hand at once; each takes about a millisecond.
SLOTS = 64


def build(settings: Settings) -> Service:
    service = Service(DECLARATION, settings)

    async def retry(delivery: Delivery) -> None:
        await RunWatch(service.bus).release_retry_when_due(delivery)

    async def cancel(delivery: Delivery) -> None:
        await RunWatch(service.bus).end_cancelled_run(delivery)

    service.source(Source(subjects.RUNS, subjects.RETRIES_DURABLE, retry), slots=SLOTS)
    service.source(Source(subjects.RUNS, subjects.CANCELS_DURABLE, cancel), slots=SLOTS)
    return service


def main() -> None:
    build(Settings()).run()
