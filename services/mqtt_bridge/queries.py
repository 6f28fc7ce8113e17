"""What the bridge answers: its connection, its rules, and what each took last."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from services.mqtt_bridge.messages import Answer, Arrived
from services.mqtt_bridge.rules import Rule, Rules
from shared import subjects
from shared.bus import Bus
from shared.commands import BridgeQuery, BridgeRule, BridgeState, LastMessage
from shared.database import Pool
from shared.errors import Failure


async def read_state(
    bus: Bus, pool: Pool, rules: Rules, broker: str, trouble: Failure | None, query: BridgeQuery
) -> BridgeState:
    """Raises `BusUnavailable`."""
    clients = query.scope.clients
    shown = [rule for rule in rules.rules if clients is None or rule.client in clients]
    counts = await _kept(bus)
    waiting, answers = await asyncio.gather(
        _waiting(bus, subjects.INGRESS, subjects.INGRESS_DURABLE),
        _waiting(bus, subjects.EGRESS, subjects.EGRESS_DURABLE),
    )
    return BridgeState(
        broker=broker,
        trouble=trouble,
        waiting=waiting,
        answers_waiting=answers,
        states_prefix=None if rules.states is None else rules.states.prefix,
        rules=await asyncio.gather(*(_rule(bus, pool, rule, counts) for rule in shown)),
    )


async def _kept(bus: Bus) -> dict[str, int]:
    """Subject in INGRESS -> messages."""
    info = await bus.js.stream_info(subjects.INGRESS, subjects_filter=subjects.ingress("*"))
    return info.state.subjects or {}


async def _waiting(bus: Bus, stream: str, durable: str) -> int:
    info = await bus.js.consumer_info(stream, durable)
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def _rule(bus: Bus, pool: Pool, rule: Rule, counts: dict[str, int]) -> BridgeRule:
    subject = subjects.ingress(rule.name)
    return BridgeRule(
        name=rule.name,
        topic=rule.topic,
        client=rule.client,
        principal=rule.principal,
        makes="document" if rule.upload is not None else "run" if rule.start is not None else "event",
        job=rule.start.job if rule.start is not None else None,
        event=rule.event.name if rule.event is not None else None,
        idempotency_field=rule.idempotency_field,
        window_minutes=rule.window_minutes,
        response_topic=rule.response_topic,
        kept=counts.get(subject, 0),
        last=await _last(bus, pool, subject) if counts.get(subject) else None,
    )


async def _last(bus: Bus, pool: Pool, subject: str) -> LastMessage | None:
    stored = await bus.read_last(subjects.INGRESS, subject)
    if stored is None:
        return None
    message = Arrived.model_validate_json(stored.data)
    answers: Sequence[str] = [
        row["answer"]
        for row in await pool.fetch(
            "select answer from received where topic = $1 and sequence = $2 and answer is not null",
            message.topic, stored.sequence,
        )
    ]  # fmt: skip
    run_id = next((Answer.model_validate_json(answer).run_id for answer in answers), None)
    return LastMessage(
        topic=message.topic,
        received_at=message.received_at,
        size=message.too_large or len(message.payload),
        run_id=None if run_id is None else UUID(run_id),
    )
