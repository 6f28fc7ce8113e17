"""INGRESS in: a message becomes a document, a run or an event, and is answered.

A kill at any moment is answered by the redelivery: an upload is known by its content, a run by its id, an
event by the row of its message, an answer by the sequence of the message in INGRESS.
"""

import tempfile
from pathlib import Path

from pydantic import ValidationError

from services.mqtt_bridge import core
from services.mqtt_bridge.batches import Batches
from services.mqtt_bridge.messages import Answer, Arrived, Leaving
from services.mqtt_bridge.rules import Rule, Rules
from services.mqtt_bridge.store import Received
from services.mqtt_bridge.tracing import taking
from shared import subjects
from shared.access import ADMINISTRATOR, Access, Action, Principal, Verdict, decide_access
from shared.audit import AuditEntry, audit
from shared.buckets import Bucket
from shared.bus import Bus, Message
from shared.dead_letters import bury
from shared.errors import Failure, TagwerkError, failure_of
from shared.events import MessageReceived, Requested
from shared.ids import derived_id, run_id_of
from shared.intake import Arrival, Intake
from shared.jobs import CatalogueEntry
from shared.metrics.definitions import MQTT_MESSAGES
from shared.parameters import references, wrong_parameters
from shared.pull import Delivery
from shared.requests import effective_principal, request_run
from shared.telemetry.messages import creating
from shared.words import Level, Trigger

#: Deliveries after which a message that is stumbled over, nobody knows why, goes to the dead letters.
DELIVERIES_ALLOWED = 8

#: What bringing in a document or an event asks for: to act for the client.
_BRINGING = Access(module="documents", level=Level.GENERAL, roles=frozenset({ADMINISTRATOR}))


class AccessRefused(TagwerkError):
    """The rule's principal may not do it; told in the audit log."""

    def __init__(self, rule: Rule, concern: str, reason: str) -> None:
        super().__init__(
            "access_refused",
            reason,
            concern=concern,
            next_step=f"Give {rule.principal} what is missing, or the rule {rule.name} another principal;"
            " then replay this dead letter.",
        )


class Messages:
    """The durable on INGRESS."""

    def __init__(
        self,
        rules: Rules,
        bus: Bus,
        received: Received,
        intake: Intake,
        principals: Bucket[Principal],
        jobs: Bucket[CatalogueEntry],
        payload_limit: int,
    ) -> None:
        self._rules = rules
        self._bus = bus
        self._events = Batches(bus.publish_together, identity=lambda one: one.msg_id)
        self._received = received
        self._intake = intake
        self._principals = principals
        self._jobs = jobs
        self._payload_limit = payload_limit

    async def handle(self, delivery: Delivery) -> None:
        """One message. What is refused is kept as a dead letter, answered and audited."""
        try:
            message = Arrived.model_validate_json(delivery.data)
        except ValidationError as error:
            await self._bury(delivery, _undecodable(delivery, error))
            await delivery.term()
            return
        rule = None
        try:
            rule = core.rule_for(self._rules, message.topic)
            with taking(rule, message):
                answer = await self._obey(rule, message, delivery.sequence)
        except Exception as error:
            failure = failure_of(error)
            # What can succeed by itself waits for as long as it takes: an outage loses no message.
            if failure.retryable:
                raise
            if not isinstance(error, TagwerkError) and delivery.delivered < DELIVERIES_ALLOWED:
                raise
            await self._bury(delivery, failure)
            MQTT_MESSAGES.labels("none" if rule is None else rule.name, "refused").inc()
            if rule is not None:
                if isinstance(error, AccessRefused):
                    await self._audit(rule, message, failure, delivery.sequence)
                await self._answer(rule, message, _refused(rule, failure), delivery.sequence)
            await delivery.term()
            return
        await self._answer(rule, message, answer, delivery.sequence)
        await delivery.ack()
        MQTT_MESSAGES.labels(rule.name, "duplicate" if answer.duplicate else "accepted").inc()

    async def _obey(self, rule: Rule, message: Arrived, sequence: int) -> Answer:
        if message.too_large is not None:
            raise _too_large(message, message.too_large, self._payload_limit)
        if rule.upload is not None:
            return await self._upload(rule, message)
        if rule.start is not None:
            return await self._start(rule, message, sequence)
        return await self._tell(rule, message, sequence)

    async def _upload(self, rule: Rule, message: Arrived) -> Answer:
        await self._check(rule, _BRINGING, Action.SEE, "upload")
        name = core.file_name_of(rule, message.topic)
        with tempfile.TemporaryDirectory(prefix="tagwerk-mqtt-") as folder:
            path = Path(folder) / "payload"
            path.write_bytes(message.payload)
            accepted = await self._intake.accept(
                Arrival(
                    client=rule.client,
                    principal=rule.principal,
                    file_name=name,
                    path=path,
                    interactive=False,
                )
            )
        return Answer(
            ok=True,
            rule=rule.name,
            document_id=str(accepted.event.document_id),
            duplicate=accepted.duplicate,
        )

    async def _start(self, rule: Rule, message: Arrived, sequence: int) -> Answer:
        start = rule.start
        assert start is not None, "asked for by the caller"
        entry = await self._entry(start.job)
        await self._check(rule, entry.access, Action.START, entry.id)
        if entry.asks_confirmation and not (start.confirm == entry.id and (start.reason or "").strip()):
            raise TagwerkError(
                "confirmation_required",
                f"{entry.title} is dangerous or risky to repeat: {entry.repeat}",
                concern=entry.id,
                next_step=f"Write `confirm` = {entry.id} and a `reason` into the rule {rule.name}, if you are"
                " sure; then replay this dead letter.",
            )
        parameters = core.parameters_of(rule, message.payload)
        if wrong := wrong_parameters(entry.parameters, parameters):
            raise TagwerkError(
                "parameters_invalid",
                "; ".join(f"{one.field}: {one.message}" for one in wrong),
                concern=entry.id,
                next_step=f"Correct what the sender publishes, or the rule {rule.name}.",
            )
        identity = core.identity_of(rule, message)
        claimed = await self._received.claim(identity, sequence, message.received_at)
        if claimed.answer is not None:
            return claimed.answer.model_copy(update={"duplicate": True})
        key = identity.key(claimed.first)
        request = Requested(
            run_id=run_id_of(rule.client, rule.principal, entry.id, key),
            job=entry.id,
            client=rule.client,
            principal=rule.principal,
            effective_principal=effective_principal(entry, rule.principal),
            trigger=Trigger.MQTT,
            parameters=parameters,
            idempotency_key=key,
            about=references(entry.parameters, parameters),
            reason=start.reason,
        )
        await request_run(self._bus, request, entry.lane_for(start.lane))
        answer = Answer(ok=True, rule=rule.name, job=entry.id, run_id=str(request.run_id))
        await self._received.remember_answer(identity, claimed.first, answer)
        # Of two that are in hand at once, either may have asked for the run; the first of them is the one.
        return answer.model_copy(update={"duplicate": claimed.first != sequence})

    async def _tell(self, rule: Rule, message: Arrived, sequence: int) -> Answer:
        event = rule.event
        assert event is not None, "asked for by the caller"
        await self._check(rule, _BRINGING, Action.SEE, "event.message.received")
        identity = core.identity_of(rule, message)
        data = core.data_of(rule, message.payload)
        claimed = await self._received.claim(identity, sequence, message.received_at)
        if claimed.answer is not None:
            return claimed.answer.model_copy(update={"duplicate": True})
        told = MessageReceived(
            id=derived_id("event.message.received", rule.client, identity.key(claimed.first)),
            client=rule.client,
            principal=rule.principal,
            interactive=False,
            name=event.name,
            topic=message.topic,
            data=data,
        )
        # Killed right after, it is told again under the same id, by which all who listen know it.
        with creating(told.type, told) as traceparent:
            told = told.model_copy(update={"traceparent": traceparent})
            await self._events(Message(told.type, told.encode(), msg_id=str(told.id)))
        answer = Answer(ok=True, rule=rule.name, event_id=str(told.id))
        await self._received.remember_answer(identity, claimed.first, answer)
        return answer.model_copy(update={"duplicate": claimed.first != sequence})

    async def _entry(self, job: str) -> CatalogueEntry:
        entry = await self._jobs.get(job)
        if entry is None:
            await self._jobs.refresh()
            entry = await self._jobs.get(job)
        if entry is None or entry.retired:
            raise core.job_missing(job, retired=entry is not None, known=list(await self._jobs.all()))
        return entry

    async def _check(self, rule: Rule, access: Access, action: Action, concern: str) -> None:
        reason = await self._refusal(rule, access, action)
        if reason is not None:
            # The view may be a second old: younger than the principal, or than what they may do.
            await self._principals.refresh()
            reason = await self._refusal(rule, access, action)
        if reason is not None:
            raise AccessRefused(rule, concern, reason)

    async def _refusal(self, rule: Rule, access: Access, action: Action) -> str | None:
        principal = await self._principals.get(rule.principal)
        if principal is None:
            return f"the principal {rule.principal} is not known"
        decision = decide_access(principal, access, action, rule.client)
        return None if decision.verdict is Verdict.ALLOWED else decision.reason

    async def _answer(self, rule: Rule, message: Arrived, answer: Answer, sequence: int) -> None:
        where = core.answering(rule, message)
        if where is None:
            return
        told = answer.model_copy(update={"correlation": core.simple(where.correlation)})
        leaving = Leaving.of(where.topic, told, where.correlation_data)
        await self._bus.publish(subjects.egress(rule.name), leaving.encode(), msg_id=f"answer:{sequence}")

    async def _bury(self, delivery: Delivery, failure: Failure) -> None:
        await bury(
            self._bus,
            durable=delivery.durable,
            stream=subjects.INGRESS,
            subject=delivery.subject,
            sequence=delivery.sequence,
            data=delivery.data,
            reason=failure,
        )

    async def _audit(self, rule: Rule, message: Arrived, failure: Failure, sequence: int) -> None:
        entry = AuditEntry(
            id=derived_id("mqtt.access_refused", str(sequence), message.received_at.isoformat()),
            action="access_refused",
            principal=rule.principal,
            concern=failure.concern or rule.name,
            client=rule.client,
            reason=failure.cause,
        )
        await audit(self._bus, entry)


def _refused(rule: Rule, failure: Failure) -> Answer:
    # Where in our code it happened is nobody's business outside.
    return Answer(ok=False, rule=rule.name, failure=failure.model_copy(update={"origin": None}))


def _too_large(message: Arrived, size: int, limit: int) -> TagwerkError:
    return TagwerkError(
        "payload_too_large",
        f"the payload has {size:,} bytes; the limit is {limit:,}",
        concern=message.topic,
        next_step="Upload large documents over HTTP, or ask an administrator to raise"
        " TAGWERK_MQTT_PAYLOAD_LIMIT.",
    )


def _undecodable(delivery: Delivery, error: ValidationError) -> Failure:
    return Failure(
        code="message_undecodable",
        cause=str(error)[:500],
        concern=delivery.subject,
        next_step="Find out who publishes into INGRESS: the bridge alone should.",
    )
