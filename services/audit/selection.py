"""What becomes an entry of the audit log: everything in AUDIT, and of RUNS what somebody did. Pure.

What a run then did by itself (attempts, records, calls) lies in the archive of the status service, where the
entry's run id leads. Its parameters too: the entry has their hash, which proves that they are still the same.
"""

import hashlib
from typing import Any

from pydantic import ValidationError

from services.audit.core import Content, NewEntry, canonical, encoded, kind_of, moment
from shared.audit import AuditEntry, trace_id_of
from shared.errors import wrong_fields
from shared.events import CancelRequested, Decided, Requested, Undecodable, decode_run_event
from shared.feed import RawMessage
from shared.ids import derived_id
from shared.subjects import AUDIT, RUNS, service_of

#: What stands for the audit service itself as a principal.
SELF = "service-audit"

#: Bytes of a content; of a larger one the log keeps the hash of what was before and after.
LARGEST_CONTENT = 200_000
#: Characters of a text in a content that is too large.
LONGEST_TEXT = 5_000


def entry_of(stream: str, created: str, raw: RawMessage) -> NewEntry | None:
    """What `raw`, a message of `stream`, is in the audit log; None if it is nobody's deed.

    What cannot be read becomes an entry that says so. `created` is when the stream was created.
    """
    try:
        return _told(created, raw) if stream == AUDIT else _of_run(created, raw)
    except (OverflowError, ValueError) as error:
        # A time at the edge of the calendar, and the like.
        return _unreadable(stream, created, raw, str(error))


def missing(stream: str, created: str, cause: str, **facts: Any) -> NewEntry:
    """An entry that says what of a stream could not be read any more. The same facts give the same entry."""
    first, last = facts.get("first"), facts.get("last")
    return NewEntry(
        derived_id("audit-missing", stream, created, str(first), str(last), cause),
        "history_missing",
        canonical(
            {
                "action": "history_missing",
                "time": facts["time"],
                "principal": SELF,
                "concern": f"stream {stream}",
                "reason": cause,
                "after": {name: value for name, value in facts.items() if name != "time"},
            }
        ),
    )


def _told(created: str, raw: RawMessage) -> NewEntry:
    try:
        entry = AuditEntry.model_validate_json(raw.payload)
    except ValidationError as error:
        return _unreadable(AUDIT, created, raw, wrong_fields(error))
    if not {"id", "time"} <= entry.__pydantic_fields_set__ or entry.time.tzinfo is None:
        # Filled in by the reader, they would differ on every reading.
        return _unreadable(AUDIT, created, raw, "it carries no id, or no time with its zone")
    fields = entry.model_dump(mode="json", exclude={"version", "id"})
    return NewEntry(entry.id, kind_of(entry.action), _content(fields | {"time": moment(entry.time)}))


def _of_run(created: str, raw: RawMessage) -> NewEntry | None:
    if not raw.subject.endswith((".requested", ".cancel_requested")) and (
        b'"run.decided"' not in raw.payload[:400] or not raw.subject.endswith(".ev")
    ):
        return None
    try:
        event = decode_run_event(raw.payload)
    except (Undecodable, RecursionError) as error:
        return _unreadable(RUNS, created, raw, str(error) or repr(error))
    fields: dict[str, Any]
    match event:
        case Requested():
            fields = _requested(event)
        case CancelRequested():
            fields = {"concern": _job_of(raw.subject), "trace_id": trace_id_of(event.traceparent)}
        case Decided():
            fields = {
                "concern": event.effect,
                "trace_id": trace_id_of(event.traceparent),
                "after": {"decision": event.decision, "record": event.record},
            }
        case _:
            return None
    if not {"id", "time"} <= event.__pydantic_fields_set__ or event.time.tzinfo is None:
        return _unreadable(RUNS, created, raw, "it carries no id, or no time with its zone")
    kind = event.type.replace("run.", "run_") if not isinstance(event, Decided) else "effect_decided"
    common = {
        "action": kind,
        "time": moment(event.time),
        "principal": event.principal,
        "reason": event.reason,
        "run_id": str(event.run_id),
    }
    return NewEntry(event.id, kind, _content(common | fields))


def _requested(event: Requested) -> dict[str, Any]:
    other = event.effective_principal if event.effective_principal != event.principal else None
    told = {
        "trigger": event.trigger,
        "dry_run": event.dry_run,
        "confirmed": event.confirmed,
        "parameters_sha256": hashlib.sha256(encoded(canonical(event.parameters).text)).hexdigest(),
        "rerun_of": event.rerun_of,
        "only_records": None if event.only_records is None else len(event.only_records),
        "caused_by": _cause(event),
    }
    return {
        "concern": event.job,
        "client": event.client,
        "effective_principal": other,
        "trace_id": trace_id_of(event.traceparent),
        "after": {name: str(value) if name == "rerun_of" else value for name, value in told.items() if value},
    }


def _cause(event: Requested) -> str | None:
    """What led to it, in a word; the run itself has all of it."""
    cause = event.cause
    if cause is None:
        return None
    return cause.event_type or cause.occurrence or (f"run:{cause.run_id}" if cause.run_id else None)


def _content(fields: dict[str, Any]) -> Content:
    content = canonical(fields)
    if len(encoded(content.text)) <= LARGEST_CONTENT:
        return content
    short = {
        name: {"sha256": hashlib.sha256(encoded(canonical({name: value}).text)).hexdigest()}
        for name, value in fields.items()
        if name in ("before", "after") and value is not None
    }
    texts = {
        name: value[:LONGEST_TEXT]
        for name, value in fields.items()
        if isinstance(value, str) and len(value) > LONGEST_TEXT
    }
    return canonical(fields | short | texts)


def _job_of(subject: str) -> str:
    """`run.documents.ocr.<run id>.cancel_requested` -> `documents.ocr`."""
    _, service, job, *_ = [*subject.split("."), "", ""]
    return f"{service_of(service)}.{job}"


def _unreadable(stream: str, created: str, raw: RawMessage, cause: str) -> NewEntry:
    return NewEntry(
        derived_id("audit-unreadable", stream, created, str(raw.sequence)),
        "unreadable",
        canonical(
            {
                "action": "unreadable",
                "time": moment(raw.time),
                "principal": "unknown",
                "concern": f"{stream} {raw.sequence}",
                "reason": f"a message on {raw.subject} cannot be read: {cause}"[:1000],
                "after": {"sha256": hashlib.sha256(raw.payload).hexdigest(), "bytes": len(raw.payload)},
            }
        ),
    )
