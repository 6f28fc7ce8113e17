"""A running engine for tests: the laboratory and the scheduler, in this process or in one of their own."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import nats

from services.scheduler.app import build as build_scheduler
from services.scheduler.declaration import DECLARATION as SCHEDULER
from shared import subjects
from shared.bus import Bus
from shared.events import (
    CancelRequested,
    Finished,
    Record,
    Recorded,
    Requested,
    RunEvent,
    Started,
    UnknownEvent,
    decode_run_event,
)
from shared.ids import new_id
from shared.provision import provision
from shared.requests import RequestedRun, request_run
from shared.service import Service
from shared.settings import Settings
from shared.subjects import RunSubjects
from shared.words import Lane, Trigger
from tests.support.lab.app import build as build_lab
from tests.support.lab.declaration import DECLARATION as LAB
from tests.support.nursery import Newborn, Nursery, environment_of

#: Short, so that a test of a crash does not wait long for the redelivery.
ACK_WAIT = 1.5


class Engine:
    """The bus, the services under test, and what one asks of them."""

    def __init__(self, bus_url: str, database_url: str, folder: Path, nursery: Nursery | None = None) -> None:
        """`nursery` is asked for processes."""
        self._bus_url = bus_url
        self._database_url = database_url
        self._folder = folder
        self._services: list[Service] = []
        self._nursery = nursery
        self._processes: list[Newborn] = []
        self.bus: Bus

    async def __aenter__(self) -> "Engine":
        await provision(self._bus_url, [LAB, SCHEDULER], ack_wait=ACK_WAIT)
        nc = await nats.connect(self._bus_url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        self.bus = Bus(nc)
        await self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            await process.end()
        for service in self._services:
            await service.stop()
        await self.bus.stop()
        await self.bus.nc.close()

    def settings(self, **changes: Any) -> Settings:
        separator = "&" if "?" in self._database_url else "?"
        values: dict[str, Any] = {
            "nats_url": self._bus_url,
            "database_url": f"{self._database_url}{separator}search_path=lab",
            "files_url": f"file://{self._folder}/files",
            "ack_wait": ACK_WAIT,
            "cancel_grace": 0.3,
            "log_level": "warning",
        }
        return Settings(**{**values, **changes})

    async def start(self, *names: str, **changes: Any) -> None:
        """Start services in this process."""
        builders: dict[str, Callable[[Settings], Service]] = {"lab": build_lab, "scheduler": build_scheduler}
        for name in names or ("lab", "scheduler"):
            service = builders[name](self.settings(**changes))
            await service.start()
            self._services.append(service)

    def service(self, name: str) -> Service:
        """The latest service of this name in this process."""
        return next(service for service in reversed(self._services) if service.name == name)

    async def stop_services(self) -> None:
        for service in self._services:
            await service.stop()
        self._services.clear()

    async def spawn(self, service: str = "lab", **changes: Any) -> Newborn:
        """Start a service as a process of its own, which a test may kill."""
        assert self._nursery is not None
        process = await self._nursery.start(service, environment_of(self.settings(**changes)))
        self._processes.append(process)
        return process

    async def request(
        self,
        job: str,
        *,
        lane: Lane = Lane.INTERACTIVE,
        key: str | None = None,
        run_id: UUID | None = None,
        only_records: list[str] | None = None,
        dry_run: bool = False,
        **parameters: Any,
    ) -> RequestedRun:
        request = Requested(
            run_id=run_id or new_id(),
            job=job,
            client="main",
            principal="ada",
            effective_principal="ada",
            trigger=Trigger.MANUAL,
            parameters=parameters,
            idempotency_key=key,
            only_records=only_records,
            dry_run=dry_run,
        )
        return await request_run(self.bus, request, lane)

    async def run(self, job: str, *, timeout: float = 60.0, **arguments: Any) -> "Told":
        """Request a run and wait for its end."""
        requested = await self.request(job, **arguments)
        return await self.ended(job, requested.request.run_id, timeout=timeout)

    async def told(self, job: str, run_id: UUID) -> "Told":
        """What the run's stream tells so far."""
        messages = await self.bus.read(subjects.RUNS, RunSubjects(job, run_id).all)
        return Told(run_id, [decode_run_event(message.data) for message in messages])

    async def history(self, job: str) -> list[RunEvent | UnknownEvent]:
        """What the streams of all runs of the job tell so far, in the order in which it was told."""
        messages = await self.bus.read(subjects.RUNS, f"run.{job}.>")
        return [decode_run_event(message.data) for message in messages]

    async def ended(self, job: str, run_id: UUID, *, timeout: float = 60.0) -> "Told":
        return await self.until(job, run_id, lambda told: told.finished is not None, timeout=timeout)

    async def until(
        self, job: str, run_id: UUID, condition: "Callable[[Told], bool]", *, timeout: float = 60.0
    ) -> "Told":
        deadline = time.monotonic() + timeout
        while True:
            told = await self.told(job, run_id)
            if condition(told):
                return told
            assert time.monotonic() < deadline, f"waited {timeout} s in vain; it told {told.types}"
            await asyncio.sleep(0.02)

    async def cancel(self, job: str, run_id: UUID) -> None:
        event = CancelRequested(run_id=run_id, principal="ada", reason="a test")
        await self.bus.publish(
            RunSubjects(job, run_id).cancel_requested, event.encode(), msg_id=str(event.id)
        )


class Told:
    """The events of one run, in stream order."""

    def __init__(self, run_id: UUID, events: list[RunEvent | UnknownEvent]) -> None:
        self.run_id = run_id
        self.events = events

    @property
    def types(self) -> list[str]:
        return [event.type.removeprefix("run.") for event in self.events]

    @property
    def finished(self) -> Finished | None:
        return next((event for event in self.events if isinstance(event, Finished)), None)

    @property
    def end(self) -> Finished:
        assert self.finished is not None, self.types
        return self.finished

    @property
    def attempts(self) -> list[int]:
        return [event.attempt for event in self.events if isinstance(event, Started)]

    @property
    def records(self) -> list[Record]:
        return [record for event in self.events if isinstance(event, Recorded) for record in event.records]
