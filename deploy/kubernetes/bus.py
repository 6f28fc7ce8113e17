"""The users of the bus in a cluster: services sign in with keys, whose public parts the server is told."""

from pathlib import Path
from typing import Final

from deploy.declarations import declaration_of
from deploy.kubernetes.peers import K8S
from deploy.local.nats import BusUser, may
from deploy.permissions import SERVICES
from shared.permissions import permissions_of

FILE: Final = K8S / "base" / "nats" / "users.conf"


def key_of(service: str) -> str:
    """The variable of the server with the service's public key."""
    return f"{service.upper()}_NKEY"


def users() -> str:
    """`users` for nats-server, whose environment holds the keys and the administrator's password."""
    lines = [
        "# Made by `python -m deploy.generated` from the declarations of the services.",
        "users: [",
        "  { user: admin, password: $ADMIN_PASSWORD }",
    ]
    for service in SERVICES:
        user = BusUser(permissions=permissions_of(declaration_of(f"services.{service}")))
        lines.append(f"  {{ nkey: ${key_of(service)}{may(user)} }}")
    return "\n".join([*lines, "]"]) + "\n"


def files() -> dict[Path, str]:
    """Path -> what must stand there."""
    return {FILE: users()}
