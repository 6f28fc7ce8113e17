"""Messages as they lie in INGRESS and EGRESS: whole in the body, so that a replay needs no headers."""

import base64
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.errors import Failure


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: str
    #: The payload where it is text: people read dead letters.
    text: str | None = None
    base64: str | None = None

    @property
    def payload(self) -> bytes:
        return base64.b64decode(self.base64) if self.base64 is not None else (self.text or "").encode()

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Arrived(_Kept):
    """A message that came in."""

    received_at: datetime
    #: Of MQTT 5.
    response_topic: str | None = None
    correlation_hex: str | None = None
    retained: bool = False
    #: Bytes, of one that was too large to be kept: there is no payload.
    too_large: int | None = None

    @property
    def correlation_data(self) -> bytes | None:
        return None if self.correlation_hex is None else bytes.fromhex(self.correlation_hex)


class Leaving(_Kept):
    """A message that is to be published."""

    correlation_hex: str | None = None

    @property
    def correlation_data(self) -> bytes | None:
        return None if self.correlation_hex is None else bytes.fromhex(self.correlation_hex)

    @classmethod
    def of(cls, topic: str, answer: "Answer", correlation_data: bytes | None) -> Self:
        hexed = None if correlation_data is None else correlation_data.hex()
        return cls(topic=topic, text=answer.model_dump_json(exclude_none=True), correlation_hex=hexed)


class Answer(BaseModel):
    """What the sender of a message gets."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ok: bool
    rule: str
    #: The value of the rule's `correlation_field`.
    correlation: str | int | float | bool | None = None
    #: The same message had come before; this one changed nothing.
    duplicate: bool = False
    run_id: str | None = None
    job: str | None = None
    document_id: str | None = None
    event_id: str | None = None
    #: Why it was refused.
    failure: Failure | None = None


def payload_fields(payload: bytes) -> dict[str, str]:
    """The payload as fields of a kept message."""
    encoded = base64.b64encode(payload).decode()
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return {"base64": encoded}
    # Control characters take six bytes each in JSON.
    return {"text": text} if text.isprintable() or len(payload) < 10_000 else {"base64": encoded}
