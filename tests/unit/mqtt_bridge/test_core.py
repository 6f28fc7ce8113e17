from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mqtt_bridge import core
from services.mqtt_bridge.messages import Arrived, payload_fields
from services.mqtt_bridge.rules import Rule, Rules
from shared.errors import TagwerkError

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rule(**changes: Any) -> Rule:
    values = {
        "name": "rates",
        "topic": "in/main/+",
        "client": "main",
        "principal": "mqtt-bank",
        "start": {"job": "a.b", "parameters": {"fixed": 1}, "fields": {"since": "order.since"}},
        "idempotency_field": "id",
    }
    return Rule.model_validate({**values, **changes})


def arrived(payload: bytes, topic: str = "in/main/rates", **fields: Any) -> Arrived:
    return Arrived(topic=topic, received_at=AT, **payload_fields(payload), **fields)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_a_kept_message_is_the_payload_that_came(payload: bytes) -> None:
    assert Arrived.model_validate_json(arrived(payload).encode()).payload == payload


@given(st.binary(max_size=60))
def test_no_payload_breaks_anything_but_by_its_refusal(payload: bytes) -> None:
    message = arrived(payload)
    for ask in (
        lambda: core.identity_of(rule(), message),
        lambda: core.parameters_of(rule(), payload),
    ):
        try:
            ask()
        except TagwerkError as error:
            assert error.failure.code == "payload_invalid"  # noqa: PT017  (which payloads pass is chance)
    answer = core.answering(rule(response_topic="out/a", correlation_field="id"), message)
    assert answer is not None
    assert answer.topic == "out/a"


@given(st.text(min_size=1, max_size=50) | st.integers(), st.binary(max_size=20))
def test_the_field_alone_tells_messages_apart(id: str | int, rest: bytes) -> None:
    one = core.identity_of(rule(), arrived(orjson.dumps({"id": str(id)})))
    other = core.identity_of(rule(), arrived(orjson.dumps({"id": str(id), "more": rest.hex()})))
    assert one.key(1) == other.key(2)
    elsewhere = core.identity_of(rule(), arrived(orjson.dumps({"id": str(id)}), "in/main/other"))
    assert elsewhere.key(1) != one.key(1)


def test_without_a_field_the_payload_counts_with_the_first_of_the_same() -> None:
    by_payload = rule(idempotency_field=None, window_minutes=5)
    one, same = (core.identity_of(by_payload, arrived(b"x")) for _ in range(2))
    other = core.identity_of(by_payload, arrived(b"y"))
    assert one.key(7) == same.key(7)
    assert one.key(7) != one.key(8)
    assert other.key(7) != one.key(7)
    assert one.window == timedelta(minutes=5)


def test_a_number_is_not_the_text_of_it() -> None:
    assert core.identity_of(rule(), arrived(b'{"id": 1}')).key(1) != core.identity_of(
        rule(), arrived(b'{"id": "1"}')
    ).key(1)


@pytest.mark.parametrize("payload", [b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": true}', b'{"id": [1]}'])
def test_a_message_that_does_not_tell_its_id_is_refused(payload: bytes) -> None:
    with pytest.raises(TagwerkError) as refused:
        core.identity_of(rule(), arrived(payload))
    assert refused.value.failure.code == "payload_invalid"


def test_parameters_come_from_rule_and_payload() -> None:
    assert core.parameters_of(rule(), b'{"order": {"since": "2026-01-01"}}') == {
        "fixed": 1,
        "since": "2026-01-01",
    }
    assert core.parameters_of(rule(), b'{"order": 5}') == {"fixed": 1}


def test_the_first_rule_that_fits_is_taken() -> None:
    rules = Rules(rules=(rule(topic="in/main/special", name="special"), rule()))
    assert core.rule_for(rules, "in/main/special").name == "special"
    assert core.rule_for(rules, "in/main/rates").name == "rates"
    with pytest.raises(TagwerkError) as refused:
        core.rule_for(rules, "in/other")
    assert refused.value.failure.code == "no_rule"


@pytest.mark.parametrize(
    ("own", "goes_to"),
    [
        ("out/main/x", "out/main/x"),
        ("out/main", "out/main"),
        ("out/mainly", "out/rule"),
        ("in/main/rates", "out/rule"),
        ("out/main/#", "out/rule"),
        (None, "out/rule"),
    ],
)
def test_a_message_chooses_where_its_answer_goes_only_below_the_prefix(own: str | None, goes_to: str) -> None:
    asking = rule(response_topic="out/rule", response_prefix="out/main", correlation_field="id")
    answer = core.answering(asking, arrived(b'{"id": 5}', response_topic=own, correlation_hex="00ff"))
    assert answer == core.Answering(goes_to, b"\x00\xff", 5)
    assert core.answering(rule(), arrived(b"{}", response_topic=own)) is None


def test_an_upload_is_called_as_the_rule_or_the_topic_says() -> None:
    upload = {"start": None, "idempotency_field": None}
    assert core.file_name_of(rule(**upload, upload={}), "in/main/scan.pdf") == "scan.pdf"
    assert core.file_name_of(rule(**upload, upload={"file_name": "a.pdf"}), "in/main/x") == "a.pdf"
