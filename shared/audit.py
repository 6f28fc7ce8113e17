"""What RUNS does not tell already: refusals, sign-ins, changes of tokens and rules."""

from typing import Any
from uuid import UUID

from pydantic import Field

from shared.bus import Bus
from shared.events import Message
from shared.telemetry.context import trace_id_at_hand


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hex digits of a W3C trace context."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None


class AuditEntry(Message):
    """Who did what. No personal data but the principal's id: what a person is called, or where they live,
    stays in the tables of its owner."""

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
    #: As whom it was done, if not as the principal.
    effective_principal: str | None = None
    run_id: UUID | None = None
    #: 32 hex digits.
    trace_id: str | None = Field(default_factory=trace_id_at_hand)

    @property
    def subject(self) -> str:
        return f"audit.{self.action}"


async def audit(bus: Bus, entry: AuditEntry) -> int:
    """Store an entry; returns its sequence in AUDIT."""
    return await bus.publish(entry.subject, entry.encode(), msg_id=str(entry.id))
