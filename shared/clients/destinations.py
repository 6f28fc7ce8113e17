"""Where this process may connect to. One list for every client, asked before any connection; without it,
wherever settings and files of rules point.

It holds names, and looks at what is asked for, not at what DNS makes of it: who answers for an allowed name
is for DNS and TLS to say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import NotCalled, TagwerkError

_ENTRY: Final = re.compile(r"(?P<host>\*\.[\w.-]+|[\w.-]+|\[[0-9a-f:.]+\])(:(?P<port>\d{1,5}))?")


class DestinationNotAllowed(NotCalled):
    """The installation has a list of destinations, and this one is not on it."""

    def __init__(self, system: str, host: str, port: int) -> None:
        super().__init__(
            "destination_not_allowed",
            cause=f"{host}:{port} is not among the destinations that this installation allows",
            concern=system,
            next_step=f"Check the address of {system} in the settings; if it is right, add {host} to "
            "TAGWERK_DESTINATIONS and start the service again.",
        )


@dataclass(frozen=True, slots=True)
class Destination:
    """One entry of the list."""

    #: Lower case; `*.example.com` stands for every name below it, and not for itself.
    host: str
    #: None for all.
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        if self.port not in (None, port):
            return False
        return host.endswith(self.host[1:]) if self.host.startswith("*.") else host == self.host


@dataclass(frozen=True, slots=True)
class Destinations:
    allowed: Sequence[Destination]

    @classmethod
    def read(cls, written: str) -> "Destinations":
        """`api.example.com, *.example.org:443, [::1]:22`. Raises `destinations_invalid`."""
        found = []
        for entry in filter(None, (one.strip() for one in written.split(","))):
            match = _ENTRY.fullmatch(_plain(entry))
            if match is None or int(match["port"] or 1) not in range(1, 65_536):
                raise TagwerkError(
                    "destinations_invalid",
                    f"{entry} is no destination",
                    concern="TAGWERK_DESTINATIONS",
                    next_step="Write names of hosts without a scheme, separated by commas, each with a port "
                    "or without: api.example.com, *.example.org, 192.0.2.7:22. Then start the service again.",
                )
            host = match["host"].strip("[]")
            found.append(Destination(host, int(match["port"]) if match["port"] else None))
        return cls(found)

    def admit(self, system: str, host: str, port: int) -> None:
        """Raises `DestinationNotAllowed`."""
        asked = _plain(host)
        if not any(destination.covers(asked, port) for destination in self.allowed):
            raise DestinationNotAllowed(system, host, port)


def _plain(host: str) -> str:
    """As names are compared: without case, and without the dot at the end of an absolute one."""
    return host.lower().rstrip(".")


_confined: Destinations | None = None


def confine(written: str | None) -> None:
    """From here on this process connects to no other systems outside; None: to all. Raises
    `destinations_invalid`."""
    global _confined
    _confined = None if written is None else Destinations.read(written)


def admit(system: str, host: str, port: int) -> None:
    """For clients, right before they connect. Raises `DestinationNotAllowed`."""
    if _confined is not None:
        _confined.admit(system, host, port)
