"""The main navigation, as far as somebody may go. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.pages.languages import N_
from shared.access import Principal, may_operate_platform


@dataclass(frozen=True, slots=True)
class Place:
    """Where a link leads. The name is a message, unless it is `given` by data."""

    name: str
    path: str
    given: bool = False


@dataclass(frozen=True, slots=True)
class MenuItem:
    place: Place
    #: This page lies there.
    here: bool


@dataclass(frozen=True, slots=True)
class Menu:
    everyday: Sequence[MenuItem]
    #: For those who operate the platform.
    operations: Sequence[MenuItem]


JOBS = Place(N_("Jobs"), "/")
RUNS = Place(N_("Runs"), "/runs")
DOCUMENTS = Place(N_("Documents"), "/documents")
ALERTS = Place(N_("Alerts"), "/alerts")
SCHEDULES = Place(N_("Schedules"), "/schedules")
APPROVALS = Place(N_("Approvals"), "/approvals")
REPORTS = Place(N_("Reports"), "/reports")
DEAD_LETTERS = Place(N_("Dead letters"), "/dead-letters")
SYSTEMS = Place(N_("Systems"), "/systems")
USERS = Place(N_("Users and roles"), "/users")
AUDIT = Place(N_("Audit log"), "/audit")
TRACES = Place(N_("Traces"), "/traces")
MQTT = Place(N_("MQTT"), "/mqtt")

_EVERYDAY = (JOBS, RUNS, ALERTS, SCHEDULES, DOCUMENTS, APPROVALS, REPORTS)
_OPERATIONS = (DEAD_LETTERS, SYSTEMS, TRACES, MQTT, USERS, AUDIT)


def menu(principal: Principal | None, path: str) -> Menu:
    """What `principal` finds in the navigation while they read `path`."""
    if principal is None:
        return Menu((), ())
    operations = _OPERATIONS if may_operate_platform(principal) else ()
    return Menu(_items(_EVERYDAY, path), _items(operations, path))


def _items(places: Sequence[Place], path: str) -> list[MenuItem]:
    return [MenuItem(place, _lies_in(path, place)) for place in places]


def _lies_in(path: str, place: Place) -> bool:
    if place is JOBS:
        return path == "/" or path.startswith("/jobs/")
    return path == place.path or path.startswith(f"{place.path}/")
