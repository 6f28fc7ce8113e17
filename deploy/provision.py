"""The one admin step of a deployment: streams and durables on the bus, roles and schemas in the database, the
key of the audit log.

`python -m deploy.provision services.gateway services.status …` with the administrators' addresses in the
environment (`ProvisionSettings`). Idempotent: run it at each deployment, before the services.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from deploy.declarations import declaration_of
from deploy.roles import provision_database
from services.audit.keys import ensure_keys
from shared.connection import bus_tls
from shared.errors import TagwerkError, wrong_fields
from shared.provision import provision
from shared.settings import FiledSettings, Secret
from shared.tls import hosts, refuse_plain_bus, refuse_plain_database


class ProvisionSettings(FiledSettings):
    """Environment variables with the prefix `TAGWERK_`."""

    #: Address of the bus, with the administrator's user and password.
    nats_url: Secret
    #: As the services have them.
    nats_ca_file: Path | None = None
    nats_cert_file: Path | None = None
    nats_key_file: Path | None = None
    plaintext_hosts: str | None = None
    #: Address of the database server, with a role that may create databases and roles.
    database_url: Secret
    database_name: str = "tagwerk"
    #: Role -> password, as JSON. Empty: somebody else provides roles and schemas.
    database_roles: dict[str, str] = Field(default_factory=dict, repr=False)
    #: Where the audit service finds the key that signs its heads; made where there is none.
    audit_key_file: Path | None = None
    #: Copies of each stream; 3 on a cluster.
    replicas: int = Field(default=1, ge=1, le=5)
    #: As the services have it.
    ack_wait: float = Field(default=15.0, ge=1.0)


async def provision_all(settings: ProvisionSettings, modules: Sequence[str]) -> None:
    allowed = hosts(settings.plaintext_hosts)
    refuse_plain_bus(settings.nats_url, allowed)
    refuse_plain_database(settings.database_url, allowed)
    if settings.database_roles:
        await provision_database(settings.database_url, settings.database_roles, settings.database_name)
    if settings.audit_key_file is not None:
        await asyncio.to_thread(ensure_keys, settings.audit_key_file)
    await provision(
        settings.nats_url,
        [declaration_of(module) for module in modules],
        replicas=settings.replicas,
        ack_wait=settings.ack_wait,
        tls=bus_tls(
            settings.nats_url, settings.nats_ca_file, settings.nats_cert_file, settings.nats_key_file
        ),
    )


def main() -> None:
    try:
        asyncio.run(provision_all(ProvisionSettings(), sys.argv[1:]))
    except ValidationError as error:
        sys.exit(f"settings_invalid: {wrong_fields(error)}")
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause} {error.failure.next_step}")


if __name__ == "__main__":
    main()
