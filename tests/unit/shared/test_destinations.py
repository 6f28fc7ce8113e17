"""Where a process may connect to."""

import pytest

from shared.clients.destinations import DestinationNotAllowed, Destinations
from shared.errors import NotDone, TagwerkError

LIST = Destinations.read("api.example.com, *.Example.org:443,192.0.2.7 , [2001:db8::1]:22")


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("api.example.com", 443),
        ("API.example.com.", 8443),
        ("a.example.org", 443),
        ("a.b.example.org", 443),
        ("192.0.2.7", 22),
        ("2001:db8::1", 22),
    ],
)
def test_what_is_on_the_list_is_admitted(host: str, port: int) -> None:
    LIST.admit("bank", host, port)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("example.com", 443),
        ("api.example.com.evil.test", 443),
        ("evilapi.example.com", 443),
        # Names below it, not itself, nor one that only ends like it; on this port only.
        ("example.org", 443),
        ("evilexample.org", 443),
        ("a.example.org", 80),
        # Another way to write 192.0.2.7: the list is of names, so it is refused.
        ("3221225991", 80),
        ("169.254.169.254", 80),
        ("2001:db8::1", 23),
    ],
)
def test_all_else_is_refused_before_anything_is_sent(host: str, port: int) -> None:
    with pytest.raises(DestinationNotAllowed) as raised:
        LIST.admit("bank", host, port)
    failure = raised.value.failure
    assert isinstance(raised.value, NotDone)
    assert (failure.code, failure.concern, failure.retryable) == ("destination_not_allowed", "bank", False)
    assert f"{host}:{port}" in failure.cause
    assert "TAGWERK_DESTINATIONS" in failure.next_step


@pytest.mark.parametrize(
    "written", ["https://api.example.com", "a b", "*", "*.", "host:0", "host:65536", "host:port", "a.*.com"]
)
def test_a_list_that_cannot_be_meant_is_refused_with_the_entry(written: str) -> None:
    with pytest.raises(TagwerkError) as raised:
        Destinations.read(f"ok.example.com, {written}")
    assert raised.value.failure.code == "destinations_invalid"
    assert written in raised.value.failure.cause


def test_an_empty_list_admits_nothing() -> None:
    with pytest.raises(DestinationNotAllowed):
        Destinations.read("").admit("bank", "localhost", 80)
