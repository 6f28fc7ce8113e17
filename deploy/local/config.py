"""What a local stack consists of, and what can be chosen about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.nats import Sync
from deploy.local.state import DEFAULT_STATE
from shared.errors import TagwerkError

NATS: Final = "nats"
POSTGRES: Final = "postgres"
GATEWAY: Final = "gateway"
INTEGRATIONS: Final = "integrations"
AUDIT: Final = "audit"
REPORTING: Final = "reporting"
STATUS: Final = "status"

#: Name -> module; each is started as `python -m <module>`.
SERVICES: Final[dict[str, str]] = {
    GATEWAY: "services.gateway",
    "scheduler": "services.scheduler",
    "documents": "services.documents",
    INTEGRATIONS: "services.integrations",
    REPORTING: "services.reporting",
    STATUS: "services.status",
    AUDIT: "services.audit",
}


@dataclass(frozen=True, slots=True)
class StackConfig:
    """What to bring up, and where. A port of None is the one of last time, or a free one."""

    state: Path = DEFAULT_STATE
    http_port: int | None = None
    nats_port: int | None = None
    mqtt_port: int | None = None
    postgres_port: int | None = None
    sync: Sync = "always"
    #: Whether spans are recorded, and kept by the status service.
    tracing: bool = True
    #: CPU-bound child processes at once in one worker; None for the services' own default.
    cpu_slots: int | None = None
    #: Service name -> module. The name is also its user on the bus and its role in the database.
    services: Mapping[str, str] = field(default_factory=lambda: dict(SERVICES))
    #: More settings for every service, as environment variables.
    environment: Mapping[str, str] = field(default_factory=dict)


def more_services(written: str) -> dict[str, str]:
    """Read `name=module,…` as `--services` takes it; without a name it is the module's last word.

    Raises `TagwerkError` (`service_invalid`).
    """
    services: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in written.split(","))):
        name, _, module = entry.rpartition("=")
        name = name or module.rpartition(".")[2]
        if not name.isidentifier() or not all(word.isidentifier() for word in module.split(".")):
            raise TagwerkError(
                "service_invalid",
                f"{entry!r} does not name a Python module",
                concern=entry,
                next_step="Write services as name=package.module, separated by commas.",
            )
        if name in (NATS, POSTGRES, *SERVICES, *services):
            raise TagwerkError(
                "service_invalid",
                f"there is already a process named {name!r}",
                concern=entry,
                next_step=f"Give it another name: another_name={module}.",
            )
        services[name] = module
    return services
