"""Messages of RUNS as the projection takes them: raw, then decoded, never raising."""

import re
from typing import NamedTuple
from uuid import UUID

from shared.events import RunEvent, Undecodable, UnknownEvent, decode_run_event
from shared.feed import RawMessage

#: An escaped NUL in JSON. PostgreSQL stores no NUL in text, so it becomes the replacement character.
_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class Decoded(NamedTuple):
    """A message with what could be read of it. Exactly one of `event` and `reason` is set."""

    raw: RawMessage
    #: From the subject; None if the subject names no run.
    run_id: UUID | None
    #: From the subject; empty if the subject names no run.
    job: str
    event: RunEvent | UnknownEvent | None
    #: Why it could not be decoded.
    reason: str | None


def decode(raw: RawMessage) -> Decoded:
    """What `raw` says. What cannot be decoded comes back with the reason, for the dead letters."""
    tokens = raw.subject.split(".")
    if len(tokens) not in (5, 6):
        return Decoded(raw, None, "", None, f"{raw.subject} is not a subject of a run")
    job = f"{tokens[1]}.{tokens[2]}"
    payload = raw.payload
    if b"\\u0000" in payload:
        payload = _ESCAPED_NUL.sub(rb"\1\\ufffd", payload)
    try:
        event = decode_run_event(payload)
    except (Undecodable, RecursionError) as error:
        return unreadable(raw, str(error) or repr(error))
    if type(event) is UnknownEvent:
        run_id = _run_id(tokens[3])
        if run_id is None:
            return Decoded(raw, None, "", None, f"{raw.subject} names no run")
        return Decoded(raw, run_id, job, event, None)
    run_id = event.run_id  # type: ignore[union-attr]
    if str(run_id) != tokens[3]:
        return unreadable(raw, f"the event belongs to run {run_id}, its subject to another")
    fields = event.__pydantic_fields_set__
    if "id" not in fields or "time" not in fields:
        # Filled in by the reader, they would differ on every reading.
        return unreadable(raw, "the event carries no id or no time")
    if event.time.tzinfo is None:
        return unreadable(raw, f"the time {event.time.isoformat()} names no time zone")
    return Decoded(raw, run_id, job, event, None)


def unreadable(raw: RawMessage, reason: str) -> Decoded:
    """`raw` as a message that says nothing, of the run that its subject names."""
    tokens = raw.subject.split(".")
    run_id = _run_id(tokens[3]) if len(tokens) in (5, 6) else None
    return Decoded(raw, run_id, f"{tokens[1]}.{tokens[2]}" if run_id else "", None, reason[:2000])


def _run_id(token: str) -> UUID | None:
    try:
        run_id = UUID(token)
    except ValueError:
        return None
    return run_id if str(run_id) == token else None
