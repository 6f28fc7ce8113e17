"""Signs heads and hands them over: to a folder, to a webhook, until both have them.

A head is a row first. Killed between row and folder, it is handed over at the next start; handed over twice,
it is the same bytes under the same name.
"""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import structlog

from services.audit.chain import SCHEMA, Connection, read_end
from services.audit.heads import AFTER, NO_HEAD, Head, SignedHead, ends_to_sign
from services.audit.keys import Keys
from shared.clients.destinations import DestinationNotAllowed, admit
from shared.database import DATABASE_ERRORS, Pool

log = structlog.get_logger(__name__)

#: Seconds between two looks whether the end waits for its head.
LOOK = 30.0
#: Seconds that a webhook has to answer.
WEBHOOK_TIMEOUT = 10.0
#: Heads that are handed over in one go.
_AT_ONCE = 100


class Signer:
    """One at a time signs, whichever replica is there first."""

    def __init__(
        self, pool: Pool, keys: Keys, folder: Path | None, webhook: str | None, *, after: float = AFTER
    ) -> None:
        """`folder` and `webhook`: to whom heads go. `after`: seconds that an entry waits for its head."""
        self._pool = pool
        self._keys = keys
        self._folder = folder
        self._webhook = webhook
        self._after = after
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """The log became longer."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            try:
                await self.sign()
                await self.hand_over()
            except (*DATABASE_ERRORS, OSError) as error:
                log.warning("heads of the audit log wait", error=repr(error))
                await asyncio.sleep(1)
            try:
                async with asyncio.timeout(min(LOOK, self._after)):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
            # What comes in one batch is signed in one go.
            await asyncio.sleep(0.1)

    async def sign(self) -> None:
        """Sign what is due."""
        async with self._pool.acquire() as connection, connection.transaction():
            mine = await connection.fetchval(
                "select pg_try_advisory_xact_lock(hashtext('audit-signer'), hashtext(current_schema()))"
            )
            if not mine:
                return
            last = await connection.fetchrow(
                "select statement, ordinal, number from heads order by ordinal desc limit 1"
            )
            before = None if last is None else Head.read(last["statement"])
            signed = 0 if before is None else before.number
            end = await read_end(connection)
            overdue = await connection.fetchval(
                f"select recorded_at < now() - make_interval(secs => $2) from {SCHEMA}.entries"  # noqa: S608
                " where number = $1 + 1",
                signed,
                self._after,
            )
            for number in ends_to_sign(signed, end.number, overdue=bool(overdue)):
                before = await self._sign_end(connection, end.log_id, number, before)

    async def _sign_end(self, connection: Connection, log_id: Any, number: int, before: Head | None) -> Head:
        hash = await connection.fetchval(f"select hash from {SCHEMA}.entries where number = $1", number)  # noqa: S608
        head = Head(
            log_id=log_id,
            ordinal=1 if before is None else before.ordinal + 1,
            number=number,
            hash=hash,
            signed_at=datetime.now(UTC),
            previous=NO_HEAD if before is None else before.digest,
        )
        await connection.execute(
            "insert into heads (ordinal, number, statement, signature, key, signed_at)"
            " values ($1, $2, $3, $4, $5, $6)",
            head.ordinal, head.number, head.statement, self._keys.sign(head.statement), self._keys.public,
            head.signed_at,
        )  # fmt: skip
        return head

    async def hand_over(self) -> None:
        """Give to folder and webhook what they do not have yet, in order."""
        if self._folder is not None:
            while rows := await self._waiting("written_at"):
                for row in rows:
                    await asyncio.to_thread(write_head, self._folder, _signed(row))
                    await self._done("written_at", row["ordinal"])
        if self._webhook is not None:
            await self._post(self._webhook)

    async def _post(self, webhook: str) -> None:
        rows = await self._waiting("posted_at")
        if not rows:
            return
        async with httpx.AsyncClient(timeout=WEBHOOK_TIMEOUT) as client:
            for row in rows:
                signed = _signed(row)
                try:
                    _admit(webhook)
                    answer = await client.post(
                        webhook,
                        content=signed.encode(),
                        headers={
                            "content-type": "application/json",
                            "webhook-id": f"tagwerk-audit-head-{row['ordinal']}",
                        },
                    )
                    answer.raise_for_status()
                except (httpx.HTTPError, DestinationNotAllowed) as error:
                    # The next look tries again; the state of the log tells how many wait.
                    log.warning("the webhook does not take heads of the audit log", error=repr(error))
                    return
                await self._done("posted_at", row["ordinal"])

    async def _waiting(self, column: str) -> list[asyncpg.Record]:
        return await self._pool.fetch(
            f"select ordinal, statement, signature, key from heads where {column} is null"  # noqa: S608
            " order by ordinal limit $1",
            _AT_ONCE,
        )

    async def _done(self, column: str, ordinal: int) -> None:
        await self._pool.execute(f"update heads set {column} = now() where ordinal = $1", ordinal)  # noqa: S608


def _signed(row: asyncpg.Record) -> SignedHead:
    return SignedHead(row["statement"], row["signature"], row["key"])


def write_head(folder: Path, head: SignedHead) -> None:
    """Durable and whole, or not there at all; a head that is there already stays as it is."""
    file = folder / head.file_name
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{head.file_name}.{os.getpid()}"
    with unfinished.open("wb") as opened:
        opened.write(head.encode())
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(unfinished, file)
    except FileExistsError:
        if file.read_bytes() != head.encode():
            log.error("another head of that number lies in the folder", file=str(file))
    unfinished.unlink()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _admit(webhook: str) -> None:
    """Raises `DestinationNotAllowed`."""
    address = httpx.URL(webhook)
    admit("audit-webhook", address.host, address.port or (443 if address.scheme == "https" else 80))
