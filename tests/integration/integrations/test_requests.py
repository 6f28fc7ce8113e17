"""What a system outside answers to a request is not read without end."""

import pytest

from shared.clients.http import LARGEST, HttpSystem
from shared.errors import NotDone, TagwerkError
from shared.events import Call
from shared.runner.context import Calls
from shared.words import CallOutcome


@pytest.mark.parametrize(("method", "outcome"), [("GET", CallOutcome.FAILED), ("POST", CallOutcome.UNKNOWN)])
@pytest.mark.parametrize("path", ["/huge", "/gzip-bomb"])
async def test_an_answer_without_end_is_given_up(
    feed_url: str, method: str, outcome: CallOutcome, path: str
) -> None:
    calls: list[Call] = []
    async with HttpSystem("erp", Calls(calls.append)) as system:
        with pytest.raises(TagwerkError) as caught:
            await system.request("book", method, f"{feed_url}{path}", json={})
    failure = caught.value.failure
    assert (failure.code, failure.retryable) == ("external_answer_too_large", False)
    assert f"{LARGEST:,}" in failure.cause
    # It did answer, and what was asked for may be done.
    assert not isinstance(caught.value, NotDone)
    assert [(call.outcome, call.failure) for call in calls] == [(outcome, failure)]


async def test_a_packed_answer_is_read_as_what_it_holds(feed_url: str) -> None:
    async with HttpSystem("erp", Calls(lambda call: None)) as system:
        answer = await system.request("read", "GET", f"{feed_url}/packed")
    assert answer.json() == {"items": [1, 2]}
    assert answer.headers["ETag"] == '"7"'


async def test_of_a_refusal_the_reason_is_read_and_not_all_of_it(feed_url: str) -> None:
    async with HttpSystem("erp", Calls(lambda call: None)) as system:
        with pytest.raises(TagwerkError, match="it answered 422 the supplier is locked"):
            await system.request("book", "POST", f"{feed_url}/refused", json={})
        with pytest.raises(TagwerkError, match="it answered 404"):
            await system.request("book", "POST", f"{feed_url}/refused-at-length", json={})
