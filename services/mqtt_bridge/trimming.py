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


class NotNow(Exception):
    """The server does not tell enough to remove anything; the next look may find more."""


class Trimming:
    """Of one bus."""

    def __init__(self, bus: Bus, *, every: float = EVERY) -> None:
        self._bus = bus
        self._every = every
        #: Where the stream ended at the look before.
        self._ended = 0

    async def run(self) -> None:
        """Until cancelled, or until there is nothing here to look after."""
        while True:
            try:
                if not await self.trim():
                    return
            except (NatsError, TimeoutError, NotNow) as error:
                log.debug("messages that everybody has are kept a little longer", error=repr(error))
            await asyncio.sleep(self._every)

    async def trim(self) -> bool:
        """Remove what every subscription has had of what was there at the look before; whether the stream is
        there at all. Raises `NotNow`.

        Of what has only just been stored a subscription that waits for it may know nothing yet: the server
        tells its subscriptions after it has stored a message. One that is made later begins behind the end.
        """
        state = await self._ask("STREAM.INFO")
        if state.get("error", {}).get("err_code") == _NO_STREAM:
            return False
        now = _unrefused(state)["state"]
        ended, self._ended = min(self._ended, now["last_seq"]), now["last_seq"]
        had = min([_had(one, ended) for one in await self._subscriptions()], default=ended)
        if had >= now["first_seq"] and now["messages"]:
            _unrefused(await self._ask("STREAM.PURGE", {"seq": had + 1}))
        return True

    async def _subscriptions(self) -> list[dict[str, Any]]:
        """All of them, or `NotNow`: one that is left out would lose what it has not had."""
        found: list[dict[str, Any]] = []
        while True:
            # Pages overlap by one, which shows whether anything moved between them.
            page = _unrefused(await self._ask("CONSUMER.LIST", {"offset": max(0, len(found) - 1)}))
            if page.get("missing") or page.get("offline"):
                raise NotNow("a server of the cluster does not tell about its subscriptions")
            consumers = page["consumers"]
            if found and (not consumers or consumers[0]["name"] != found[-1]["name"]):
                raise NotNow("subscriptions came or went during the look")
            more = consumers[1:] if found else consumers
            found += more
            if not more or len(found) >= page["total"]:
                return found

    async def _ask(self, verb: str, body: Any = None) -> dict[str, Any]:
        subject = f"$JS.API.{verb}.{subjects.MQTT_STORE}"
        answer = await self._bus.nc.request(
            subject, b"" if body is None else orjson.dumps(body), timeout=self._every
        )
        decoded: dict[str, Any] = orjson.loads(answer.data)
        return decoded


def _unrefused(answer: dict[str, Any]) -> dict[str, Any]:
    if (error := answer.get("error")) is not None:
        raise NotNow(str(error.get("description")))
    return answer


def _had(subscription: dict[str, Any], ended: int) -> int:
    """Up to which sequence, at most `ended`, a subscription has had all that is for it."""
    if not subscription["num_pending"] and not subscription["num_ack_pending"]:
        return ended
    return min(ended, int(subscription["ack_floor"]["stream_seq"]))
