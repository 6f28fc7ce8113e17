"""A backup is of one moment, whole, and comes back as it was."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest
from nats.aio.client import Client

from deploy.backup.manifest import CONTENTS, MANIFEST, newest
from deploy.backup.places import Places, of_folder, with_database
from deploy.backup.restore import restore_backup
from deploy.backup.take import DATABASE, take_backup
from shared.errors import TagwerkError
from shared.provision import provision
from shared.subjects import BUCKETS, EVENTS, RUNS
from tests.conftest import MakeNatsServer
from tests.support.servers import NatsServer, PostgresServer

#: Tables of the database that keep the position of a reader of a stream.
FOLLOWING = {"audit.checkpoints", "reporting.followed", "status.checkpoint"}


@dataclass
class Site:
    places: Places
    server: NatsServer
    postgres: PostgresServer

    def new(self, server: NatsServer, folder: Path) -> tuple[Places, dict[str, Any]]:
        """Empty places, and what a restore is told about the database."""
        name = f"restored_{folder.name.replace('-', '_').lower()}"
        url = self.postgres.config.admin_url()
        places = Places(server.url(), with_database(url, name), of_folder(folder / "files"))
        return places, {"server_url": url, "database": name, "roles": self.postgres.config.roles}


@pytest.fixture
async def site(
    make_nats_server: MakeNatsServer, postgres: PostgresServer, database_name: str, tmp_path: Path
) -> Site:
    server = make_nats_server()
    await provision(server.url(), [])
    url = with_database(postgres.config.admin_url(), database_name)
    return Site(Places(server.url(), url, of_folder(tmp_path / "files")), server, postgres)


@pytest.fixture
async def bus(site: Site) -> AsyncIterator[Client]:
    nc = await nats.connect(site.server.url())
    yield nc
    await nc.close()


async def messages(url: str, stream: str) -> list[tuple[int, str, bytes, dict[str, str]]]:
    nc = await nats.connect(url)
    js = nc.jetstream()
    state = (await js.stream_info(stream)).state
    found = []
    for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
        try:
            message = await js.get_msg(stream, sequence, direct=True)
        except nats.js.errors.NotFoundError:
            continue
        headers = {
            name: value
            for name, value in (message.headers or {}).items()
            if name not in ("Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp")
        }
        found.append((sequence, message.subject or "", message.data or b"", headers))
    await nc.close()
    return found


async def test_what_comes_back_is_what_was_there(
    site: Site, bus: Client, make_nats_server: MakeNatsServer, tmp_path: Path
) -> None:
    js = bus.jetstream()
    for number in range(1, 8):
        await js.publish(f"event.thing.{number}", b"%d" % number, headers={"Nats-Msg-Id": f"id-{number}"})
    # A stream that lost its beginning, a message within, and its end.
    await js.purge_stream(EVENTS, seq=3)
    for sequence in (5, 7):
        await js.delete_msg(EVENTS, sequence)
    headers = {"Nats-Expected-Last-Subject-Sequence": "0"}
    await js.publish("run.lab.noop.1.ev", b"{}", headers=headers)
    bucket = await js.key_value(BUCKETS[0])
    for value in (b"old", b"new"):
        await bucket.put("job", value)
    await js.subscribe("event.>", durable="handler", stream=EVENTS, manual_ack=True)
    reading = await js.pull_subscribe("event.>", durable="reader", stream=EVENTS)
    first, second, _ = await reading.fetch(3)
    await first.ack_sync()
    await second.ack_sync()
    database = await asyncpg.connect(site.places.database_url)
    created = json.loads((await bus.request(f"$JS.API.STREAM.INFO.{EVENTS}", b"")).data)["created"]
    await database.execute(f"insert into audit.checkpoints values ('{EVENTS}', $1, 6, '')", created)
    await database.execute(
        f"insert into reporting.followed (reader, stream, created, sequence) values ('r', '{EVENTS}', $1, 6)",
        created,
    )
    (tmp_path / "files" / "clients").mkdir(parents=True)
    (tmp_path / "files" / "clients" / "paper.pdf").write_bytes(b"paper")

    taken = await take_backup(site.places, tmp_path / "backups")
    again = await take_backup(site.places, tmp_path / "backups")
    assert (taken.new_contents, again.new_contents) == (1, 0)
    assert newest(tmp_path / "backups") == again.folder

    server = make_nats_server()
    places, told = site.new(server, tmp_path / "new")
    doubts = await restore_backup(places, again.folder, **told)
    assert (doubts.runs, doubts.effects) == ([], [])
    assert (tmp_path / "new" / "files" / "clients" / "paper.pdf").read_bytes() == b"paper"
    assert await messages(server.url(), EVENTS) == await messages(site.server.url(), EVENTS)
    ((sequence, _, _, kept),) = await messages(server.url(), RUNS)
    assert (sequence, kept) == (1, {})

    nc = await nats.connect(server.url())
    js = nc.jetstream()
    assert (await js.stream_info(EVENTS)).config == (await bus.jetstream().stream_info(EVENTS)).config
    assert (await (await js.key_value(BUCKETS[0])).get("job")).value == b"new"
    resumed = await js.pull_subscribe("event.>", durable="reader", stream=EVENTS)
    assert [message.metadata.sequence.stream for message in await resumed.fetch(5)] == [6]
    # Known by its id still; and the next message comes behind what was deleted at the end.
    assert (await js.publish("event.thing.6", b"6", headers={"Nats-Msg-Id": "id-6"})).duplicate
    assert (await js.publish("event.thing.8", b"8")).seq == 8
    restored = await asyncpg.connect(places.database_url)
    now_created = json.loads((await nc.request(f"$JS.API.STREAM.INFO.{EVENTS}", b"")).data)["created"]
    assert now_created != created
    for table in FOLLOWING - {"status.checkpoint"}:
        assert await restored.fetchval(f"select created from {table}") == now_created
    for connection in (database, restored, nc):
        await connection.close()


async def test_a_backup_under_load_is_of_one_moment(
    site: Site, bus: Client, make_nats_server: MakeNatsServer, tmp_path: Path
) -> None:
    """A row tells of the message before it, and a message of the row before it: none lacks the other."""
    js = bus.jetstream()
    await _execute(site.places.database_url, "create table public.written (number int primary key)")
    stop = asyncio.Event()

    async def write(start: int) -> None:
        connection = await asyncpg.connect(site.places.database_url)
        number = start
        while not stop.is_set():
            await js.publish("event.told.before", b"%d" % number)
            await connection.execute("insert into public.written values ($1)", number)
            await js.publish("event.told.after", b"%d" % number)
            number += 1
        await connection.close()

    writers = [asyncio.create_task(write(n * 1_000_000)) for n in range(4)]
    try:
        async with asyncio.timeout(30):
            while (await js.stream_info(EVENTS)).state.messages < 200:  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.02)
        taken = await take_backup(site.places, tmp_path / "backups")
    finally:
        stop.set()
        await asyncio.gather(*writers)
    server = make_nats_server()
    places, told = site.new(server, tmp_path / "load")
    await restore_backup(places, taken.folder, **told)
    found = await messages(server.url(), EVENTS)
    before = {int(data) for _, subject, data, _ in found if subject == "event.told.before"}
    after = {int(data) for _, subject, data, _ in found if subject == "event.told.after"}
    restored = await asyncpg.connect(places.database_url)
    rows = {number for (number,) in await restored.fetch("select number from public.written")}
    await restored.close()
    assert after <= rows <= before
    assert len(before) - len(after) <= 4
    assert len(before) < (await js.stream_info(EVENTS)).state.messages / 2


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _forge(path: Path) -> None:
    told = json.loads(path.read_text())
    told["rows"] = {}
    path.write_text(json.dumps(told))


DAMAGES: list[tuple[str, Callable[[Path], None], str]] = [
    (DATABASE, _cut, "backup_altered"),
    ("EVENTS.messages.gz", _flip, "backup_altered"),
    ("RUNS.messages.gz", Path.unlink, "backup_altered"),
    (MANIFEST, _forge, "backup_altered"),
    (MANIFEST, _cut, "backup_altered"),
    (MANIFEST, Path.unlink, "backup_missing"),
    ("files.jsonl", _flip, "backup_altered"),
    (
        CONTENTS,
        lambda path: _flip(next(file for file in path.rglob("*") if file.is_file())),
        "backup_altered",
    ),
]


async def test_a_damaged_backup_is_refused_and_so_are_places_that_are_in_use(
    site: Site, bus: Client, make_nats_server: MakeNatsServer, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir(exist_ok=True)
    (tmp_path / "files" / "paper.pdf").write_bytes(b"paper")
    await bus.jetstream().publish("event.thing.happened", b"1")
    left = tmp_path / "backups" / "new.unfinished"
    left.mkdir(parents=True)
    (left / "database.dump").touch()
    taken = await take_backup(site.places, tmp_path / "backups")
    assert not left.exists()

    server = make_nats_server()
    places, told = site.new(server, tmp_path / "refused")
    for number, (name, damage, code) in enumerate(DAMAGES):
        copy = tmp_path / f"damaged-{number}"
        shutil.copytree(tmp_path / "backups", copy)
        backup = copy / taken.folder.name
        damage(copy / name if name == CONTENTS else backup / name)
        assert await _refusal(places, backup, told) == code, name

    (tmp_path / "refused" / "files").mkdir(parents=True, exist_ok=True)
    used = tmp_path / "refused" / "files" / "other.pdf"
    used.touch()
    assert await _refusal(places, taken.folder, told) == "files_in_use"
    used.unlink()
    busy = Places(site.server.url(), places.database_url, places.files_url)
    assert await _refusal(busy, taken.folder, told) == "bus_in_use"
    await restore_backup(places, taken.folder, **told)
    shutil.rmtree(tmp_path / "refused" / "files")
    empty = make_nats_server()
    again = Places(empty.url(), places.database_url, places.files_url)
    await _execute(places.database_url, "create table public.used as select 1 as one")
    assert await _refusal(again, taken.folder, told) == "database_in_use"


async def _refusal(places: Places, backup: Path, told: dict[str, Any]) -> str:
    with pytest.raises(TagwerkError) as refused:
        await restore_backup(places, backup, **told)
    return refused.value.failure.code


async def test_every_table_with_a_position_in_a_stream_is_known(
    postgres: PostgresServer, database_name: str
) -> None:
    from deploy.backup.database import follow_restored_streams

    connection = await asyncpg.connect(with_database(postgres.config.admin_url(), database_name))
    assert set(await follow_restored_streams(connection, {}, [])) == FOLLOWING
    await connection.close()
