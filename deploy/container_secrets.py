"""The secrets of the containers: keys, passwords and certificates, each in a file of its own.

`python -m deploy.container_secrets /secrets` makes in the folder what is missing and renews certificates of
which the last third has begun; the rest stays. Run as root, as compose does it once, each file is given to
the account that reads it, for it alone (`docker-compose.yml` mounts each only where it is needed).
"""

import hashlib
import json
import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.certificates import ensure_authority, ensure_certificate
from deploy.local.config import SERVICES
from deploy.local.keys import ensure_keys
from deploy.local.nats import ADMIN, BusUser, may
from deploy.permissions import SERVICES as ON_THE_BUS
from deploy.permissions import TABLE
from deploy.roles import AUDIT_KEEPER
from shared.errors import TagwerkError
from shared.permissions import Permissions

#: Accounts of the images: Tagwerk's, under which nats-server runs too, and those of PostgreSQL,
#: Mosquitto and Grafana.
TAGWERK: Final = 10001
POSTGRES: Final = 999
MOSQUITTO: Final = 1883
GRAFANA: Final = 472

#: Who has a certificate, and whose account reads it.
SERVERS: Final = {"nats": TAGWERK, "postgres": POSTGRES, "mosquitto": MOSQUITTO}
#: Where containers find the authority's certificate.
_AUTHORITY: Final = "/run/secrets/authority"
#: Work factor of Mosquitto's own passwords; these are random and cannot be guessed.
_MOSQUITTO_ROUNDS: Final = 101
MQTT_USERS: Final = ("bridge", "device")


def ensure_secrets(folder: Path) -> None:
    """Raises `TagwerkError` (`bus_key_unreadable`, `authority_incomplete`)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_authority(folder)
    for server in SERVERS:
        ensure_certificate(folder, server)
    keys = ensure_keys(folder, ON_THE_BUS)
    passwords = _passwords(folder)
    for name, content in _files(keys, passwords):
        _write(folder / name, content)
    _hand_over(folder)


def _files(keys: dict[str, str], passwords: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Name -> content, of what follows from keys and passwords."""
    yield "bus-users", _bus_users(keys, passwords["admin"])
    yield "provision-bus", f"tls://{ADMIN}:{passwords['admin']}@nats:4222"
    yield "provision-database", _database("postgres", passwords["postgres"], "postgres")
    roles = {role: passwords[role] for role in (*SERVICES, "mqtt_bridge", AUDIT_KEEPER)}
    yield "provision-roles", json.dumps(roles)
    for role, password in roles.items():
        yield f"{role}-database", _database(role, password, "tagwerk")
    yield "postgres-password", passwords["postgres"]
    yield "grafana-password", passwords["grafana"]
    yield "mqtt-url", f"mqtts://bridge:{passwords['mqtt-bridge']}@mosquitto:8883"
    # Salted by the password itself, so that nothing is written anew at each start.
    yield (
        "mosquitto-passwords",
        "".join(f"{user}:{_mosquitto_hash(passwords[f'mqtt-{user}'])}\n" for user in MQTT_USERS),
    )


def _bus_users(keys: dict[str, str], admin_password: str) -> str:
    """For nats-server: the public key of each service with what the service needs, and nothing else."""
    table = json.loads(TABLE.read_text())
    lines = [f"  {{ user: {ADMIN}, password: {json.dumps(admin_password)} }}"]
    for name, key in keys.items():
        allowed = Permissions(tuple(table[name]["publish"]), tuple(table[name]["subscribe"]))
        lines.append(f"  {{ nkey: {key}{may(BusUser(nkey=key, permissions=allowed))} }}")
    return "\n".join(["users: [", *lines, "]"]) + "\n"


def _database(role: str, password: str, database: str) -> str:
    return f"postgresql://{role}:{password}@postgres/{database}?sslmode=verify-full&sslrootcert={_AUTHORITY}"


def _passwords(folder: Path) -> dict[str, str]:
    """All of them, made at random where they are missing; they stand together in a file for nobody's eyes."""
    file = folder / "passwords.json"
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    names = (
        "admin",
        "postgres",
        "grafana",
        *SERVICES,
        "mqtt_bridge",
        AUDIT_KEEPER,
        *(f"mqtt-{user}" for user in MQTT_USERS),
    )
    wanted = {name: found.get(name) or f"p{secrets.token_hex(24)}" for name in names}
    _write(file, json.dumps(wanted))
    return wanted


def _mosquitto_hash(password: str) -> str:
    """As `mosquitto_passwd` writes it: PBKDF2 with SHA-512."""
    salt = hashlib.sha256(password.encode()).digest()[:12]
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _MOSQUITTO_ROUNDS)
    return f"$7${_MOSQUITTO_ROUNDS}${b64encode(salt).decode()}${b64encode(key).decode()}"


def _write(file: Path, content: str) -> None:
    """Whole or not at all."""
    if file.exists() and file.read_text() == content:
        return
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(file)


def owner_of(name: str) -> int:
    """The account that reads the file of this name."""
    by_name = {"postgres-password": POSTGRES, "mosquitto-passwords": MOSQUITTO, "grafana-password": GRAFANA}
    if name in by_name:
        return by_name[name]
    server, _, kind = name.rpartition(".")
    return SERVERS.get(server, TAGWERK) if kind in ("pem", "key") else TAGWERK


def _hand_over(folder: Path) -> None:
    for file in folder.iterdir():
        if file.name in ("passwords.json", "authority.key"):
            continue
        file.chmod(0o444 if file.name == "authority.pem" else 0o400)
        if os.geteuid() == 0:
            os.chown(file, owner_of(file.name), owner_of(file.name))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deploy.container_secrets FOLDER")
    try:
        ensure_secrets(Path(sys.argv[1]))
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause} {error.failure.next_step}")


if __name__ == "__main__":
    main()
