"""Which day it is where the installation stands."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Today:
    day: date

    @classmethod
    def in_zone(cls, zone: str) -> "Today":
        return cls(datetime.now(ZoneInfo(zone)).date())
