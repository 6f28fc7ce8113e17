"""The parts of an audit service on real servers, and a log to break."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.roles import AUDIT_KEEPER
from services.audit.chain import append
from services.audit.checking import Checked, LogCheck
from services.audit.core import NewEntry
from services.audit.keys import Keys, ensure_keys, read_keys
from services.audit.recorder import Recorder
from services.audit.selection import entry_of
from services.audit.signing import Signer
from shared.audit import AuditEntry
from shared.bus import Bus
from shared.database import Pool, open_pool
from shared.feed import RawMessage
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.provision import provision
from shared.runner.context import RunContext
from shared.subjects import AUDIT, RUNS
from tests.integration.status.conftest import connected, eventually
from tests.support.servers import PostgresServer


@pytest.fixture
async def pool(postgres: PostgresServer, database_name: str) -> AsyncIterator[Pool]:
    """As the audit service has it."""
    pool = await open_pool(postgres.url("audit", database_name))
    yield pool
    pool.terminate()


@pytest.fixture
async def admin(postgres: PostgresServer, database_name: str) -> "AsyncIterator[Admin]":
    """Somebody who may do anything to the database."""
    connection = await asyncpg.connect(postgres.config.admin_url(database_name))
    await connection.execute("set search_path = audit_log, audit")
    yield connection
    await connection.close()


@pytest.fixture
def keeper_url(postgres: PostgresServer, database_name: str) -> str:
    return postgres.url(AUDIT_KEEPER, database_name)


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    await provision(bus_url, [])
    async with connected(bus_url) as bus:
        yield bus


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    ensure_keys(tmp_path / "key.pem")
    return read_keys(tmp_path / "key.pem")


Admin = asyncpg.Connection


@dataclass
class Log:
    """A log with its signer and its check."""

    pool: Pool
    bus: Bus
    keys: Keys
    folder: Path
    context: RunContext = field(
        default_factory=lambda: RunContext(
            run_id=new_id(), attempt=1, job="audit.verify-log", client="main", principal="ada"
        )
    )

    async def write(self, entries: Iterable[AuditEntry]) -> None:
        """Append them, in one transaction."""
        async with self.pool.acquire() as connection, connection.transaction():
            await append(connection, [new_entry(entry) for entry in entries])

    def signer(self, *, after: float, webhook: str | None = None) -> Signer:
        return Signer(self.pool, self.keys, self.folder, webhook, after=after)

    async def sign(self) -> None:
        """Sign the end, and hand the head over."""
        signer = self.signer(after=0)
        await signer.sign()
        await signer.hand_over()

    async def check(self, *, folder: bool = True) -> Checked:
        outbox = Outbox(self.pool, Relay(self.pool, self.bus), self.context)
        check = LogCheck(self.pool, outbox, self.context, self.keys, self.folder if folder else None)
        async for _ in check.run():
            pass
        return check.checked


def new_entry(entry: AuditEntry) -> NewEntry:
    raw = RawMessage(1, entry.subject, entry.time, entry.encode())
    found = entry_of(AUDIT, "", raw)
    assert found is not None
    return found


def deeds(count: int, action: str = "signed_in", client: str | None = "muster-ag") -> list[AuditEntry]:
    return [
        AuditEntry(action=action, principal=f"user-{n % 3}", concern=f"session:{uuid4()}", client=client)
        for n in range(count)
    ]


@pytest.fixture
def audit_log(pool: Pool, bus: Bus, keys: Keys, tmp_path: Path) -> Log:
    return Log(pool, bus, keys, tmp_path / "heads")


@asynccontextmanager
async def recording(bus: Bus, pool: Pool) -> AsyncIterator[None]:
    """The recorders of a replica at work."""
    tasks = [
        asyncio.create_task(Recorder(bus.nc, pool, stream, lambda: None).run()) for stream in (AUDIT, RUNS)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["Admin", "Log", "connected", "deeds", "eventually", "recording"]
