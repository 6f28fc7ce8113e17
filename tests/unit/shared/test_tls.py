"""What may be reached without TLS, and what not."""

import pytest

from shared.errors import TagwerkError
from shared.tls import hosts, refuse_plain_bus, refuse_plain_database, refuse_plain_listener

ALLOWED = hosts("postgres, NATS,0.0.0.0")


@pytest.mark.parametrize(
    "url",
    [
        "nats://127.0.0.1:4222",
        "nats://user:p@localhost:4222",
        "nats://[::1]:4222",
        "tls://nats.example:4222",
        "tls://a.example:4222,tls://b.example:4222",
        "nats://user:p@nats:4222",
    ],
)
def test_a_bus_on_this_machine_or_over_tls_is_reached(url: str) -> None:
    refuse_plain_bus(url, ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        "nats://nats.example:4222",
        "nats://user:p@10.0.0.7:4222",
        "tls://a.example:4222,nats://b.example:4222",
        "nats://127.0.0.1.example:4222",
        "ws://nats.example",
        "nats.example:4222",
        "",
    ],
)
def test_a_bus_over_a_network_is_not_reached_without_tls(url: str) -> None:
    with pytest.raises(TagwerkError) as failed:
        refuse_plain_bus(url, ALLOWED)
    assert failed.value.failure.code == "plaintext_refused"
    assert failed.value.failure.concern == "TAGWERK_NATS_URL"
    assert "user:p" not in str(failed.value.failure)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1:5432/tagwerk",
        "postgresql://u:p@[::1]:5432/tagwerk?sslmode=disable",
        "postgresql:///tagwerk?host=/run/postgresql",
        "postgresql://u:p@%2Frun%2Fpostgresql/tagwerk",
        "postgresql://u:p@db.example/tagwerk?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql://u:p@db.example/tagwerk?sslmode=verify-ca",
        "postgresql://u:p@postgres/tagwerk?sslmode=disable",
    ],
)
def test_a_database_on_this_machine_or_that_proves_who_it_is_is_reached(url: str) -> None:
    refuse_plain_database(url, ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.example/tagwerk",
        "postgresql://u:p@db.example/tagwerk?sslmode=disable",
        "postgresql://u:p@db.example/tagwerk?sslmode=prefer",
        # Encrypted, to whoever answers.
        "postgresql://u:p@db.example/tagwerk?sslmode=require",
        "postgresql://u:p@127.0.0.1,db.example:5433/tagwerk",
        "postgresql:///tagwerk?host=db.example",
        "postgresql://u:p@[2001:db8::1]:5432/tagwerk",
        # Whom the library's own environment would name.
        "postgresql:///tagwerk",
    ],
)
def test_a_database_over_a_network_is_not_reached_without_verified_tls(url: str) -> None:
    with pytest.raises(TagwerkError) as failed:
        refuse_plain_database(url, ALLOWED)
    assert failed.value.failure.code == "plaintext_refused"
    assert "u:p" not in str(failed.value.failure)


def test_a_gateway_that_a_network_can_reach_has_a_certificate_or_the_word_of_somebody() -> None:
    refuse_plain_listener("127.0.0.1", hosts(None))
    refuse_plain_listener("0.0.0.0", ALLOWED)
    with pytest.raises(TagwerkError, match="TAGWERK_HTTP_HOST"):
        refuse_plain_listener("0.0.0.0", hosts("nats"))
