"""What a stack is made of does not show its passwords, wherever it may be printed."""

from datetime import UTC, datetime
from pathlib import Path

from deploy.local.mqtt import Device
from deploy.local.nats import BusUser, NatsConfig
from deploy.local.postgres import PostgresConfig
from deploy.local.sign_in import SignIn
from services.mqtt_bridge.broker import read_address

HIDDEN = "hidden-word"


def test_no_part_of_a_stack_shows_a_password() -> None:
    nats = NatsConfig(
        folder=Path(),
        port=1,
        monitor_port=2,
        users={"admin": BusUser(password=HIDDEN)},
        devices={"scanner": Device(HIDDEN, ("a",), ("b",))},
    )
    postgres = PostgresConfig(
        data=Path(), binaries=Path(), port=1, superuser_password=HIDDEN, roles={"gateway": HIDDEN}
    )
    sign_in = SignIn("http://127.0.0.1", HIDDEN, "admin", datetime.now(UTC))
    broker = read_address(f"mqtts://bridge:{HIDDEN}@broker", ca_file=None, version="5", client_id="b")
    assert HIDDEN in nats.render()
    assert broker.password == HIDDEN
    for part in (nats, postgres, sign_in, broker):
        assert HIDDEN not in repr(part)
