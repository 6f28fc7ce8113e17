"""What messages of the streams say about causes of alerts. Pure."""

from typing import Final
from uuid import UUID

from services.reporting.alerts.core import FOR_GOOD, Cause, Signal
from shared.audit import AuditEntry
from shared.dead_letters import DeadLetter
from shared.events import (
    AgentAway,
    AgentBack,
    BusinessEventBase,
    Decided,
    Finished,
    Occurrence,
    QueueUnworked,
    QueueWorked,
    Requested,
    RunFound,
    RunLost,
    RunOverdue,
    RunOverdueEnded,
    SystemReachable,
    SystemUnreachable,
)
from shared.words import AlertKind, OccurrenceVerdict, RunState

_FAILED: Final = frozenset({RunState.FAILED, RunState.PARTIALLY_FAILED, RunState.TIMED_OUT})


def of_end(job: str, request: Requested | None, end: Finished) -> list[Signal]:
    """Of a run that ended. A dry run says nothing about the job."""
    if request is not None and request.dry_run:
        return []
    client = None if request is None else request.client
    failure = end.failure
    signals = [
        Signal(
            cause=_doubt(job, client, end.run_id),
            part=doubt.effect,
            holds=True,
            time=end.time,
            run_id=end.run_id,
            why=doubt.cause,
            next_step="Find out whether it happened, then decide it at the run.",
        )
        for doubt in end.in_doubt
    ]
    if end.state in _FAILED:
        signals.append(
            Signal(
                cause=_failing(job, request),
                part="",
                holds=True,
                time=end.time,
                run_id=end.run_id,
                why=failure.cause if failure else REASONS[end.state],
                next_step=failure.next_step if failure else "Read the run: it names each record and why.",
            )
        )
    elif end.state is RunState.SUCCEEDED:
        signals.append(Signal(_failing(job, request), "", False, end.time, run_id=end.run_id))
    return signals


REASONS: Final = {
    RunState.FAILED: "it failed",
    RunState.PARTIALLY_FAILED: "some of its records failed",
    RunState.TIMED_OUT: "it took longer than it may",
}


def of_decision(job: str, decided: Decided) -> Signal:
    cause = _doubt(job, None, decided.run_id)
    return Signal(cause, decided.effect, False, decided.time, order=FOR_GOOD)


def of_event(event: BusinessEventBase) -> Signal | None:
    match event:
        case RunOverdue():
            return _opened(
                event,
                Cause(AlertKind.OVERDUE, str(event.run_id), event.job, event.job, event.client),
                f"it runs for longer than {event.allowed:g} s; {event.expected_runtime:g} s are expected",
                "Look at the run: what it does now, and whether it should be cancelled.",
            )
        case RunOverdueEnded():
            return _closed(event, AlertKind.OVERDUE, str(event.run_id), event.job, event.opened_by)
        case RunLost():
            return _opened(
                event,
                Cause(AlertKind.LOST, str(event.run_id), event.job, event.job, event.client),
                f"its worker {event.worker} gives no sign of life, and no other has taken it over",
                "Check whether the service of the job runs, and its machine.",
            )
        case RunFound():
            return _closed(event, AlertKind.LOST, str(event.run_id), event.job, event.opened_by)
        case QueueUnworked():
            alive = "its service runs, and takes none" if event.service_alive else "its service is not there"
            return _opened(
                event,
                Cause(AlertKind.UNWORKED, f"{event.job} {event.lane}", event.job, event.job),
                f"{event.waiting} requests wait, and nobody works on them: {alive}",
                "Start the service of the job, or look into its log.",
            )
        case QueueWorked():
            key = f"{event.job} {event.lane}"
            return _closed(event, AlertKind.UNWORKED, key, event.job, event.opened_by)
        case SystemUnreachable():
            return Signal(
                cause=_system(event.system, event.host),
                part=event.service,
                holds=True,
                time=event.time,
                why=f"{event.service} does not reach {event.host}: {event.cause}",
                next_step="Check the system and the way to it; jobs that need it wait or fail until then.",
            )
        case SystemReachable():
            return Signal(_system(event.system, event.host), event.service, False, event.time)
        case AgentAway():
            return Signal(
                cause=_agent(event.agent, event.client),
                part="",
                holds=True,
                time=event.time,
                why=f"it was last heard at {event.seen_at:%Y-%m-%d %H:%M:%S} UTC",
                next_step="Look whether it runs on its machine, and whether that reaches the broker.",
            )
        case AgentBack():
            return Signal(_agent(event.agent, event.client), "", False, event.time)
    return None


def of_occurrence(occurrence: Occurrence) -> Signal | None:
    """A later occurrence that is started closes what was missed before."""
    if occurrence.verdict is OccurrenceVerdict.SKIPPED:
        return None
    missed = occurrence.verdict is OccurrenceVerdict.MISSED
    return Signal(
        cause=_schedule(occurrence.schedule, occurrence.job, occurrence.client),
        part="",
        holds=missed,
        time=occurrence.time,
        order=occurrence.nominal,
        why=(occurrence.reason or "no scheduler was at work when it came due") if missed else "",
        next_step="Run it afterwards, or take note of it, on the page of the schedule." if missed else "",
    )


def of_letter(sequence: int, letter: DeadLetter) -> Signal:
    """`sequence` in DEAD."""
    return Signal(
        cause=dead_letters(letter.durable),
        part=str(sequence),
        holds=True,
        time=letter.time,
        why=letter.reason.cause,
        next_step=letter.reason.next_step,
    )


def dead_letters(durable: str) -> Cause:
    return Cause(AlertKind.DEAD_LETTER, durable, durable)


def of_audit(entry: AuditEntry) -> Signal | None:
    """Somebody took note of what a schedule missed."""
    if entry.action != "missed_seen":
        return None
    schedule = entry.concern.removeprefix("schedule:")
    return Signal(_schedule(schedule, None, None), "", False, entry.time)


def _failing(job: str, request: Requested | None) -> Cause:
    """What failed is the job for a client, or, where a run is about something, the job about that."""
    client, about = (None, []) if request is None else (request.client, request.about)
    return Cause(AlertKind.RUN_FAILED, "\n".join([job, client or "", *sorted(about)]), job, job, client)


def _doubt(job: str, client: str | None, run_id: UUID) -> Cause:
    return Cause(AlertKind.NEEDS_DECISION, str(run_id), job, job, client)


def _schedule(schedule: str, job: str | None, client: str | None) -> Cause:
    return Cause(AlertKind.MISSED, schedule, schedule, job, client)


def _system(system: str, host: str) -> Cause:
    """Any service can find that it is away; it is back when each of them has."""
    return Cause(AlertKind.SYSTEM_UNREACHABLE, f"{system} {host}", system)


def _agent(agent: str, client: str) -> Cause:
    return Cause(AlertKind.AGENT_AWAY, f"{client} {agent}", agent, client=client)


def _opened(event: BusinessEventBase, cause: Cause, why: str, next_step: str) -> Signal:
    return Signal(cause, str(event.id), True, event.time, run_id=event.run_id, why=why, next_step=next_step)


def _closed(event: BusinessEventBase, kind: AlertKind, key: str, job: str, opened_by: UUID) -> Signal:
    """Names the event that it closes, which therefore cannot open anything any more."""
    return Signal(Cause(kind, key, job, job), str(opened_by), False, event.time, order=FOR_GOOD)
