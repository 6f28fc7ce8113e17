"""From a configuration and a state folder to the processes that are to run."""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.accounts import ensure_accounts
from deploy.local.bus_users import KEYS, users_of_services
from deploy.local.children import unprivileged_account
from deploy.local.config import AUDIT, GATEWAY, INTEGRATIONS, NATS, POSTGRES, REPORTING, STATUS, StackConfig
from deploy.local.keys import key_file
from deploy.local.mqtt import (
    MQTT_BRIDGE,
    PASSWORDS,
    RULES_FILE,
    Device,
    devices_of,
    read_state_rules,
    user_of_bridge,
    users_of,
)
from deploy.local.nats import ADMIN, BusUser, NatsConfig
from deploy.local.nats import STOP_SIGNAL as NATS_STOP_SIGNAL
from deploy.local.nats import is_ready as nats_is_ready
from deploy.local.ports import LOOPBACK
from deploy.local.postgres import DATABASE, PostgresConfig
from deploy.local.postgres import STOP_SIGNAL as POSTGRES_STOP_SIGNAL
from deploy.local.postgres_home import settle
from deploy.local.sign_in import SIGN_IN_FILE, SignIn, ensure_sign_in
from deploy.local.state import StateFolder
from deploy.local.supervised import ProcessPlan
from deploy.local.targets import write_targets
from deploy.roles import AUDIT_KEEPER

#: Where `shared`, `services` and `deploy` lie.
ROOT: Final = Path(__file__).parents[2]

#: Setting of the integrations service -> file in the state folder, where a person has written one.
WRITTEN_BY_HAND: Final = {
    "TAGWERK_MAILBOXES_FILE": "mailboxes.toml",
    "TAGWERK_ERP_FILE": "erp.toml",
}

#: The same of the reporting service.
RULES_OF_MAILS: Final = {
    "TAGWERK_ALERT_RULES": "alerts.toml",
    "TAGWERK_REMINDER_RULES": "reminders.toml",
}

#: Seconds that a service has to hand over what it works on.
SERVICE_DRAIN: Final = 20.0
_SERVER_DRAIN: Final = 15.0


@dataclass(frozen=True, slots=True)
class StackPlan:
    """A stack whose ports, passwords and places are settled."""

    config: StackConfig
    state: Path
    nats: NatsConfig
    postgres: PostgresConfig
    sign_in: SignIn
    #: Open lock of the state folder; every child inherits it, so it is held until the last of them ends.
    lock: int
    #: Where the status service takes spans in: `host:port`.
    otlp_address: str
    #: Service -> port of its health and metrics.
    health: Mapping[str, int]

    def bus_key(self, service: str) -> Path:
        """The file with the seed by which a service signs in to the bus."""
        return key_file(self.state / NATS / KEYS, service)

    def database_url(self, role: str) -> str:
        """Address of the database for a service's role; `postgres` is the superuser."""
        return self.postgres.admin_url(DATABASE) if role == POSTGRES else self.postgres.url(role)

    @property
    def audit_key(self) -> Path:
        """The key that signs heads of the audit log; the heads lie beside it."""
        return self.state / AUDIT / "key.pem"

    def nats_process(self) -> ProcessPlan:
        async def is_ready(_: int) -> bool:
            return nats_is_ready(self.nats.port)

        return ProcessPlan(
            name=NATS,
            command=self.nats.write,
            environment=_inherited_environment(),
            is_ready=is_ready,
            folder=self.state,
            stop_signal=NATS_STOP_SIGNAL,
            death_signal=NATS_STOP_SIGNAL,
            drain=_SERVER_DRAIN,
            inherited=(self.lock,),
        )

    def postgres_process(self) -> ProcessPlan:
        async def is_ready(pid: int) -> bool:
            return self.postgres.is_ready(pid)

        return ProcessPlan(
            name=POSTGRES,
            command=self.postgres.command,
            environment=self.postgres.environment,
            is_ready=is_ready,
            folder=Path("/"),
            stop_signal=POSTGRES_STOP_SIGNAL,
            death_signal=POSTGRES_STOP_SIGNAL,
            drain=_SERVER_DRAIN,
            account=self.postgres.account,
            inherited=(self.lock,),
        )

    def service_process(self, name: str, is_ready: Callable[[str], Awaitable[bool]]) -> ProcessPlan:
        return ProcessPlan(
            name=name,
            command=lambda: [sys.executable, "-m", self.config.services[name]],
            environment=self.service_environment(name),
            is_ready=lambda _: is_ready(name),
            folder=ROOT,
            drain=SERVICE_DRAIN,
            inherited=(self.lock,),
        )

    def service_environment(self, name: str) -> dict[str, str]:
        """What `shared.settings.Settings` reads."""
        environment = _inherited_environment() | {
            "TAGWERK_NATS_URL": self.nats.url(name),
            "TAGWERK_NATS_NKEY_FILE": str(self.bus_key(name)),
            "TAGWERK_DATABASE_URL": self.database_url(name),
            "TAGWERK_FILES_URL": (self.state / "files").as_uri(),
            "TAGWERK_HEALTH_LISTEN": f"{LOOPBACK}:{self.health[name]}",
        }
        if self.config.cpu_slots is not None:
            environment["TAGWERK_CPU_SLOTS"] = str(self.config.cpu_slots)
        if self.config.tracing:
            environment["TAGWERK_OTLP_ENDPOINT"] = f"http://{self.otlp_address}"
            if name == STATUS:
                environment["TAGWERK_OTLP_LISTEN"] = self.otlp_address
        if name == INTEGRATIONS:
            environment["TAGWERK_ACCOUNTS_FILE"] = str(ensure_accounts(self.state))
            for setting, name in WRITTEN_BY_HAND.items():
                if (self.state / name).is_file():
                    environment[setting] = str(self.state / name)
        if name == REPORTING:
            # Where links in mails lead.
            environment["TAGWERK_PUBLIC_URL"] = self.sign_in.url
            for setting, file in RULES_OF_MAILS.items():
                if (self.state / file).is_file():
                    environment[setting] = str(self.state / file)
        if name == AUDIT:
            environment["TAGWERK_AUDIT_KEY_FILE"] = str(self.audit_key)
            environment["TAGWERK_AUDIT_HEADS_FOLDER"] = str(self.audit_key.parent / "heads")
            environment["TAGWERK_AUDIT_KEEPER_URL"] = self.database_url(AUDIT_KEEPER)
        if name == MQTT_BRIDGE:
            user = f"{MQTT_BRIDGE}:{self.nats.devices[MQTT_BRIDGE].password}"
            environment["TAGWERK_MQTT_URL"] = f"mqtt://{user}@{LOOPBACK}:{self.nats.mqtt_port}"
            environment["TAGWERK_MQTT_RULES"] = str(self.state / RULES_FILE)
        if name == GATEWAY:
            environment["TAGWERK_HTTP_HOST"] = LOOPBACK
            environment["TAGWERK_HTTP_PORT"] = self.sign_in.url.rpartition(":")[2]
            environment["TAGWERK_SIGN_IN_FILE"] = str(self.state / SIGN_IN_FILE)
        return environment | dict(self.config.environment)

    def provision_command(self) -> list[str]:
        """The one admin step. In a process of its own, since it reads every job, which takes memory."""
        return [sys.executable, "-m", "deploy.provision", *self.config.services.values()]

    def provision_environment(self) -> dict[str, str]:
        """What `deploy.provision` reads."""
        environment = _inherited_environment() | {
            "TAGWERK_NATS_URL": self.nats.url(),
            "TAGWERK_DATABASE_URL": self.postgres.admin_url(),
            "TAGWERK_DATABASE_NAME": DATABASE,
            "TAGWERK_DATABASE_ROLES": json.dumps(dict(self.postgres.roles)),
            "TAGWERK_AUDIT_KEY_FILE": str(self.audit_key),
        }
        return environment | dict(self.config.environment)


def prepare(config: StackConfig, state: StateFolder) -> StackPlan:
    """Settle ports, passwords and places in an open state folder; on the first start make the database.

    Raises `TagwerkError`: `port_taken`, `database_not_initialized`, `postgres_data_unreachable`, ...
    """
    ports = state.ports(
        {
            "http": config.http_port,
            "nats": config.nats_port,
            "mqtt": config.mqtt_port,
            "postgres": config.postgres_port,
            "monitor": None,
            "otlp": None,
            **{_health(name): None for name in config.services},
        }
    )
    nats = NatsConfig(
        folder=state.path / NATS,
        port=ports["nats"],
        monitor_port=ports["monitor"],
        mqtt_port=ports["mqtt"],
        users={
            ADMIN: BusUser(password=state.passwords(NATS, [ADMIN])[ADMIN]),
            **users_of_services(state.path / NATS, config.services),
        },
        devices=_devices(config, state),
        sync=config.sync,
    )
    account = unprivileged_account()
    home = settle(state.path, account, state.outside)
    postgres = PostgresConfig(
        data=home.data,
        binaries=home.binaries,
        port=ports["postgres"],
        superuser_password=state.passwords("superuser", [POSTGRES])[POSTGRES],
        roles=state.passwords(POSTGRES, [*config.services, AUDIT_KEEPER]),
        account=account,
    )
    postgres.initialize()
    (state.path / "files").mkdir(mode=0o700, exist_ok=True)
    sign_in = ensure_sign_in(state.path, f"http://{LOOPBACK}:{ports['http']}")
    health = {name: ports[_health(name)] for name in config.services}
    write_targets(state.path, health)
    return StackPlan(
        config, state.path, nats, postgres, sign_in, state.lock, f"{LOOPBACK}:{ports['otlp']}", health
    )


def _devices(config: StackConfig, state: StateFolder) -> dict[str, Device]:
    """Users for those who may send messages; none without the bridge."""
    if MQTT_BRIDGE not in config.services:
        return {}
    rules = read_state_rules(state.path, taken=(ADMIN, MQTT_BRIDGE))
    bridge = user_of_bridge(rules, state.passwords(NATS, [MQTT_BRIDGE])[MQTT_BRIDGE])
    return {MQTT_BRIDGE: bridge, **devices_of(rules, state.passwords(PASSWORDS, users_of(rules)))}


def _health(service: str) -> str:
    """What the state folder calls a service's health port."""
    return f"health-{service}"


def _inherited_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
