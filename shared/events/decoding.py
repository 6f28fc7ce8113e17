"""From bytes to events; unknown types are kept, what contradicts its contract is refused."""

from typing import Annotated, get_args

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from shared.events.base import BusinessEventBase
from shared.events.business import BusinessEvent
from shared.events.message import Message
from shared.events.run import RunEvent


class UnknownEvent(Message):
    """An event of a type that this reader does not know: newer than the reader, kept, not interpreted."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str


class Undecodable(ValueError):
    """Not an event: no JSON, no type, or a known type with content that contradicts its contract."""


_RUN_EVENTS: TypeAdapter[RunEvent] = TypeAdapter(Annotated[RunEvent, Field(discriminator="type")])
_BUSINESS_EVENTS: TypeAdapter[BusinessEvent] = TypeAdapter(
    Annotated[BusinessEvent, Field(discriminator="type")]
)


def decode_run_event(data: bytes) -> RunEvent | UnknownEvent:
    """The event in `data`. Raises `Undecodable`."""
    try:
        return _RUN_EVENTS.validate_json(data)
    except ValidationError as error:
        return _unknown(data, error)


def decode_business_event(data: bytes) -> BusinessEvent | UnknownEvent:
    """The event in `data`. Raises `Undecodable`."""
    try:
        return _BUSINESS_EVENTS.validate_json(data)
    except ValidationError as error:
        return _unknown(data, error)


def _unknown(data: bytes, error: ValidationError) -> UnknownEvent:
    kind = error.errors(include_url=False, include_input=False)[0]["type"]
    if kind == "union_tag_not_found":
        raise Undecodable("an event that does not say of which type it is") from error
    if kind == "union_tag_invalid":
        try:
            return UnknownEvent.model_validate(orjson.loads(data))
        except (ValidationError, orjson.JSONDecodeError) as broken:
            words = _violations(broken) if isinstance(broken, ValidationError) else str(broken)
            raise Undecodable(f"an event without the common fields: {words}") from broken
    raise Undecodable(_violations(error)) from error


def _violations(error: ValidationError) -> str:
    """`finished.state: Field required; …`, on one line."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"])))
        for one in error.errors(include_url=False, include_input=False)
    )


#: Business event type -> its model.
BUSINESS_EVENTS: dict[str, type[BusinessEventBase]] = {
    model.model_fields["type"].default: model for model in get_args(BusinessEvent)
}
