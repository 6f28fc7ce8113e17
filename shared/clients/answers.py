"""What an answer over HTTP says besides its status: how long to wait, why not, and where the next page is."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

#: Characters of a reason that are told.
_REASON: Final = 300


def seconds_to_wait(response: httpx.Response, now: datetime) -> float | None:
    """`Retry-After` (RFC 9110), in seconds or as a date; None where there is none that can be read."""
    written = response.headers.get("retry-after", "").strip()
    if written.isascii() and written.isdigit() and len(written) < 10:
        return float(written)
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return None
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())


def reason_of(response: httpx.Response) -> str:
    """Why a request was refused: `detail` or `title` of a problem document (RFC 9457), else the phrase of the
    status. An answer whose body was not read has only the latter."""
    if response.is_stream_consumed and _is_problem(response):
        try:
            problem = json.loads(response.content)
        except ValueError:
            problem = None
        said = problem.get("detail") or problem.get("title") if isinstance(problem, dict) else None
        if isinstance(said, str) and (plain := " ".join(said.split())):
            return plain[:_REASON]
    return response.reason_phrase


def _is_problem(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "application/problem+json"


def next_page(response: httpx.Response) -> str | None:
    """The address of the next page: `Link: <…>; rel="next"` (RFC 8288), as absolute address."""
    found = response.links.get("next", {}).get("url")
    return None if found is None else str(response.url.join(found))
