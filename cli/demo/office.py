"""The network of a customer: a database with orders that nobody outside reaches, and an agent beside it."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from deploy.local.children import child_options

#: The agent of the demo's rules, and its user on the broker.
AGENT: Final = "office"
USER: Final = f"agent-{AGENT}"
ACTION: Final = "open-orders"

#: Number, customer, amount, whether it is open.
ORDERS: Final = (
    (4711, "Holzwerk Aebi AG", "1250.00", True),
    (4712, "Holzwerk Aebi AG", "80.50", False),
    (4713, "Atelier Fontaine Sàrl", "640.00", True),
    (4714, "Holzwerk Aebi AG", "312.20", True),
)

_MODULE: Final = "services.mqtt_bridge.agent"
_FILE: Final = """\
name = "{agent}"
client = "main"

[broker]
url = "{broker}"
user = "{user}"
password = {{ env = "AGENT_PASSWORD" }}

[[action]]
name = "{action}"
title = "Open orders of a customer"
kind = "sql"
database = {{ file = "database.address" }}
query = "select number, amount from orders where customer = :customer and open order by number"
parameters = [{{ name = "customer" }}]
"""


@asynccontextmanager
async def agent_at_work(folder: Path, address: str) -> AsyncIterator[Path]:
    """The agent runs while this is open; gives its log."""
    await asyncio.to_thread(_furnish, folder, address)
    password = unquote(urlsplit(address).password or "")
    log = folder / "agent.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE, str(folder / "agent.toml"),
            env={**os.environ, "AGENT_PASSWORD": password}, stdin=asyncio.subprocess.DEVNULL,
            stdout=out, stderr=out, **child_options(signal.SIGKILL),
        )  # fmt: skip
    try:
        yield log
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _furnish(folder: Path, address: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    parts = urlsplit(address)
    (folder / "database.address").write_text(f"sqlite:///{folder.absolute()}/orders.sqlite\n")
    broker = f"{parts.scheme}://{parts.hostname}:{parts.port}"
    (folder / "agent.toml").write_text(_FILE.format(agent=AGENT, user=USER, broker=broker, action=ACTION))
    with closing(sqlite3.connect(folder / "orders.sqlite")) as database, database:
        database.execute("drop table if exists orders")
        database.execute("create table orders (number integer, customer text, amount text, open boolean)")
        database.executemany("insert into orders values (?, ?, ?, ?)", ORDERS)
