"""What answers over HTTP say besides their status."""

from datetime import UTC, datetime

import httpx
import pytest

from shared.clients.answers import next_page, reason_of, seconds_to_wait

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PROBLEM = {"Content-Type": "application/problem+json; charset=utf-8"}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 11:59:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_how_long_to_wait_is_read_in_both_spellings(written: str, seconds: float | None) -> None:
    headers = [(b"retry-after", written.encode())] if written else []
    assert seconds_to_wait(httpx.Response(429, headers=headers), NOW) == seconds


@pytest.mark.parametrize(
    ("content", "headers", "reason"),
    [
        (b'{"title": "Closed", "detail": "the  period\\nis closed"}', PROBLEM, "the period is closed"),
        (b'{"title": "Closed"}', PROBLEM, "Closed"),
        (b'{"detail": 7}', PROBLEM, "Conflict"),
        (b"[]", PROBLEM, "Conflict"),
        (b"<html>", PROBLEM, "Conflict"),
        (b'{"detail": "of no problem"}', {"Content-Type": "application/json"}, "Conflict"),
        (b'{"detail": "' + b"x" * 1000 + b'"}', PROBLEM, "x" * 300),
    ],
)
def test_a_reason_is_that_of_the_problem_document(
    content: bytes, headers: dict[str, str], reason: str
) -> None:
    assert reason_of(httpx.Response(409, headers=headers, content=content)) == reason


def test_the_next_page_is_read_from_the_link_and_may_be_relative() -> None:
    def answer(link: str) -> httpx.Response:
        request = httpx.Request("GET", "https://erp.example.org/api/suppliers?limit=2")
        return httpx.Response(200, headers={"Link": link}, request=request)

    first = '<https://erp.example.org/api/suppliers>; rel="first"'
    assert next_page(answer(f'{first}, </api/suppliers?cursor=2>; rel="next"')) == (
        "https://erp.example.org/api/suppliers?cursor=2"
    )
    assert next_page(answer(first)) is None
