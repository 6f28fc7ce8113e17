"""Heads: when they are signed, and that whoever is to have them gets them, in order, all of them."""

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.audit import heads
from services.audit.heads import SignedHead
from services.audit.keys import ensure_keys, read_keys
from services.audit.measures import measure_log
from shared.database import Pool
from shared.errors import TagwerkError
from shared.metrics.registry import REGISTRY
from tests.integration.audit.conftest import Log, deeds

NUMBERS = "select array_agg(number order by ordinal) from heads"


@asynccontextmanager
async def webhook(answers: list[int]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An address that answers each request with the next status, then always with 200; and the bodies."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        bodies.append(await reader.readexactly(length))
        status = answers.pop(0) if answers else 200
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/heads", bodies


async def test_a_head_is_signed_for_each_thousandth_entry_and_after_an_hour(
    audit_log: Log, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "EVERY", 10)
    signer = audit_log.signer(after=3600)
    await measure_log(pool)
    assert REGISTRY.get_sample_value("tagwerk_audit_head_timestamp_seconds") == 0
    await audit_log.write(deeds(25))
    await signer.sign()
    assert await pool.fetchval(NUMBERS) == [10, 20]
    await measure_log(pool)
    signed = REGISTRY.get_sample_value("tagwerk_audit_head_timestamp_seconds")
    assert signed == pytest.approx(time.time(), abs=60)
    # Killed before it was handed over: the next one does it.
    assert not audit_log.folder.exists()
    await signer.hand_over()
    assert len(list(audit_log.folder.iterdir())) == 2
    await signer.sign()
    assert await pool.fetchval(NUMBERS) == [10, 20]
    await audit_log.signer(after=0).sign()
    assert await pool.fetchval(NUMBERS) == [10, 20, 25]
    # And nothing more, as long as nothing happens.
    await audit_log.signer(after=0).sign()
    assert await pool.fetchval(NUMBERS) == [10, 20, 25]


async def test_a_webhook_gets_every_head_in_order_however_often_it_is_away(
    audit_log: Log, pool: Pool
) -> None:
    async with webhook([503]) as (address, bodies):
        signer = audit_log.signer(after=0, webhook=address)
        for _ in range(3):
            await audit_log.write(deeds(2))
            await signer.sign()
        await signer.hand_over()
        waiting = "select count(*) from heads where posted_at is null"
        # The first was refused, so none overtakes it.
        assert (await pool.fetchval(waiting), len(bodies)) == (3, 1)
        await signer.hand_over()
        assert await pool.fetchval(waiting) == 0
    received = [SignedHead.decode(body) for body in bodies[1:]]
    assert [heads.Head.read(one.statement).number for one in received] == [2, 4, 6]
    assert all(audit_log.keys.vouches_for(one.statement, one.signature, one.key) for one in received)
    # The same bytes as in the folder.
    assert [file.read_bytes() for file in sorted(audit_log.folder.iterdir())] == bodies[1:]


async def test_a_key_is_made_once_for_its_owner_alone_and_old_ones_stay_trusted(
    audit_log: Log, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    before = file.read_bytes()
    assert not ensure_keys(file)
    assert file.read_bytes() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await audit_log.write(deeds(1))
    await audit_log.sign()
    # Another key, without the old one: its head counts for nothing.
    file.rename(tmp_path / "old.pem")
    old_public = (tmp_path / "key.pem.pub").read_bytes()
    assert ensure_keys(file)
    audit_log.keys = read_keys(file)
    [wrong, *_] = (await audit_log.check()).wrong_heads
    assert wrong == "head 1 in the database has no valid signature of a known key"
    file.write_bytes(file.read_bytes() + old_public)
    audit_log.keys = read_keys(file)
    await audit_log.write(deeds(1))
    await audit_log.sign()
    checked = await audit_log.check()
    assert (checked.heads, checked.wrong_heads, checked.findings) == (2, [], [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"nothing", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be used"),
    ],
)
def test_a_key_that_cannot_be_used_says_why(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TagwerkError) as refused:
        read_keys(file)
    assert refused.value.failure.code == "audit_key_unusable"
    assert words in refused.value.failure.cause
