"""An installation of its own for repetitions of a scenario: a bus, a database, a folder, and services that
come and go."""

import asyncio
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

import asyncpg
import httpx
import nats
from pydantic import BaseModel

from deploy.local.ports import free_port
from services.documents.declaration import DECLARATION as DOCUMENTS
from services.gateway.declaration import DECLARATION as GATEWAY
from services.integrations.declaration import DECLARATION as INTEGRATIONS
from services.scheduler.declaration import DECLARATION as SCHEDULER
from services.status.declaration import DECLARATION as STATUS
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import RecordsPage, RecordsQuery, RunDetail, RunQuery, RunsPage, RunsQuery, Scope
from shared.errors import TagwerkError
from shared.events import BusinessEventBase, Requested
from shared.files import Files, open_store
from shared.ids import new_id, run_id_of
from shared.provision import provision
from shared.requests import request_run
from shared.words import Lane as RunLane
from shared.words import Trigger
from tests.support.faults.nursery import Newborn, Nursery
from tests.support.faults.outcome import Outcome, event_line, file_line, plain, row_line
from tests.support.faults.points import Watch, without_ids
from tests.support.lab.declaration import DECLARATION as LAB
from tests.support.servers import NatsServer, PostgresServer

DECLARATIONS = {
    declaration.name: declaration
    for declaration in (GATEWAY, SCHEDULER, STATUS, DOCUMENTS, INTEGRATIONS, LAB)
}
#: Seconds after which the work of a dead process is given out again: as short as heartbeats allow.
ACK_WAIT = 0.7
#: Seconds that one repetition may take; a slow machine is no fault.
PATIENCE = 90.0
#: Schemas whose tables are emptied between repetitions and compared after them.
OWN_TABLES = ("gateway", "documents", "integrations", "lab")
#: What says how and not what: not compared. Positions are numbers of a counter, which a kill may skip.
UNCOMPARED_TABLES = frozenset({"migrations", "fences", "principals", "tokens"})
UNCOMPARED_COLUMNS = ("attempt", "detail", "position")
USER = "ada"

Answer = TypeVar("Answer", bound=BaseModel)
T = TypeVar("T")


class Lane:
    """One of the installations that repetitions are spread over. Use as an async context manager."""

    def __init__(self, nursery: Nursery, nats_server: NatsServer, postgres: PostgresServer, folder: Path):
        self._nursery = nursery
        self._nats = nats_server
        self._postgres = postgres
        self._database = ""
        self.folder = folder
        self.token = secrets.token_urlsafe(24)
        self.http_port = free_port()
        self._store = open_store(f"file://{folder}/files")
        self._alive: list[Newborn] = []
        self._tables: list[tuple[str, str]] = []
        self.bus: Bus
        self.db: asyncpg.Connection[asyncpg.Record]

    async def __aenter__(self) -> Self:
        self._database = await asyncio.to_thread(self._postgres.create_database, migrated=False)
        nc = await nats.connect(self._nats.url(), max_reconnect_attempts=-1)
        self.bus = Bus(nc)
        await self.bus.start()
        self.db = await asyncpg.connect(self._postgres.url("owner", self._database))
        (self.folder / "tmp").mkdir()
        self._write_sign_in()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_all()
        await self.bus.stop()
        await self.bus.nc.close()
        await self.db.close()
        await asyncio.to_thread(self._postgres.drop_database, self._database)

    async def provision(self, services: Iterable[str]) -> None:
        """Make what these services expect of the bus. What nobody listens to would wait for ever."""
        declarations = [DECLARATIONS[service] for service in services]
        await provision(self._nats.url(), declarations, ack_wait=ACK_WAIT)

    async def start(self, service: str, settings: dict[str, str], watch: Watch | None = None) -> Newborn:
        """A process of the service, which is on its way up."""
        values = {
            "NATS_URL": self._nats.url(),
            "DATABASE_URL": self.database_url(service),
            "FILES_URL": f"file://{self.folder}/files",
            "ACK_WAIT": "1.0",
            "CANCEL_GRACE": "0.3",
            "CPU_SLOTS": "1",
            "LOG_LEVEL": "critical",
            "HTTP_PORT": str(self.http_port),
            "SIGN_IN_FILE": str(self.folder / "sign-in.json"),
            **settings,
        }
        environment = {f"TAGWERK_{name}": value for name, value in values.items()}
        environment["TMPDIR"] = str(self.temporary)
        process = await self._nursery.start(service, environment, watch)
        self._alive = [one for one in self._alive if not one.ended.done()] + [process]
        return process

    async def stop_all(self) -> None:
        for process in self._alive:
            await process.kill()
        self._alive.clear()

    async def ready(self, service: str) -> None:
        """Wait until a process of the service takes up work."""
        await self.until(lambda: self._answers(service), f"{service} ready")

    async def _answers(self, service: str) -> bool:
        try:
            answer = await self.bus.nc.request(subjects.health(service), timeout=0.5)
        except (nats.errors.Error, TimeoutError):
            return False
        return bool(json.loads(answer.data)["ready"])

    @property
    def temporary(self) -> Path:
        """Where services keep temporary files."""
        return self.folder / "tmp"

    def database_url(self, service: str) -> str:
        return self._postgres.service_url(service, self._database)

    def _write_sign_in(self) -> None:
        content = {
            "principal": "admin",
            "token_sha256": hashlib.sha256(self.token.encode()).hexdigest(),
            "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        }
        (self.folder / "sign-in.json").write_text(json.dumps(content))

    async def leftovers(self, service: str, settings: dict[str, str]) -> list[str]:
        """Temporary files that stay although the service has started again, a day later."""
        for path in self.temporary.iterdir():
            long_ago = time.time() - 25 * 3600
            os.utime(path, (long_ago, long_ago))
        process = await self.start(service, settings)
        await self.ready(service)
        await process.kill()
        return sorted(without_ids(path.name) for path in self.temporary.iterdir())

    async def until(
        self, condition: "Callable[[], Coroutine[Any, Any, bool]]", what: str, timeout: float = PATIENCE
    ) -> None:
        deadline = time.monotonic() + timeout
        while not await condition():
            assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
            await asyncio.sleep(0.05)

    async def tables(self) -> list[tuple[str, str]]:
        """Schema and name of the tables that repetitions fill. They are all there when services are."""
        if self._tables:
            return self._tables
        rows = await self.db.fetch(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema = any($1) order by 1, 2",
            list(OWN_TABLES),
        )
        self._tables = [(row[0], row[1]) for row in rows if row[1] not in UNCOMPARED_TABLES]
        return self._tables

    async def has_unsent(self) -> bool:
        """Whether a row lies in an outbox."""
        outboxes = [
            f"select from {schema}.outbox" for schema, table in await self.tables() if table == "outbox"
        ]
        return bool(await self.db.fetchval(f"select exists({' union all '.join(outboxes)})"))

    async def empty_tables(self) -> None:
        names = [f"{schema}.{table}" for schema, table in await self.tables()]
        if names:
            await self.db.execute(f"truncate {', '.join(names)} cascade")


class Scene:
    """One repetition: a client of its own, and what a scenario does and sees in its name."""

    def __init__(self, lane: Lane, client: str) -> None:
        self.lane = lane
        self.client = client
        #: A folder of the repetition's own, as a world outside.
        self.outside = lane.folder / "outside" / client
        self.bus = lane.bus
        #: Patient, on a slow machine.
        self._manager = lane.bus.nc.jetstream(timeout=30)
        self._dead_before = 0
        self._company: list[asyncio.Task[None]] = []

    async def set_up(self) -> None:
        self.outside.mkdir(parents=True)
        await self.lane.empty_tables()
        self._dead_before = len(await self.bus.read(subjects.DEAD, "dead.>"))
        user = Principal(
            id=USER,
            name="Ada",
            roles=frozenset({"uploader", "accounting", "trustee", "tester"}),
            clients=frozenset({self.client}),
        )
        await Bucket(self.bus, subjects.PRINCIPALS, Principal).put(USER, user)

    async def close(self) -> None:
        for task in self._company:
            task.cancel()
        await asyncio.gather(*self._company, return_exceptions=True)

    # What a scenario causes.

    def company(self, work: "Coroutine[Any, Any, None]") -> None:
        """Have somebody outside do `work` until the end of the repetition."""
        self._company.append(asyncio.create_task(work))

    @property
    def files(self) -> Files:
        return Files(self.lane._store, self.client)

    async def request(
        self,
        job: str,
        *,
        lane: RunLane = RunLane.INTERACTIVE,
        rerun_of: UUID | None = None,
        **parameters: Any,
    ) -> UUID:
        """Request a run, as the gateway does; gives its id."""
        request = Requested(
            run_id=new_id(),
            job=job,
            client=self.client,
            principal=USER,
            effective_principal=USER,
            trigger=Trigger.RERUN if rerun_of else Trigger.MANUAL,
            parameters=parameters,
            rerun_of=rerun_of,
        )
        await request_run(self.bus, request, lane)
        return request.run_id

    async def publish(self, event: BusinessEventBase) -> None:
        kind: str = event.type  # type: ignore[attr-defined]  # declared by every concrete event
        await self.bus.publish(kind, event.encode(), msg_id=str(event.id))

    def run_caused_by(self, event: BusinessEventBase, job: str) -> UUID:
        return run_id_of(self.client, USER, job, str(event.id))

    async def ask(self, subject: str, query: BaseModel, answer: type[Answer]) -> Answer:
        """As somebody does who asks again where no answer came."""

        async def ask() -> Answer:
            return await self.bus.ask(subject, query, answer, timeout=2.0)

        return await insistently(ask)

    async def http(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send a request to the gateway as administrator, again where the connection broke."""

        base_url = f"http://127.0.0.1:{self.lane.http_port}/api/v1"
        headers = {"Authorization": f"Bearer {self.lane.token}", **arguments.pop("headers", {})}

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=10) as client:
                return await client.request(method, path, **arguments)

        return await insistently(send)

    # What became of it.

    async def runs(self) -> list[RunDetail]:
        """The runs of this repetition, as the projection tells them now."""
        last = (await self._manager.stream_info(subjects.RUNS)).state.last_seq
        page = await self._query(
            "runs", RunsQuery(client=self.client, scope=Scope(), at_least=last, limit=200), RunsPage
        )
        return [
            await self._query("run", RunQuery(run_id=run.run_id, scope=Scope()), RunDetail)
            for run in page.items
        ]

    async def rest(self) -> None:
        """Wait until nothing is on its way any more. Raises `TimeoutError` that says what still is."""
        deadline = time.monotonic() + PATIENCE
        while unrest := await self._unrest():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not at rest after {PATIENCE:g} s: {unrest}")
            await asyncio.sleep(0.05)

    async def _unrest(self) -> str | None:
        """What is still on its way: a row of an outbox, a message, an open run. In this order: what one look
        misses because it has just moved on, a later one sees."""
        if await self.lane.has_unsent():
            return "an outbox is not empty"
        for stream in (subjects.EVENTS, subjects.RUNS):
            for consumer in await self._manager.consumers_info(stream):
                waiting, given_out = consumer.num_pending, consumer.num_ack_pending
                if consumer.config.durable_name and (waiting or given_out):
                    return f"{consumer.name} has {waiting} messages waiting and {given_out} given out"
        for run in await self.runs():
            if not run.state.final:
                return f"run {run.run_id} is {run.state}: {run.sentence}"
        return None

    async def outcome(self, besides: Sequence[str] = ()) -> Outcome:
        """What there is now, but for the columns `besides`."""
        return Outcome(
            runs=sorted([await self._run_line(run) for run in await self.runs()]),
            events=await self._lines(subjects.EVENTS, "event.>"),
            audits=await self._lines(subjects.AUDIT, "audit.>"),
            dead=await self._dead_letters(),
            rows=sorted(await self._rows((*UNCOMPARED_COLUMNS, *besides))),
            # Not in a thread: PDFium is not made for several.
            files=self._files(),
        )

    async def _run_line(self, run: RunDetail) -> str:
        query = RecordsQuery(run_id=run.run_id, scope=Scope(), sort="key", limit=1000)
        records = (await self._query("records", query, RecordsPage)).items
        return plain(
            {
                "job": run.job,
                "trigger": run.trigger,
                "state": run.state,
                "failure": run.failure.code if run.failure else None,
                "in_doubt": [effect.effect for effect in run.in_doubt],
                "records": sorted(
                    plain(
                        [row.key, row.outcome, row.label, row.message, row.failure and row.failure.code],
                        self.client,
                    )
                    for row in records
                ),
            },
            self.client,
        )

    async def _lines(self, stream: str, subject: str) -> list[str]:
        messages = await self.bus.read(stream, subject)
        return sorted(
            event_line(message.data, self.client)
            for message in messages
            if json.loads(message.data).get("client") == self.client
        )

    async def _dead_letters(self) -> list[str]:
        letters = await self.bus.read(subjects.DEAD, "dead.>")
        return [plain(json.loads(one.data)["reason"], self.client) for one in letters[self._dead_before :]]

    async def _rows(self, besides: Sequence[str]) -> list[str]:
        return [
            row_line(f"{schema}.{table}", dict(row), self.client, besides=besides)
            for schema, table in await self.lane.tables()
            for row in await self.lane.db.fetch(f'select * from {schema}."{table}"')
            # A repetition that went wrong before may still be at work.
            if row.get("client", self.client) == self.client
        ]

    def _files(self) -> list[str]:
        root = self.lane.folder / "files" / "clients" / self.client
        return sorted(
            file_line(str(path.relative_to(root)), path.read_bytes(), self.client)
            for path in root.rglob("*")
            if path.is_file()
        )

    async def _query(self, name: str, query: BaseModel, answer: type[Answer]) -> Answer:
        return await self.ask(subjects.query("status", name), query, answer)


async def insistently(send: "Callable[[], Coroutine[Any, Any, T]]") -> T:
    """What somebody does whose question broke off: ask again, until there is an answer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await send()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        except TagwerkError as error:
            if error.failure.code != "service_unavailable" or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)
