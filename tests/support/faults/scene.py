"""One repetition of a scenario: what somebody causes in an installation, and what became of it."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel

from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.commands import RecordsPage, RecordsQuery, RunDetail, RunQuery, RunsPage, RunsQuery, Scope
from shared.errors import TagwerkError
from shared.events import BusinessEventBase, Requested
from shared.files import Files
from shared.ids import new_id
from shared.requests import request_run
from shared.words import Lane as RunLane
from shared.words import Trigger
from tests.support.faults.lane import PATIENCE, Lane
from tests.support.faults.outcome import Outcome, event_line, file_line, plain, row_line
from tests.support.plain_http import NO_AUTHORITIES

#: Events of the watch: whether a death is noticed depends on how long nobody follows, and so on the machine.
WATCHED = ("event.run.", "event.queue.")
#: Columns that say how and not what: not compared. Positions are numbers of a counter, which a kill may skip.
UNCOMPARED_COLUMNS = ("attempt", "position", "effects.detail", "bank_matches.id", "payment_changes.id")
USER = "ada"

Answer = TypeVar("Answer", bound=BaseModel)
T = TypeVar("T")


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
        return self.lane.files(self.client)

    async def request(
        self,
        job: str,
        /,
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
            async with httpx.AsyncClient(
                base_url=base_url, headers=headers, timeout=10, verify=NO_AUTHORITIES
            ) as client:
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
        # A run that ended during the first look left rows where that look had been already.
        while unrest := await self._unrest() or await self._unrest():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not at rest after {PATIENCE:g} s: {unrest}")
            await asyncio.sleep(0.05)

    async def _unrest(self) -> str | None:
        """What is still on its way: a row of an outbox, a message, an open run. In this order: what moves on
        between two of these is seen at the next."""
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
        """What there is now, but for the columns `besides`: `column`, or `table.column`."""
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
            and not message.subject.startswith(WATCHED)
        )

    async def _dead_letters(self) -> list[str]:
        letters = await self.bus.read(subjects.DEAD, "dead.>")
        return [plain(json.loads(one.data)["reason"], self.client) for one in letters[self._dead_before :]]

    async def _rows(self, besides: Sequence[str]) -> list[str]:
        return [
            row_line(
                f"{schema}.{table}",
                dict(row),
                self.client,
                besides=[column.removeprefix(f"{table}.") for column in besides],
            )
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
