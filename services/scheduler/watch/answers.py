"""What the watch has noticed and is not over, for who may see it."""

from services.scheduler.watch.cases import Cases
from shared.commands import WatchCase, Watched, WatchQuery
from shared.commands.common import Scope
from shared.events import BusinessEventBase, QueueUnworked, RunLost, RunOverdue


async def answer_watch(query: WatchQuery, runs: Cases, queues: Cases) -> Watched:
    opened = [*(await runs.open()).values(), *(await queues.open()).values()]
    cases = [case for event in opened if (case := case_of(event)) is not None and _visible(case, query.scope)]
    return Watched(items=sorted(cases, key=lambda case: case.since))


def case_of(event: BusinessEventBase) -> WatchCase | None:
    """Of an event that opens a case."""
    match event:
        case RunOverdue():
            return WatchCase(
                kind="overdue", job=event.job, since=event.time, run_id=event.run_id, client=event.client
            )
        case RunLost():
            return WatchCase(
                kind="lost", job=event.job, since=event.time, run_id=event.run_id, client=event.client,
                worker=event.worker,
            )  # fmt: skip
        case QueueUnworked():
            return WatchCase(
                kind="unworked", job=event.job, since=event.time, waiting=event.waiting, lane=event.lane
            )
    return None


def _visible(case: WatchCase, scope: Scope) -> bool:
    return (scope.jobs is None or case.job in scope.jobs) and (
        scope.clients is None or case.client is None or case.client in scope.clients
    )
