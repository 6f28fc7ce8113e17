"""W3C trace context (https://www.w3.org/TR/trace-context/): read from a request, or begun with it."""

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace that a request belongs to, and the request's own span in it."""

    #: 32 hex digits.
    trace_id: str
    #: 16 hex digits.
    span_id: str
    flags: str = "01"

    @classmethod
    def of(cls, traceparent: str | None) -> "Trace":
        """Go on with the caller's trace; begin one if there is none, or one that cannot be read."""
        match = _TRACEPARENT.match(traceparent or "")
        if match is None:
            return cls(secrets.token_hex(16), secrets.token_hex(8))
        return cls(match[1], secrets.token_hex(8), match[3])

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"
