"""What is sent compressed, and that its length tells nothing that a reader could put to the test."""

import gzip

import pytest
from fastapi import Request, Response

from services.gateway import compression
from services.gateway.identity.core import csrf_token, is_csrf_token

PAGE = b"<p>A page that says the same again and again.</p>" * 100


def request(accept: str | None) -> Request:
    headers = [] if accept is None else [(b"accept-encoding", accept.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("accept", ["gzip", "br, GZIP;q=0.5", "deflate , gzip ;q=1.0"])
def test_a_page_is_compressed_for_who_reads_that(accept: str) -> None:
    answer = compression.compressed(Response(PAGE), request(accept))
    assert gzip.decompress(bytes(answer.body)) == PAGE
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert len(answer.body) < len(PAGE) / 10


@pytest.mark.parametrize("accept", [None, "", "br", "gzip;q=0", "gzip; q=0.00", "x-gzip"])
def test_for_others_it_stays_as_it_is(accept: str | None) -> None:
    answer = compression.compressed(Response(PAGE), request(accept))
    assert answer.body == PAGE
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


def test_what_goes_into_one_packet_stays_as_it_is() -> None:
    small = PAGE[: compression.SMALLEST - 1]
    assert compression.compressed(Response(small), request("gzip")).body == small


def test_the_length_is_blurred(monkeypatch: pytest.MonkeyPatch) -> None:
    def length(drawn: int) -> int:
        monkeypatch.setattr("secrets.randbelow", lambda limit: min(drawn, limit - 1))
        answer = compression.compressed(Response(PAGE), request("gzip"))
        assert gzip.decompress(bytes(answer.body)) == PAGE
        return len(answer.body)

    assert length(1000) - length(0) == compression.BLUR - 1


def test_the_token_of_a_form_is_another_one_each_time_and_belongs_to_its_session() -> None:
    one, other = csrf_token("secret"), csrf_token("secret")
    assert one != other
    assert is_csrf_token(one, "secret")
    assert is_csrf_token(other, "secret")
    assert not is_csrf_token(one, "another")


@pytest.mark.parametrize("sent", ["", "x", "é", "=" * 90, "A" * 86, "A" * 43, "A" * 200, "a b\n" * 20])
def test_nonsense_is_no_token(sent: str) -> None:
    assert not is_csrf_token(sent, "secret")
    assert not is_csrf_token(csrf_token("secret") + "AAAA", "secret")
    assert not is_csrf_token(csrf_token("secret")[:-4], "secret")
