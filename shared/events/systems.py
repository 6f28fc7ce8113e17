"""Whether systems outside can be reached, as the circuit breakers of the clients find out."""

from datetime import datetime
from typing import Literal

from shared.events.base import BusinessEventBase


class SystemUnreachable(BusinessEventBase):
    """Calls of a service to a system outside failed again and again; for now they are not tried any more."""

    type: Literal["event.system.unreachable"] = "event.system.unreachable"
    #: As jobs name it: `mail-server`.
    system: str
    #: `<host>:<port>`.
    host: str
    #: Whose calls failed.
    service: str
    #: Of the first call that failed.
    since: datetime
    #: Of the last one, in words.
    cause: str


class SystemReachable(BusinessEventBase):
    """A system outside that was unreachable answers again. Closes the `event.system.unreachable` of the same
    system, host and service."""

    type: Literal["event.system.reachable"] = "event.system.reachable"
    system: str
    host: str
    service: str
    #: Of the first call that succeeded again.
    since: datetime
    #: `since` of the `event.system.unreachable`.
    unreachable_since: datetime
