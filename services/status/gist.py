"""What a timeline tells of a message about many things, kept in the archive where the message is large. Pure.

A run of 100,000 records said so in some 200 messages of up to 256 kB: who opens it must not read them all.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.status.wording import number, outcomes
from shared.events import Called, Logged, Recorded

#: Bytes of a payload above which its gist is kept.
LARGE = 4_096
#: Calls that are named.
NAMED = 3


class Gist(BaseModel):
    """A message about records, calls or log lines, in short. One of the three is told."""

    model_config = ConfigDict(extra="ignore")

    type: str
    attempt: int
    time: datetime
    #: Outcome -> number of records.
    records: dict[str, int] = Field(default_factory=dict)
    calls: int = 0
    #: The first calls in words.
    named: list[str] = Field(default_factory=list)
    lines: int = 0

    @property
    def words(self) -> str:
        """As a sentence without its full stop."""
        if self.calls:
            more = f" and {self.calls - len(self.named)} more" if self.calls > len(self.named) else ""
            return f"{number(self.calls, 'external call')}: {', '.join(self.named)}{more}"
        if self.lines:
            return number(self.lines, "log line")
        return f"{number(sum(self.records.values()), 'record')}: {outcomes(self.records)}"


def gist_of(event: Recorded | Called | Logged) -> Gist:
    gist = Gist(type=event.type, attempt=event.attempt, time=event.time)
    match event:
        case Recorded():
            for record in event.records:
                gist.records[record.outcome] = gist.records.get(record.outcome, 0) + 1
        case Called():
            gist.calls = len(event.calls)
            gist.named = [f"{call.operation} at {call.system} {call.outcome}" for call in event.calls[:NAMED]]
        case Logged():
            gist.lines = len(event.lines)
    return gist


def gist_to_keep(event: object, payload: bytes) -> str | None:
    """As JSON, if it is worth it."""
    if len(payload) <= LARGE or not isinstance(event, Recorded | Called | Logged):
        return None
    return gist_of(event).model_dump_json(exclude_defaults=True)
