"""What nats-server's own MQTT listener keeps is let go of many messages at a time.

Left to itself the listener removes each message once all have it, and waits for the disk with each removal:
with `sync_interval: always` it takes in fewer for it (docs/adr/0036). So its stream keeps messages by age
(`shared.provision`), and the bridge removes those that everybody has.
"""

import asyncio
from typing import Any, Final

import orjson
import structlog
from nats.errors import Error as NatsError

from shared import subjects
from shared.bus import Bus

log = structlog.get_logger(__name__)

#: Seconds between two looks.
EVERY: Final = 10.0
#: The server's code for a stream that there is none of: the broker is another program.
_NO_STREAM: Final = 10059


class Trimming:
    """Of one bus."""

    def __init__(self, bus: Bus, *, every: float = EVERY) -> None:
        self._bus = bus
        self._every = every

    async def run(self) -> None:
        """Until cancelled, or until there is nothing here to look after."""
        while True:
            try:
                if not await self.trim():
                    return
            except (NatsError, TimeoutError) as error:
                log.debug("messages that everybody has are kept a little longer", error=repr(error))
            await asyncio.sleep(self._every)

    async def trim(self) -> bool:
        """Remove what every subscription has had; whether the stream is there at all."""
        state = await self._ask("STREAM.INFO")
        if state.get("error", {}).get("err_code") == _NO_STREAM:
            return False
        # Asked first: a subscription that is made later begins behind it.
        last, first = state["state"]["last_seq"], state["state"]["first_seq"]
        had = min([_had(one, last) for one in await self._subscriptions()], default=last)
        if had >= first and state["state"]["messages"]:
            await self._ask("STREAM.PURGE", {"seq": had + 1})
        return True

    async def _subscriptions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = await self._ask("CONSUMER.LIST", {"offset": len(found)})
            found += page["consumers"]
            if not page["consumers"] or len(found) >= page["total"]:
                return found

    async def _ask(self, verb: str, body: Any = None) -> dict[str, Any]:
        subject = f"$JS.API.{verb}.{subjects.MQTT_STORE}"
        answer = await self._bus.nc.request(
            subject, b"" if body is None else orjson.dumps(body), timeout=self._every
        )
        decoded: dict[str, Any] = orjson.loads(answer.data)
        return decoded


def _had(subscription: dict[str, Any], last: int) -> int:
    """Up to which sequence a subscription has had all that is for it; the stream ends at `last`."""
    if not subscription["num_pending"] and not subscription["num_ack_pending"]:
        return last
    return int(subscription["ack_floor"]["stream_seq"])
