from shared import subjects
from shared.declaration import BusUse, Declaration, Durable

DECLARATION = Declaration(
    "mqtt_bridge",
    listens=("event.document.uploaded",),
    durables=[
        Durable(subjects.INGRESS, subjects.INGRESS_DURABLE, "ingress.mqtt.>"),
        Durable(subjects.EGRESS, subjects.EGRESS_DURABLE, "egress.mqtt.>"),
        # One at a time, in order: an older state must not be told over a newer one.
        Durable(subjects.RUNS, subjects.STATES_DURABLE, "run.>", max_ack_pending=1),
    ],
    bus=BusUse(
        tells=("event.document.uploaded", "event.message.received"),
        starts=("*.*",),
        publishes=("ingress.mqtt.*", "ingress.agents.*.*", "egress.mqtt.*"),
        reads=(subjects.INGRESS, subjects.RUNS),
        # What nats-server's own MQTT listener keeps, and what of it all have had.
        manages=(
            f"STREAM.INFO.{subjects.MQTT_STORE}",
            f"CONSUMER.LIST.{subjects.MQTT_STORE}",
            f"STREAM.PURGE.{subjects.MQTT_STORE}",
        ),
    ),
)
