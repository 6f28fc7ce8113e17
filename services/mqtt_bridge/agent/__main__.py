"""`python -m services.mqtt_bridge.agent agent.toml`: run until it is asked to stop; `--check` reads only."""

import asyncio
import signal
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote, urlsplit

from services.mqtt_bridge.agent.agent import Agent
from services.mqtt_bridge.agent.journal import Journal
from services.mqtt_bridge.agent.registry import Registry
from services.mqtt_bridge.agent.registry_file import read_registry, read_secret
from services.mqtt_bridge.broker import Address, Broker, read_address
from shared.agents import topic, user_of
from shared.errors import TagwerkError

#: Bytes of a command; more is none of ours.
_COMMAND_LIMIT = 256 * 1024
#: Seconds for the last word.
_FAREWELL = 3.0


def _address(registry: Registry) -> Address:
    """Raises `mqtt_address_invalid` and `agent_secret_missing`."""
    place = registry.broker
    parts = urlsplit(place.url)
    signed_in = f"{quote(place.user, safe='')}:{quote(read_secret(place.password), safe='')}@{parts.netloc}"
    return read_address(
        parts._replace(netloc=signed_in).geturl(),
        ca_file=place.ca_file,
        version=place.version,
        client_id=user_of(registry.name),
        setting="`url` of [broker]",
    )


def _version() -> str:
    try:
        return version("tagwerk")
    except PackageNotFoundError:
        return "unknown"


async def _run(registry: Registry) -> None:
    journal = Journal(registry.journal)

    async def publish(topic: str, payload: bytes, retain: bool) -> None:
        await broker.publish(topic, payload, retain=retain)

    agent = Agent(registry, journal, _version(), publish)
    broker = Broker(
        _address(registry),
        [topic(registry.client, registry.name, "commands")],
        agent.hear,
        payload_limit=_COMMAND_LIMIT,
        told=agent.told,
        will=agent.will,
    )
    stop = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    work = [asyncio.create_task(one) for one in (broker.run(), agent.run(), stop.wait())]
    try:
        await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        with suppress(TimeoutError):
            # After a connection that ends in order the broker says nothing in the agent's place.
            async with asyncio.timeout(_FAREWELL):
                await agent.say_farewell()
    finally:
        for task in work:
            task.cancel()
        ended = await asyncio.gather(*work, return_exceptions=True)
        journal.close()
    for error in ended:
        if isinstance(error, Exception):
            raise error


def main() -> None:
    arguments = [one for one in sys.argv[1:] if one != "--check"]
    if len(arguments) != 1:
        sys.exit("Usage: python -m services.mqtt_bridge.agent [--check] agent.toml")
    try:
        registry = read_registry(Path(arguments[0]))
        _address(registry)
        if "--check" in sys.argv[1:]:
            for action in registry.told():
                print(f"{action.name}: {action.does}")
            return
        asyncio.run(_run(registry))
    except TagwerkError as error:
        sys.exit(f"{error.failure.cause}\n{error.failure.next_step}")


if __name__ == "__main__":
    main()
