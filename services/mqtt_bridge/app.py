"""The composition root of the MQTT bridge."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from services.mqtt_bridge.agents import Agents
from services.mqtt_bridge.batches import Batches
from services.mqtt_bridge.broker import Broker, no_connection, read_address
from services.mqtt_bridge.core import rule_name
from services.mqtt_bridge.declaration import DECLARATION
from services.mqtt_bridge.handlers import Messages
from services.mqtt_bridge.messages import Arrived, Leaving
from services.mqtt_bridge.queries import read_state
from services.mqtt_bridge.rules_file import read_rules
from services.mqtt_bridge.states import RunStates
from services.mqtt_bridge.store import Received
from services.mqtt_bridge.trimming import Trimming
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.bus import Message
from shared.catalogue import catalogue
from shared.commands import BridgeQuery
from shared.errors import TagwerkError
from shared.events import DocumentUploaded
from shared.files import open_store
from shared.ids import new_id
from shared.intake import Intake, remember_arrival
from shared.pull import Delivery, Source
from shared.service import Service
from shared.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"

#: Messages in hand at once.
SLOTS = 128

#: Of the connections: each statement is planned for the rows there are. A plan that was made when there were
#: few reads them all, for every batch of messages, until the database counts them again.
FOR_FLOODS = {"plan_cache_mode": "force_custom_plan"}


def build(settings: Settings) -> Service:
    """The service, ready to start. Raises `mqtt_not_configured`, `mqtt_address_invalid`,
    `mqtt_rules_invalid`."""
    if settings.mqtt_url is None or settings.mqtt_rules is None:
        raise TagwerkError(
            "mqtt_not_configured",
            "the bridge has to know its broker and its rules",
            concern="TAGWERK_MQTT_URL" if settings.mqtt_url is None else "TAGWERK_MQTT_RULES",
            next_step="Set TAGWERK_MQTT_URL and TAGWERK_MQTT_RULES, or do not start the bridge.",
        )
    rules = read_rules(settings.mqtt_rules)
    address = read_address(
        settings.mqtt_url,
        ca_file=settings.mqtt_ca_file,
        version=settings.mqtt_version,
        client_id=settings.mqtt_client_id,
    )
    store = open_store(settings.files_url)

    agents = Agents(rules)

    async def store_together(messages: Sequence[Message]) -> Sequence[int]:
        return await service.bus.publish_together(messages)

    stored = Batches(store_together, identity=lambda one: one.msg_id)

    async def keep(message: Arrived) -> None:
        if (from_agent := agents.heard(message)) is not None:
            subject = subjects.from_agent(from_agent.client, from_agent.agent)
            await service.bus.publish(subject, from_agent.encode(), msg_id=str(new_id()))
            return
        # One id for all attempts to store it: what comes again from the broker cannot be told from new.
        subject = subjects.ingress(rule_name(rules, message.topic))
        await stored(Message(subject, message.encode(), msg_id=str(new_id())))

    def connection_told(why_not: str | None) -> None:
        service.trouble = None if why_not is None else no_connection(address, why_not)

    broker = Broker(
        address,
        rules.filters,
        keep,
        payload_limit=settings.mqtt_payload_limit,
        told=connection_told,
    )

    async def record_document_uploaded(event: DocumentUploaded) -> None:
        await remember_arrival(service.pool, event)

    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        database_settings=FOR_FLOODS,
        on_event={"event.document.uploaded": record_document_uploaded},
    )
    connection_told("it has not been connected yet")
    handlers: list[Messages] = []

    def messages() -> Messages:
        # Made when the service has started, once: its buckets remember what they have read.
        if not handlers:
            handlers.append(
                Messages(
                    rules,
                    service.bus,
                    Received(service.pool),
                    Intake(service.pool, service.relay, store, size_limit=settings.upload_limit),
                    Bucket(service.bus, subjects.PRINCIPALS, Principal),
                    catalogue(service.bus),
                    settings.mqtt_payload_limit,
                )
            )
        return handlers[0]

    async def take(delivery: Delivery) -> None:
        await messages().handle(delivery)

    async def answer(delivery: Delivery) -> None:
        if delivery.subject.startswith(subjects.COMMANDS):
            await agents.command(delivery, service.bus, broker)
            return
        try:
            leaving = Leaving.model_validate_json(delivery.data)
        except ValidationError:
            await delivery.term()
            return
        await broker.publish(leaving.topic, leaving.payload, correlation=leaving.correlation_data)
        await delivery.ack()

    service.answer(
        subjects.query("mqtt_bridge", "state"),
        BridgeQuery,
        lambda asked: read_state(service.bus, service.pool, rules, address.shown, service.trouble, asked),
    )
    service.source(Source(subjects.INGRESS, subjects.INGRESS_DURABLE, take), slots=SLOTS)
    service.source(Source(subjects.EGRESS, subjects.EGRESS_DURABLE, answer), slots=SLOTS)
    if rules.states is not None:
        states = rules.states
        tellers: list[RunStates] = []

        async def retain(topic: str, payload: bytes) -> None:
            await broker.publish(topic, payload, retain=True)

        async def tell(delivery: Delivery) -> None:
            if not tellers:
                tellers.append(RunStates(states, service.bus, retain))
            await tellers[0].handle(delivery)

        service.source(Source(subjects.RUNS, subjects.STATES_DURABLE, tell, limit=1), slots=1)
    service.background("broker", broker.run)
    service.background("trimming", lambda: Trimming(service.bus).run())
    return service
