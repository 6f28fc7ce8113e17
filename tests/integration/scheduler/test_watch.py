"""What the watch notices when a worker dies on a real bus: told once by two replicas, and closed again."""

from collections import Counter
from typing import Any

from shared import subjects
from shared.commands import Scope, Watched, WatchQuery
from shared.events import (
    BusinessEventBase,
    QueueUnworked,
    RunFound,
    RunLost,
    RunOverdue,
    decode_business_event,
)
from shared.settings import Settings
from tests.integration.scheduler.test_schedules import until
from tests.support.engine import ACK_WAIT, Engine
from tests.support.nursery import Nursery, environment_of
from tests.support.servers import PostgresServer


async def test_a_dead_worker_is_noticed_once_by_two_replicas_and_the_cases_close(
    engine: Engine, nursery: Nursery, postgres: PostgresServer, database_name: str, bus_url: str
) -> None:
    at_status = Settings(
        nats_url=bus_url, database_url=postgres.url("status", database_name), files_url="memory:///",
        log_level="warning",
    )  # fmt: skip
    status = await nursery.start("status", environment_of(at_status))
    try:
        await engine.start("scheduler")
        await engine.spawn("scheduler")
        worker = await engine.spawn("lab")
        run = (await engine.request("lab.sleep", steps=1200)).request.run_id

        async def told() -> list[BusinessEventBase]:
            stored = await engine.bus.read(subjects.EVENTS, "event.>")
            events = [decode_business_event(one.data) for one in stored]
            return [event for event in events if isinstance(event, BusinessEventBase)]

        async def first(kind: type[BusinessEventBase]) -> Any:
            return next((event for event in await told() if isinstance(event, kind)), None)

        async def cases(scope: Scope) -> list[str]:
            watched = await engine.bus.ask(
                subjects.query("scheduler", "watch"), WatchQuery(scope=scope), Watched
            )
            return [case.kind for case in watched.items]

        overdue = await until(lambda: first(RunOverdue))
        assert (overdue.run_id, overdue.job, overdue.allowed) == (run, "lab.sleep", 3.0)
        assert await first(RunLost) is None, "its worker beats"
        await worker.end()
        await engine.request("lab.sleep", steps=1)
        lost = await until(lambda: first(RunLost))
        assert (lost.run_id, lost.attempt) == (run, 1)
        assert lost.silent >= 3 * ACK_WAIT
        unworked = await until(lambda: first(QueueUnworked))
        assert (unworked.job, unworked.lane, unworked.waiting) == ("lab.sleep", "interactive", 2)
        assert not unworked.service_alive
        # Those who may not see the job are told of nothing.
        assert await cases(Scope(jobs=frozenset())) == []
        assert await cases(Scope(clients=frozenset({"other"}))) == ["unworked"]
        assert await cases(Scope()) == ["overdue", "lost", "unworked"]

        await engine.spawn("lab")
        found = await until(lambda: first(RunFound))
        assert (found.run_id, found.how) == (run, "taken_over")
        await engine.cancel("lab.sleep", run)

        async def closed() -> bool:
            return len(await told()) == 6

        await until(closed)
        assert await cases(Scope()) == []
        assert Counter(stored.subject for stored in await engine.bus.read(subjects.EVENTS, "event.>")) == {
            "event.run.overdue": 1, "event.run.overdue_ended": 1,
            "event.run.lost": 1, "event.run.found": 1,
            "event.queue.unworked": 1, "event.queue.worked": 1,
        }  # fmt: skip
    finally:
        await status.end()
