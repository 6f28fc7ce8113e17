"""The integrations service on a real bus and a real database, and a source of rates as a process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import nats
import pytest

from services.integrations.app import build
from services.integrations.declaration import DECLARATION
from services.integrations.rates.feed import AREA
from services.scheduler.app import build as build_scheduler
from services.scheduler.declaration import DECLARATION as SCHEDULER
from shared import subjects
from shared.bus import Bus
from shared.commands import RatesPage, RatesQuery
from shared.database import Pool, open_pool
from shared.events import RatesImported, Requested, decode_business_event, decode_run_event
from shared.files import Files, open_store
from shared.ids import new_id
from shared.provision import provision
from shared.requests import request_run
from shared.service import Service
from shared.settings import Settings
from shared.subjects import RunSubjects
from shared.words import Lane, Trigger
from tests.support.engine import Told
from tests.support.nursery import Newborn, Nursery, environment_of
from tests.support.rates_feed import serving
from tests.support.servers import PostgresServer

JOB = "integrations.import-daily-rates"
ACK_WAIT = 1.5


@pytest.fixture(scope="session")
def feed_url() -> Iterator[str]:
    """Address of a running source; its paths are those of `tests/support/rates_feed.py`."""
    with serving() as url:
        yield url


@pytest.fixture
async def pool(postgres: PostgresServer, database_name: str) -> AsyncIterator[Pool]:
    """The service's own tables, empty."""
    pool = await open_pool(postgres.url("integrations", database_name), max_size=4)
    yield pool
    await pool.close()


class Installation:
    """The service, and what a gateway and a status service would do with it."""

    def __init__(
        self,
        bus_url: str,
        database: Callable[[str], str],
        feed_url: str,
        folder: Path,
        nursery: Nursery,
    ) -> None:
        self._bus_url = bus_url
        self._database = database
        self._feed_url = feed_url
        self._files_url = f"file://{folder}/files"
        self._services: list[Service] = []
        self._nursery = nursery
        self._processes: list[Newborn] = []
        self.bus: Bus

    async def __aenter__(self) -> "Installation":
        await provision(self._bus_url, [DECLARATION, SCHEDULER], ack_wait=ACK_WAIT)
        nc = await nats.connect(self._bus_url, max_reconnect_attempts=-1)
        self.bus = Bus(nc)
        await self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            await process.end()
        await self.stop()
        await self.bus.stop()
        await self.bus.nc.close()

    def settings(self, service: str = "integrations", **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "nats_url": self._bus_url,
            "database_url": self._database(service),
            "files_url": self._files_url,
            "ack_wait": ACK_WAIT,
            "log_level": "warning",
            "ecb_daily_url": f"{self._feed_url}/ecb",
            "ecb_history_url": f"{self._feed_url}/ecb-history",
            "bazg_daily_url": f"{self._feed_url}/bazg",
        }
        return Settings(**{**values, **changes})

    def path(self, path: str) -> str:
        """An address of the source."""
        return self._feed_url + path

    async def start(self, **changes: Any) -> None:
        service = build(self.settings(**changes))
        await service.start()
        self._services.append(service)

    async def start_scheduler(self) -> None:
        scheduler = build_scheduler(self.settings("scheduler"))
        await scheduler.start()
        self._services.append(scheduler)

    async def stop(self) -> None:
        for service in self._services:
            await service.stop()
        self._services.clear()

    async def spawn(self, *arguments: str, **changes: Any) -> Newborn:
        """The service as a process, which dies at a point. `arguments` are those of Python."""
        process = await self._nursery.run(arguments, environment_of(self.settings(**changes)))
        self._processes.append(process)
        return process

    async def put_file(self, name: str, content: bytes, client: str = "acme", *, area: str = AREA) -> None:
        await Files(open_store(self._files_url), client).put(f"inbox/{area}/{name}", content)

    async def request(self, *, client: str = "acme", job: str = JOB, **parameters: Any) -> UUID:
        request = Requested(
            run_id=new_id(), job=job, client=client, principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, parameters=parameters,
        )  # fmt: skip
        await request_run(self.bus, request, Lane.INTERACTIVE)
        return request.run_id

    async def ended(self, run_id: UUID, timeout: float = 60, *, job: str = JOB) -> Told:
        deadline = time.monotonic() + timeout
        while True:
            messages = await self.bus.read(subjects.RUNS, RunSubjects(job, run_id).all)
            told = Told(run_id, [decode_run_event(message.data) for message in messages])
            if told.finished is not None:
                return told
            assert time.monotonic() < deadline, f"not ended; it told {told.types}"
            await asyncio.sleep(0.05)

    async def run(self, *, job: str = JOB, **parameters: Any) -> Told:
        return await self.ended(await self.request(job=job, **parameters), job=job)

    async def handled(self) -> None:
        """Wait until the service has handled every event so far."""
        stream = self.bus.nc.jetstream()
        last = (await stream.stream_info(subjects.EVENTS)).state.last_seq
        async with asyncio.timeout(30):
            while True:
                info = await stream.consumer_info(subjects.EVENTS, subjects.events_durable("integrations"))
                done = info.ack_floor.stream_seq if info.ack_floor else 0
                if done >= last or not (info.num_pending or info.num_ack_pending):
                    return
                await asyncio.sleep(0.02)

    async def everything_kept(self) -> list[str]:
        """Every message of every stream, and every row of the service's tables, as text."""
        kept = []
        for stream in subjects.STREAMS:
            messages = await self.bus.read(stream, ">")
            kept += [f"{one.subject} {one.headers} {one.data.decode()}" for one in messages]
        pool = await open_pool(self._database("integrations"), max_size=1)
        try:
            for row in await pool.fetch("select tablename from pg_tables where schemaname = 'integrations'"):
                rows = await pool.fetch(f'select t::text as row from integrations."{row["tablename"]}" t')
                kept += [one["row"] for one in rows]
        finally:
            await pool.close()
        return kept

    async def imported(self) -> list[RatesImported]:
        """Every `event.rates.imported` so far."""
        messages = await self.bus.read(subjects.EVENTS, "event.rates.imported")
        events = [decode_business_event(message.data) for message in messages]
        return [event for event in events if isinstance(event, RatesImported)]

    async def rates(self, **query: Any) -> RatesPage:
        subject = subjects.query("integrations", "rates")
        return await self.bus.ask(subject, RatesQuery(**query), RatesPage)


@pytest.fixture
async def installation(
    bus_url: str,
    postgres: PostgresServer,
    database_name: str,
    feed_url: str,
    tmp_path: Path,
    nursery: Nursery,
) -> AsyncIterator[Installation]:
    """Provisioned; the service is not started yet."""

    def database(service: str) -> str:
        return postgres.url(service, database_name)

    async with Installation(bus_url, database, feed_url, tmp_path, nursery) as installation:
        yield installation
