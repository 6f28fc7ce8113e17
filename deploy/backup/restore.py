"""Restoring a backup to places that are empty."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from deploy.backup.cut import api
from deploy.backup.database import (
    count_rows,
    follow_restored_streams,
    refuse_used_database,
    restore_database,
)
from deploy.backup.doubts import Doubts, find_doubts
from deploy.backup.files import LIST, refuse_used_store, restore_files, verify_files
from deploy.backup.manifest import CONTENTS, Manifest
from deploy.backup.places import Places
from deploy.backup.streams import refuse_used_streams, restore_stream
from deploy.backup.take import DATABASE
from deploy.roles import empty_database
from shared.errors import TagwerkError
from shared.files import open_store


def verified(backup: Path) -> Manifest:
    """The manifest of a backup that is whole. Raises `TagwerkError`: `backup_missing`, `backup_altered`."""
    manifest = Manifest.read(backup)
    manifest.verify(backup)
    verify_files(backup / LIST, backup.parent / CONTENTS)
    return manifest


async def restore_backup(
    places: Places, backup: Path, *, server_url: str, database: str, roles: Mapping[str, str]
) -> Doubts:
    """Put a backup into empty places, and verify what came of it; the services must not run.

    `server_url`: of the database server, for a role that may make databases; `roles`: role -> password, made
    where they are missing. Raises `TagwerkError`: `backup_missing`, `backup_altered`, `database_in_use`,
    `bus_in_use`, `files_in_use`, `restore_incomplete`, ...
    """
    manifest = await asyncio.to_thread(verified, backup)
    store = open_store(places.files_url)
    nc = await places.bus()
    try:
        refuse_used_store(store)
        await refuse_used_streams(nc, manifest.streams)
        await empty_database(server_url, roles, database, refuse_used_database)
        await restore_files(store, backup.parent / CONTENTS, backup / LIST)
        await restore_database(places.database_url, backup / DATABASE)
        moment = manifest.moment.timestamp()
        for stream in manifest.streams:
            await restore_stream(nc, stream, backup / f"{stream.name}.messages.gz", moment)
        made = (await api(nc, "STREAM.LIST"))["streams"]
    finally:
        await nc.close()
    connection = await places.database()
    try:
        _verify(manifest, await count_rows(connection), made)
        created = {stream["config"]["name"]: stream["created"] for stream in made}
        await follow_restored_streams(connection, created, manifest.streams)
        return await find_doubts(connection, manifest.moment)
    finally:
        await connection.close()


def _verify(manifest: Manifest, rows: dict[str, int], made: list[dict[str, object]]) -> None:
    held = {stream["config"]["name"]: stream["state"]["messages"] for stream in made}  # type: ignore[index]
    wrong = [
        f"{name} holds {found.get(name, 0)} instead of {count}"
        for found, wanted in (
            (rows, manifest.rows),
            (held, {stream.name: stream.messages for stream in manifest.streams}),
        )
        for name, count in wanted.items()
        if found.get(name, 0) != count
    ]
    if wrong:
        raise TagwerkError(
            "restore_incomplete",
            f"what was restored is not what was saved: {'; '.join(wrong)}",
            next_step="Report it, with this message, and restore another backup.",
        )
