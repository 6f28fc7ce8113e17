"""Whether a service serves: asked over the bus, as the stack and the containers' health checks do.

`python -m deploy.health gateway` ends with 0 or 1. It connects as the service itself does, by
`TAGWERK_NATS_URL` and `TAGWERK_NATS_NKEY_FILE`.
"""

import asyncio
import json
import os
import sys

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.permissions import inbox_prefix
from shared.subjects import health


async def says_ready(bus: Client, service: str) -> bool:
    """Ask one replica of the service, for at most 1 s."""
    try:
        answer = await bus.request(health(service), timeout=1)
    except (NatsError, OSError):
        return False
    return bool(json.loads(answer.data)["ready"])


async def _check(url: str, key: str | None, service: str) -> bool:
    try:
        bus = await nats.connect(
            url,
            name="tagwerk-health",
            allow_reconnect=False,
            connect_timeout=2,
            inbox_prefix=inbox_prefix(service),
            nkeys_seed=key,
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
    url, key = os.environ["TAGWERK_NATS_URL"], os.environ.get("TAGWERK_NATS_NKEY_FILE")
    sys.exit(0 if asyncio.run(_check(url, key, sys.argv[1])) else 1)


if __name__ == "__main__":
    main()
