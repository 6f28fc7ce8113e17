"""Which news go out now, and together. Pure.

News of one rule for one addressee wait until the first of them is as old as the rule groups, then go as one
message; beyond the rule's number in an hour they wait for the next place, and go as one then. What is
silenced waits for the end of the silence, and is dropped if it is over before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.reporting.alerts.rules import Rules, fits_any
from shared.words import AlertKind, AlertNews

#: Of the limit of messages.
HOUR = timedelta(hours=1)

#: Rule and destination.
Route = tuple[str, str]


@dataclass(frozen=True, slots=True)
class News:
    """Something that an addressee has not been told yet."""

    id: int
    alert_id: UUID
    rule: str
    destination: str
    what: AlertNews
    created_at: datetime
    silenced: bool

    @property
    def route(self) -> Route:
        return self.rule, self.destination


@dataclass(frozen=True, slots=True)
class Plan:
    """Messages to make, each of these news; and news that nobody will be told."""

    messages: Sequence[tuple[Route, Sequence[News]]]
    dropped: Sequence[News]


@dataclass(frozen=True, slots=True)
class Told:
    """When an addressee was last told of an alert that is open."""

    alert_id: UUID
    rule: str
    destination: str
    at: datetime


def plan(news: Iterable[News], sent: Mapping[Route, Sequence[datetime]], rules: Rules, now: datetime) -> Plan:
    """`sent`: when messages of each route were made within the last hour."""
    routes: dict[Route, list[News]] = defaultdict(list)
    for one in sorted(news, key=lambda one: one.id):
        routes[one.route].append(one)
    messages: list[tuple[Route, Sequence[News]]] = []
    dropped: list[News] = []
    for route, waiting in routes.items():
        ready, gone = _without_silenced(waiting)
        dropped += gone
        rule = rules.named(route[0])
        recent = [at for at in sent.get(route, ()) if at > now - HOUR]
        due = bool(ready) and min(one.created_at for one in ready) + rule.group <= now
        if due and len(recent) < rule.per_hour:
            messages.append((route, ready))
    return Plan(messages, dropped)


def _without_silenced(waiting: Sequence[News]) -> tuple[list[News], list[News]]:
    """Those that may go, and those that are dropped. Whoever was told of an alert is told of its end."""
    unheard = {one.alert_id for one in waiting if one.silenced and one.what is AlertNews.OPENED}
    over = {one.alert_id for one in waiting if one.what is AlertNews.CLOSED}
    ready, dropped = [], []
    for one in waiting:
        if one.alert_id in unheard:
            if one.alert_id in over or one.what is AlertNews.STILL:
                dropped.append(one)
        elif one.silenced and one.what is AlertNews.STILL:
            dropped.append(one)
        else:
            ready.append(one)
    return ready, dropped


def to_repeat(told: Iterable[Told], rules: Rules, now: datetime) -> list[Told]:
    """Those who are told again that an alert is open."""
    found = []
    for one in told:
        repeat = rules.named(one.rule).repeat
        if repeat is not None and one.at + repeat <= now:
            found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class Silence:
    """What is not told for a while; empty: every kind, job, client."""

    kinds: Sequence[str]
    jobs: Sequence[str]
    clients: Sequence[str]

    def fits(self, kind: AlertKind, job: str | None, client: str | None) -> bool:
        return (
            (not self.kinds or kind in self.kinds)
            and fits_any(self.jobs, job)
            and fits_any(self.clients, client)
        )
