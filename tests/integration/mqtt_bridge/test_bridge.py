"""The bridge between real brokers and a real bus."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import subjects
from shared.commands import BridgeQuery, BridgeState, Scope
from shared.events import Finished, Requested
from shared.ids import new_id
from shared.metrics.registry import REGISTRY
from shared.subjects import RunSubjects
from shared.words import RunState, Trigger
from tests.integration.mqtt_bridge.conftest import BROKERS, Device, Site, until
from tests.support.spans import Spans, recording, trace_of

PDF = Path(__file__).parents[3] / "samples" / "contract-mixed.pdf"
ANSWERS = "tagwerk/answers/main"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


def handled(rule: str) -> Counter[str]:
    """Outcomes of the rule's messages, as this process has counted them so far."""
    told = {
        outcome: REGISTRY.get_sample_value("tagwerk_mqtt_messages_total", {"rule": rule, "outcome": outcome})
        for outcome in ("accepted", "duplicate", "refused")
    }
    return Counter({outcome: int(value or 0) for outcome, value in told.items()})


@pytest.mark.parametrize("kind", BROKERS, indirect=True)
async def test_a_message_starts_a_job_once_and_its_run_is_told(site: Site, device: Device) -> None:
    # The broker keeps what is retained for longer than this test.
    id = f"R-{new_id()}"
    counted = handled("records")
    await device.subscribe(f"{ANSWERS}/records")
    await device.subscribe("tagwerk/out/main/#")
    await site.start()
    await device.send("tagwerk/in/main/records", {"id": id, "count": 3})
    answer = await device.answer(f"{ANSWERS}/records")
    assert answer["ok"]
    assert answer["correlation"] == id
    (requested,) = await site.stored(subjects.RUNS, "run.lab.records.>", 1)
    assert requested["run_id"] == answer["run_id"]
    assert requested["trigger"] == Trigger.MQTT
    assert requested["parameters"] == {"count": 3}
    assert requested["idempotency_key"] == f'mqtt:tagwerk/in/main/records:"{id}"'
    assert (requested["principal"], requested["client"]) == ("device", "main")

    # What the page shows of it.
    state = await site.bus.ask(subjects.query("mqtt_bridge", "state"), BridgeQuery(), BridgeState, timeout=5)
    assert (state.trouble, state.waiting) == (None, 0)
    rule = state.rules[0]
    assert (rule.name, rule.makes, rule.job, rule.kept) == ("records", "run", "lab.records", 1)
    assert rule.last is not None
    assert (str(rule.last.run_id), rule.last.topic) == (answer["run_id"], "tagwerk/in/main/records")
    assert [rule.last for rule in state.rules[1:]] == [None, None, None]
    others = BridgeQuery(scope=Scope(clients=frozenset({"other"})))
    state = await site.bus.ask(subjects.query("mqtt_bridge", "state"), others, BridgeState, timeout=5)
    assert [rule.client for rule in state.rules] == ["other"]

    # The same message again is the same run, and told so.
    await device.send("tagwerk/in/main/records", {"id": id, "count": 3})
    again = await device.answer(f"{ANSWERS}/records", 2)
    assert again["run_id"] == answer["run_id"]
    assert again["duplicate"]
    # Another payload under the same id is a mistake.
    await device.send("tagwerk/in/main/records", {"id": id, "count": 4})
    refused = await device.answer(f"{ANSWERS}/records", 3)
    assert refused["failure"]["code"] == "idempotency_conflict"
    assert await site.count(subjects.RUNS, "run.lab.records.>") == 1
    # Of several that are in hand at once, one is new.
    for _ in range(5):
        await device.send("tagwerk/in/main/records", {"id": f"{id}-2", "count": 3})
    answers = [await device.answer(f"{ANSWERS}/records", number) for number in range(4, 9)]
    assert sorted(one["duplicate"] for one in answers) == [False, True, True, True, True]
    assert len({one["run_id"] for one in answers}) == 1
    assert handled("records") - counted == Counter(accepted=2, duplicate=5, refused=1)

    # Its states go out, retained.
    run = f"tagwerk/out/main/lab/records/runs/{answer['run_id']}"
    assert (await device.answer(run))["state"] == "queued"
    request = Requested.model_validate(requested)
    finished = Finished(run_id=request.run_id, attempt=1, state=RunState.SUCCEEDED)
    await site.bus.publish(RunSubjects("lab.records", request.run_id).ev, finished.encode())
    assert (await device.answer(run, 2))["state"] == "succeeded"
    last = "tagwerk/out/main/lab/records/last"
    await until(lambda: device.on(run)[1].payload in [one.payload for one in device.on(last)], "told as last")


@pytest.mark.parametrize("kind", BROKERS, indirect=True)
async def test_what_is_refused_is_answered_kept_and_audited(site: Site, device: Device) -> None:
    await device.subscribe(f"{ANSWERS}/+")
    await site.start(mqtt_payload_limit=1000)
    for payload, code in (
        ({"id": 1, "count": "many"}, "parameters_invalid"),
        ({"count": 1}, "payload_invalid"),
        (b"\xff\x00", "payload_invalid"),
        (b"x" * 1001, "payload_too_large"),
    ):
        before = len(device.on(f"{ANSWERS}/records"))
        await device.send("tagwerk/in/main/records", payload)
        answer = await device.answer(f"{ANSWERS}/records", before + 1)
        assert not answer["ok"]
        assert answer["failure"]["code"] == code
        assert answer["failure"]["next_step"]
    await device.send("tagwerk/in/main/foreign", {"a": 1})
    assert (await device.answer(f"{ANSWERS}/foreign"))["failure"]["code"] == "access_refused"
    dead = await site.stored(subjects.DEAD, "dead.mqtt-ingress", 5)
    assert [letter["reason"]["code"] for letter in dead] == [
        "parameters_invalid", "payload_invalid", "payload_invalid", "payload_too_large", "access_refused",
    ]  # fmt: skip
    (refusal,) = await site.stored(subjects.AUDIT, "audit.access_refused", 1)
    assert (refusal["principal"], refusal["client"]) == ("device", "other")
    assert await site.count(subjects.RUNS, "run.>") == 0
    assert await site.count(subjects.EVENTS, "event.>") == 0


async def test_documents_and_events_come_in_once(site: Site, device: Device, spans: Spans) -> None:
    await device.subscribe(f"{ANSWERS}/+")
    await site.start()
    pdf = PDF.read_bytes()
    for number, duplicate in ((1, False), (2, True)):
        await device.send("tagwerk/in/main/scans/letter.pdf", pdf)
        answer = await device.answer(f"{ANSWERS}/scans", number)
        assert answer["ok"], answer
        assert answer["duplicate"] is duplicate
    (uploaded,) = await site.stored(subjects.EVENTS, "event.document.uploaded", 1)
    assert (uploaded["file_name"], uploaded["principal"]) == ("letter.pdf", "device")
    assert uploaded["document_id"] == answer["document_id"]

    for number, duplicate in ((1, False), (2, True)):
        await device.send("tagwerk/in/main/goods", {"delivery": "L-77"})
        answer = await device.answer(f"{ANSWERS}/goods", number)
        assert answer["duplicate"] is duplicate
    await device.send("tagwerk/in/main/goods", {"delivery": "L-78"})
    assert not (await device.answer(f"{ANSWERS}/goods", 3))["duplicate"]
    told = await site.stored(subjects.EVENTS, "event.message.received", 2)
    assert [event["data"]["delivery"] for event in told] == ["L-77", "L-78"]
    assert told[0]["name"] == "goods-received"

    # Each message begins a trace, to which what it leads to belongs; its topic is said as the rule has it.
    await spans.until(lambda: len(spans.named("process mqtt message")) == 5)
    messages = spans.named("process mqtt message")
    templates = [(span.attributes or {})["messaging.destination.template"] for span in messages]
    assert templates == ["tagwerk/in/main/scans/+"] * 2 + ["tagwerk/in/main/goods"] * 3
    assert len({trace_of(span) for span in messages}) == 5
    assert not any(span.parent for span in messages)
    assert uploaded["traceparent"].split("-")[1] == trace_of(messages[0])
    assert [event["traceparent"].split("-")[1] for event in told] == [
        trace_of(messages[2]), trace_of(messages[4])
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["mosquitto-5"], indirect=True)
async def test_with_mqtt_5_a_message_says_where_its_answer_goes(site: Site, device: Device) -> None:
    await device.subscribe(f"{ANSWERS}/#")
    await site.start()
    mine, elsewhere = f"{ANSWERS}/for/me", "tagwerk/out/main/forged"
    await device.send(
        "tagwerk/in/main/records", {"id": 1, "count": 1}, answer_to=mine, correlation=b"\x00\xff"
    )
    assert (await device.answer(mine))["ok"]
    assert device.on(mine)[0].properties.CorrelationData == b"\x00\xff"  # type: ignore[union-attr]
    await device.send(
        "tagwerk/in/main/records", {"id": 2, "count": 1}, answer_to=elsewhere, correlation=b"two"
    )
    assert (await device.answer(f"{ANSWERS}/records"))["correlation"] == 2
    assert device.on(f"{ANSWERS}/records")[0].properties.CorrelationData == b"two"  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", BROKERS, indirect=True)
async def test_what_is_sent_while_the_bridge_is_away_waits_at_the_broker(site: Site, device: Device) -> None:
    await site.start()
    await device.send("tagwerk/in/main/records", {"id": "first", "count": 1})
    await site.stored(subjects.RUNS, "run.lab.records.>", 1)
    await site.stop()
    for number in range(20):
        await device.send("tagwerk/in/main/records", {"id": number, "count": 1})
    assert await site.count(subjects.INGRESS, "ingress.mqtt.>") == 1
    await site.start()
    stored = await site.stored(subjects.RUNS, "run.lab.records.>", 21)
    assert len({run["run_id"] for run in stored}) == 21
