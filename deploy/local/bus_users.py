"""The users of the local bus: each service with its own key and with what it needs, and nothing else."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.keys import ensure_keys
from deploy.local.nats import BusUser
from deploy.permissions import TABLE
from shared.errors import TagwerkError
from shared.permissions import Permissions

#: Folder of the keys, beside the server's store.
KEYS: Final = "keys"


def users_of_services(folder: Path, services: Mapping[str, str]) -> dict[str, BusUser]:
    """`services`: name -> module. Raises `TagwerkError` (`bus_key_unreadable`, `declaration_missing`)."""
    keys = ensure_keys(folder / KEYS, services)
    permissions = _permissions(services)
    return {name: BusUser(nkey=keys[name], permissions=permissions[name]) for name in services}


def _permissions(services: Mapping[str, str]) -> dict[str, Permissions]:
    """From the table that is made of the services' declarations; of others, such as those of tests, made now,
    in a process of its own, since it reads every job, which takes memory."""
    table = json.loads(TABLE.read_text())
    others = [
        f"{name}={module}"
        for name, module in services.items()
        if name not in table or module != f"services.{name}"
    ]
    if others:
        made = subprocess.run(
            [sys.executable, "-m", "deploy.permissions", *others], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise TagwerkError(
                "declaration_missing",
                made.stderr.strip().rpartition("\n")[2],
                concern=", ".join(others),
                next_step="Name the module of a service, as in lab=tests.support.lab.",
            )
        table |= json.loads(made.stdout)
    return {
        name: Permissions(tuple(table[name]["publish"]), tuple(table[name]["subscribe"])) for name in services
    }
