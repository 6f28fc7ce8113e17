"""Whether a service serves: asked over the bus, as the stack and the containers' health checks do.

`python -m deploy.health gateway` ends with 0 or 1. It connects as the service itself does, by
settings of the environment; only those of the bus have to be there.
"""

import asyncio
import json
import sys
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.connection import bus_tls
from shared.errors import TagwerkError
from shared.permissions import inbox_prefix
from shared.settings import FiledSettings, Secret
from shared.subjects import health


class HealthSettings(FiledSettings):
    """Environment variables with the prefix `TAGWERK_`, as the services have them."""

    nats_url: Secret
    nats_nkey_file: Path | None = None
    nats_ca_file: Path | None = None
    nats_cert_file: Path | None = None
    nats_key_file: Path | None = None


async def says_ready(bus: Client, service: str) -> bool:
    """Ask one replica of the service, for at most 1 s."""
    try:
        answer = await bus.request(health(service), timeout=1)
    except (NatsError, OSError):
        return False
    return bool(json.loads(answer.data)["ready"])


async def check(settings: HealthSettings, service: str) -> bool:
    try:
        bus = await nats.connect(
            settings.nats_url,
            name="tagwerk-health",
            allow_reconnect=False,
            connect_timeout=2,
            inbox_prefix=inbox_prefix(service),
            nkeys_seed=None if settings.nats_nkey_file is None else str(settings.nats_nkey_file),
            **bus_tls(
                settings.nats_url, settings.nats_ca_file, settings.nats_cert_file, settings.nats_key_file
            ),
        )
    except (NatsError, OSError):
        return False
    try:
        return await says_ready(bus, service)
    finally:
        await bus.close()


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deploy.health SERVICE")
    try:
        ready = asyncio.run(check(HealthSettings(), sys.argv[1]))
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause}")
    sys.exit(0 if ready else 1)


if __name__ == "__main__":
    main()
