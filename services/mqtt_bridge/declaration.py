from shared import subjects
from shared.declaration import Declaration, Durable

DECLARATION = Declaration(
    "mqtt_bridge",
    listens=("event.document.uploaded",),
    durables=[
        Durable(subjects.INGRESS, subjects.INGRESS_DURABLE, "ingress.mqtt.>"),
        Durable(subjects.EGRESS, subjects.EGRESS_DURABLE, "egress.mqtt.>"),
        # One at a time, in order: an older state must not be told over a newer one.
        Durable(subjects.RUNS, subjects.STATES_DURABLE, "run.>", max_ack_pending=1),
    ],
)
