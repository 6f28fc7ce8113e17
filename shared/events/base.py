"""What every fact of the business has."""

from uuid import UUID

from pydantic import Field

from shared.events.message import Message


class BusinessEventBase(Message):
    """A fact of the business. Published on the subject that is its type."""

    client: str
    #: Who caused it; runs that it triggers work as this principal.
    principal: str
    #: Keys of what it is about; runs that it triggers are about the same.
    about: list[str] = Field(default_factory=list)
    #: The run that caused it.
    run_id: UUID | None = None
    traceparent: str | None = None
    #: Whether a person waits for what this causes; it chooses the lane.
    interactive: bool = True
