"""What a message says of alerts: the same in every attempt to send it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

from shared.words import AlertKind, AlertNews, Severity

#: Alerts that one message names; of more it tells the number.
NAMED: Final = 50
#: Characters of a cause or a next step that a message holds.
LONGEST: Final = 1_000


class Item(BaseModel):
    """One alert in a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: UUID
    what: AlertNews
    kind: AlertKind
    severity: Severity
    concern: str
    job: str | None = None
    client: str | None = None
    why: str
    next_step: str
    run_id: UUID | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    #: How often it happened so far.
    count: int


class Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    written_at: datetime
    items: Sequence[Item]
    #: Alerts besides those that are named.
    more: int = 0


def content_of(items: Sequence[Item], written_at: datetime) -> Content:
    """Each alert once, as it stands last: what is open first, what is urgent before the rest."""
    last: dict[UUID, Item] = {}
    for item in items:
        last[item.alert_id] = item
    urgent_first = sorted(
        last.values(),
        key=lambda one: (one.closed_at is not None, one.severity is not Severity.CRITICAL, one.opened_at),
    )
    named = [_short(item) for item in urgent_first[:NAMED]]
    return Content(written_at=written_at, items=named, more=len(urgent_first) - len(named))


def webhook_body(content: Content) -> bytes:
    """As https://www.standardwebhooks.com has it: `type`, `timestamp`, `data`."""
    body: dict[str, Any] = {
        "type": "alerts.changed",
        "timestamp": content.written_at.isoformat(),
        "data": {
            "alerts": [item.model_dump(mode="json") for item in content.items],
            "more": content.more,
        },
    }
    return orjson.dumps(body)


def _short(item: Item) -> Item:
    return item.model_copy(update={"why": item.why[:LONGEST], "next_step": item.next_step[:LONGEST]})
