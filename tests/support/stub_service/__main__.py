"""`python -m tests.support.stub_service`. It takes its name from its key on the bus."""

import asyncio
import json
import os
import signal
from pathlib import Path

import asyncpg
import nats
from nats.aio.msg import Msg


async def main() -> None:
    url = os.environ["TAGWERK_NATS_URL"]
    key = os.environ["TAGWERK_NATS_NKEY_FILE"]
    name = Path(key).stem
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = await asyncpg.connect(os.environ["TAGWERK_DATABASE_URL"])
    schema = await database.fetchval("SHOW search_path")
    await database.execute("CREATE TABLE IF NOT EXISTS starts (pid int)")
    await database.execute("INSERT INTO starts VALUES ($1)", os.getpid())
    bus = await nats.connect(url, max_reconnect_attempts=-1, nkeys_seed=key)

    async def tell_health(msg: Msg) -> None:
        await msg.respond(json.dumps({"service": name, "ready": True, "instance": str(os.getpid())}).encode())

    await bus.subscribe(f"health.{name}", cb=tell_health)
    print(f"{name} works in {schema}", flush=True)
    await stop.wait()
    print(f"{name} hands over", flush=True)
    await bus.close()
    await database.close()


asyncio.run(main())
