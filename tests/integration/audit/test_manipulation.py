"""Whatever somebody with all rights does to the log, the check names the first entry that is broken."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from deploy.roles import AUDIT_KEEPER
from services.audit.core import BEGINNING, content_hash, entry_hash
from services.audit.heads import SignedHead
from services.audit.keys import ensure_keys, read_keys
from services.audit.measures import measure_log
from shared.database import Pool
from shared.metrics.registry import REGISTRY
from tests.integration.audit.conftest import Admin, Log, deeds
from tests.support.servers import PostgresServer

Break = Callable[[Admin], Awaitable[object]]


async def swap(admin: Admin) -> None:
    """Two entries change places, with their contents."""
    await admin.execute("alter table contents drop constraint contents_number_fkey")
    for table in ("entries", "contents"):
        for old, new in ((5, 1005), (6, 5), (1005, 6)):
            await admin.execute(f"update {table} set number = $2 where number = $1", old, new)


async def insert(admin: Admin) -> None:
    """Another entry becomes number 5; those from there on move."""
    await admin.execute("alter table contents drop constraint contents_number_fkey")
    for table in ("contents", "entries"):
        await admin.execute(f"update {table} set number = number + 1000 where number >= 5")
        await admin.execute(f"update {table} set number = number - 999 where number > 1000")
    await admin.execute(
        "insert into entries select 5, gen_random_uuid(), recorded_at, kind, content_hash, hash from entries"
        " where number = 4"
    )
    await admin.execute(
        "insert into contents select 5, salt, content, time, principal, effective_principal, client, concern,"
        " run_id, trace_id from contents where number = 4"
    )


async def delete(admin: Admin) -> None:
    await admin.execute("delete from contents where number = 5")
    await admin.execute("delete from entries where number = 5")


async def truncate(admin: Admin) -> None:
    await admin.execute("delete from contents where number > 8")
    await admin.execute("delete from entries where number > 8")


async def rewrite(admin: Admin, first: int = 5) -> None:
    """Another principal in one entry, and every hash from there on made to fit."""
    row = await admin.fetchrow("select content, principal from contents where number = $1", first)
    assert row is not None
    content = row["content"].replace(f'"{row["principal"]}"'.encode(), b'"mallory"')
    assert content != row["content"]
    await admin.execute(
        "update contents set content = $2, principal = 'mallory' where number = $1", first, content
    )
    await refit(admin)


async def refit(admin: Admin) -> None:
    """Make every hash fit what stands there."""
    log_id: UUID = await admin.fetchval("select id from log")
    previous = BEGINNING
    for row in await admin.fetch("select * from entries join contents using (number) order by number"):
        hashed = content_hash(row["salt"], row["content"])
        previous = entry_hash(
            log_id, row["number"], row["event_id"], row["recorded_at"], row["kind"], hashed, previous
        )
        await admin.execute(
            "update entries set content_hash = $2, hash = $3 where number = $1",
            row["number"],
            hashed,
            previous,
        )


async def forget(admin: Admin) -> None:
    """The whole log, from its first entry on, by one that fits in itself."""
    await rewrite(admin, first=1)


def statement(sql: str) -> Break:
    return lambda admin: admin.execute(sql)


@pytest.mark.parametrize(
    ("break_it", "first", "words"),
    [
        pytest.param(
            statement("update contents set content = content || ' ' where number = 5"), 5, "was changed",
            id="edit of a content",
        ),
        pytest.param(
            statement("update contents set principal = 'mallory' where number = 5"), 5, "columns",
            id="edit of a column",
        ),
        pytest.param(
            statement("update entries set kind = 'signed_out' where number = 5"), 5, "is not the one",
            id="edit of a kind",
        ),
        pytest.param(
            statement("update entries set recorded_at = recorded_at - interval '1 day' where number = 5"), 5,
            "is not the one", id="edit of a time",
        ),
        pytest.param(
            statement("update entries set event_id = gen_random_uuid() where number = 12"), 12,
            "is not the one", id="edit of the last",
        ),
        pytest.param(delete, 5, "entry 5 is missing", id="delete"),
        pytest.param(
            statement("delete from contents where number = 5"), 5, "is gone, and no entry tells why",
            id="delete of a content",
        ),
        pytest.param(swap, 5, "is not the one", id="reorder"),
        pytest.param(insert, 5, "is not the one", id="insert"),
        pytest.param(truncate, 9, "the log ends at 8, and a head has signed entry 10", id="truncation"),
        pytest.param(rewrite, 5, "one of the entries 5 to 10", id="rewrite from somewhere on"),
        pytest.param(forget, 1, "one of the entries 1 to 4", id="full rewrite"),
        pytest.param(statement("truncate contents, entries"), 1, "the log ends at 0", id="truncate of all"),
    ],
)  # fmt: skip
async def test_the_first_broken_entry_is_named(
    audit_log: Log, pool: Pool, admin: Admin, break_it: Break, first: int, words: str
) -> None:
    # Twelve entries; heads have signed the fourth and the tenth.
    for count in (4, 6, 2):
        await audit_log.write(deeds(count))
        if count != 2:
            await audit_log.sign()
    before = await audit_log.check()
    assert (before.entries, before.heads, before.findings, before.wrong_heads) == (12, 2, [], [])
    await break_it(admin)
    checked = await audit_log.check()
    assert checked.findings[0].number == first
    assert words in checked.findings[0].cause
    row = await admin.fetchrow("select broken, cause from checks")
    assert row is not None
    assert (row["broken"], row["cause"]) == (first, checked.findings[0].cause)
    await measure_log(pool)
    assert REGISTRY.get_sample_value("tagwerk_audit_broken") == 1
    verified = REGISTRY.get_sample_value("tagwerk_audit_verified_timestamp_seconds")
    assert verified == pytest.approx(time.time(), abs=60)


async def test_heads_of_the_folder_count_where_those_of_the_database_were_removed(
    audit_log: Log, admin: Admin
) -> None:
    await audit_log.write(deeds(4))
    await audit_log.sign()
    await admin.execute("delete from heads")
    await forget(admin)
    checked = await audit_log.check()
    assert checked.findings[0].number == 1
    assert checked.wrong_heads == ["head 1 lies in the folder and is gone from the database"]
    # Without the folder, nobody would know: that is what it is for.
    assert (await audit_log.check(folder=False)).findings == []


async def test_heads_that_are_gone_or_of_another_key_are_told(
    audit_log: Log, admin: Admin, tmp_path: Path
) -> None:
    for count in (2, 3, 4):
        await audit_log.write(deeds(count))
        await audit_log.sign()
    files = sorted(audit_log.folder.iterdir())
    assert [file.name for file in files] == [f"head-{n:09}.json" for n in (1, 2, 3)]
    files[1].unlink()
    ensure_keys(tmp_path / "mallory.pem")
    mallory = read_keys(tmp_path / "mallory.pem")
    head = SignedHead.decode(files[2].read_bytes())
    files[2].write_bytes(SignedHead(head.statement, mallory.sign(head.statement), mallory.public).encode())
    files[0].write_bytes(b"{}")
    checked = await audit_log.check()
    assert checked.findings == []
    assert checked.wrong_heads == [
        "head-000000001.json in the folder of heads cannot be read",
        "head 3 in the folder has no valid signature of a known key",
        "head 1 was written to the folder and is gone from there",
        "head 2 was written to the folder and is gone from there",
        "head 3 was written to the folder and is gone from there",
    ]
    await admin.execute("delete from heads where ordinal = 2")
    assert "heads 2 to 2 are missing" in (await audit_log.check()).wrong_heads


@pytest.mark.parametrize("role", ["audit", AUDIT_KEEPER, "gateway", "status"])
async def test_no_role_of_a_service_can_change_the_log(
    postgres: PostgresServer, database_name: str, audit_log: Log, role: str
) -> None:
    await audit_log.write(deeds(3))
    connection = await asyncpg.connect(postgres.url(role, database_name))
    refused = [
        "update audit_log.entries set kind = 'x'",
        "update audit_log.contents set principal = 'x'",
        "delete from audit_log.entries",
        "truncate audit_log.contents",
        "truncate audit_log.entries cascade",
        "alter table audit_log.entries disable trigger all",
        "drop table audit_log.contents",
        "drop schema audit_log cascade",
        "update audit_log.log set id = gen_random_uuid()",
        "delete from audit_log.log",
        f"set role {'audit' if role != 'audit' else AUDIT_KEEPER}",
    ]
    if role != AUDIT_KEEPER:
        refused.append("delete from audit_log.contents")
    if role in ("gateway", "status"):
        refused += ["select * from audit_log.contents", "select * from audit_log.entries"]
    try:
        for sql in refused:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
    finally:
        await connection.close()
    assert (await audit_log.check()).findings == []
