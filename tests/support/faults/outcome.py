"""What a repetition came to, in a form in which two repetitions are equal if they mean the same.

Ids, times and the client's name differ each time; what they stand for does not.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pypdfium2

from tests.support.faults.points import without_ids

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_TRACE = re.compile(r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b")
#: Of UUIDs, with dashes, and without them (then a number of three digits may follow).
_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![0-9a-f])[0-9a-f]{32}(?=\d{0,3}(?![0-9a-f]))",
    re.IGNORECASE,
)

#: Fields of events that name the occasion and not the fact.
_OCCASION = ("id", "time", "traceparent")


@dataclass(frozen=True)
class Outcome:
    """Each part is a list of lines, sorted: equal lines are the same fact twice."""

    #: Runs with their final states, records and effects in doubt, as the status service tells them.
    runs: list[str] = field(default_factory=list)
    #: Business events.
    events: list[str] = field(default_factory=list)
    #: Actions of the audit log.
    audits: list[str] = field(default_factory=list)
    #: Dead letters.
    dead: list[str] = field(default_factory=list)
    #: Rows of the services' tables.
    rows: list[str] = field(default_factory=list)
    #: Files with their hashes.
    files: list[str] = field(default_factory=list)
    #: What the scenario finds outside of the installation.
    outside: list[str] = field(default_factory=list)

    def differences(self, other: "Outcome", *, besides: Iterable[str] = ()) -> list[str]:
        """What `other` has more (`+`) and less (`-`) than this one; parts in `besides` are not compared."""
        found = []
        for part in self.__dataclass_fields__:
            if part not in besides:
                lines = difflib.unified_diff(getattr(self, part), getattr(other, part), lineterm="", n=0)
                found += [f"{part}: {line}" for line in lines if not line.startswith(("---", "+++", "@@"))]
        return found


def plain(value: Any, client: str) -> str:
    """One line for anything, without ids, times and the client's name."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    text = _ID.sub("<id>", _TRACE.sub("<trace>", _TIME.sub("<time>", text)))
    return re.sub(rf"\b{re.escape(client)}\b", "<client>", text)


def event_line(payload: bytes, client: str) -> str:
    fields = json.loads(payload)
    return plain({name: value for name, value in fields.items() if name not in _OCCASION}, client)


def row_line(table: str, row: Mapping[str, Any], client: str, *, besides: Iterable[str] = ()) -> str:
    fields = {name: _spelled(value) for name, value in row.items() if name not in besides}
    return f"{table} {plain(fields, client)}"


def file_line(path: str, content: bytes, client: str) -> str:
    """A file with a hash of what it says; PDFs carry the time and an id of their making."""
    if content.startswith(b"%PDF-"):
        with pypdfium2.PdfDocument(content) as pdf:
            said = "\f".join(page.get_textpage().get_text_range() for page in pdf)
    else:
        said = content.decode("latin-1")
    return f"{without_ids(path)} {hashlib.sha256(plain(said, client).encode()).hexdigest()[:16]}"


def _spelled(value: Any) -> Any:
    """JSON columns come as text: their fields are compared, not their spelling."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
