"""What RUNS does not tell already: refusals, sign-ins, changes of tokens and rules."""

from typing import Any

from shared.bus import Bus
from shared.events import Message


class AuditEntry(Message):
    #: `access_refused`, `signed_in`, `dead_letter_replayed`, …
    action: str
    principal: str
    #: What it concerned: a job, a run, a token.
    concern: str
    client: str | None = None
    reason: str | None = None
    #: What a change found, and what it left.
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def subject(self) -> str:
        return f"audit.{self.action}"


async def audit(bus: Bus, entry: AuditEntry) -> int:
    """Store an entry; returns its sequence in AUDIT."""
    return await bus.publish(entry.subject, entry.encode(), msg_id=str(entry.id))
