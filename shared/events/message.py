"""What every event has: version, id, time, and how it is written."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.ids import new_id


def now() -> datetime:
    return datetime.now(UTC)


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    id: UUID = Field(default_factory=new_id)
    time: datetime = Field(default_factory=now)

    def encode(self) -> bytes:
        """JSON as it is published; fields that are None are left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)
