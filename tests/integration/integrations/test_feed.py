"""A source that is a process of its own and answers as the world does."""

from collections.abc import Callable

import pytest
from obstore.store import MemoryStore

from deploy.local.ports import free_port
from services.integrations.rates.feed import AREA, Addresses, HttpFeed
from shared.errors import TagwerkError
from shared.events import Call
from shared.files import Files
from shared.incoming import Incoming
from shared.runner.context import Calls
from shared.words import CallOutcome, RateSource
from tests.support.rates_files import FIRST_DAY, XXE, bazg_file, ecb_history

MakeFeed = Callable[..., HttpFeed]


@pytest.fixture
def calls() -> list[Call]:
    return []


@pytest.fixture
def files() -> Files:
    return Files(MemoryStore(), "acme")


@pytest.fixture
def feed_at(feed_url: str, calls: list[Call], files: Files) -> MakeFeed:
    def make(path: str, *, at_most: int = 1_000_000, within: float = 5.0) -> HttpFeed:
        url = path if "://" in path else feed_url + path
        return HttpFeed(
            Calls(calls.append), Addresses(url, f"{feed_url}/ecb-history", url), Incoming(files, AREA),
            at_most=at_most, within=within,
        )  # fmt: skip

    return make


async def test_the_newest_rates_and_the_call_that_brought_them(feed_at: MakeFeed, calls: list[Call]) -> None:
    publication = await feed_at("/ecb").fetch(RateSource.ECB, None)
    assert {entry.currency for entry in publication.entries} == {"USD", "CHF"}
    (call,) = calls
    assert (call.system, call.operation, call.outcome) == ("ecb", "fetch rates", CallOutcome.SUCCEEDED)
    assert call.detail == "200"


async def test_with_a_day_the_history_of_the_ecb_is_asked(feed_at: MakeFeed) -> None:
    publication = await feed_at("/404").fetch(RateSource.ECB, FIRST_DAY)
    assert len({entry.day for entry in publication.entries}) == 90


@pytest.mark.parametrize(
    ("path", "code", "retryable"),
    [
        ("/500", "external_system_unavailable", True),
        ("/429", "external_system_unavailable", True),
        ("/slow", "external_system_unavailable", True),
        ("/drip", "external_system_unavailable", True),
        ("/cut", "external_system_unavailable", True),
        ("/401", "credentials_rejected", False),
        ("/404", "external_system_refused", False),
        ("/moved", "external_system_moved", False),
        ("/huge", "external_answer_too_large", False),
        ("/gzip-bomb", "external_answer_too_large", False),
        ("ftp://127.0.0.1/rates", "external_address_invalid", False),
        ("http://127.0.0.1:port/rates", "external_address_invalid", False),
    ],
)
async def test_a_call_that_fails_is_recorded_with_its_reason(
    feed_at: MakeFeed, calls: list[Call], path: str, code: str, retryable: bool
) -> None:
    with pytest.raises(TagwerkError) as caught:
        await feed_at(path, within=1.0).fetch(RateSource.ECB, None)
    failure = caught.value.failure
    assert (failure.code, failure.retryable, failure.concern) == (code, retryable, "ecb")
    # Reading is not doing: nothing is in doubt, and what may get better is tried again while there is time.
    assert {call.outcome for call in calls} == {CallOutcome.FAILED}
    assert calls[-1].failure == failure
    assert len(calls) == 1 or retryable


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("127.0.0.1", "no connection: 127.0.0.1 refuses it"),
        ("nobody.invalid", "no connection: the name nobody.invalid is not known here"),
    ],
)
async def test_a_source_that_nobody_plays_is_not_reached(
    feed_at: MakeFeed, calls: list[Call], host: str, why: str
) -> None:
    with pytest.raises(TagwerkError) as caught:
        await feed_at(f"http://{host}:{free_port()}/").fetch(RateSource.ECB, None)
    assert caught.value.failure.retryable
    assert caught.value.failure.cause == why
    assert [call.detail for call in calls] == ["no connection"] * 3


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/broken", "rates_malformed"),
        ("/html", "rates_malformed"),
        ("/xxe", "rates_xml_unsafe"),
        ("/laughs", "rates_xml_unsafe"),
        ("/bazg", "rates_source_mismatch"),
    ],
)
async def test_an_answer_that_is_no_file_of_rates_is_refused_though_the_call_succeeded(
    feed_at: MakeFeed, calls: list[Call], path: str, code: str
) -> None:
    with pytest.raises(TagwerkError) as caught:
        await feed_at(path).fetch(RateSource.ECB, None)
    assert (caught.value.failure.code, caught.value.failure.retryable) == (code, False)
    assert calls[0].outcome is CallOutcome.SUCCEEDED


async def test_a_file_of_the_inbox_is_read_by_its_content(
    feed_at: MakeFeed, files: Files, calls: list[Call]
) -> None:
    await files.put(f"inbox/{AREA}/rates.xml", bazg_file("04.06.2026", [("100 EGP", "1.66619")]))
    publication = await feed_at("/500").read_file("rates.xml", None)
    assert publication.source is RateSource.BAZG
    assert calls == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "file_missing"),
        (ecb_history(90), "file_too_large"),
        (ecb_history(1), "rates_source_mismatch"),
        (XXE, "rates_xml_unsafe"),
        (b"no xml", "rates_malformed"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_with_its_name(
    feed_at: MakeFeed, files: Files, content: bytes | None, code: str
) -> None:
    if content is not None:
        await files.put(f"inbox/{AREA}/rates.xml", content)
    with pytest.raises(TagwerkError) as caught:
        await feed_at("/500", at_most=20_000).read_file("rates.xml", RateSource.BAZG)
    assert caught.value.failure.code == code
    assert "rates.xml" in (caught.value.failure.concern or "")
