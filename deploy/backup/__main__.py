"""Backup and restore of an installation on machines of its own.

`python -m deploy.backup take FOLDER`, `verify FOLDER`, `restore FOLDER`, with the administrators' addresses
in the environment, as `deploy.provision` reads them, and `TAGWERK_FILES_URL`.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.backup.manifest import newest
from deploy.backup.places import Places, with_database
from deploy.backup.restore import restore_backup, verified
from deploy.backup.take import take_backup
from deploy.backup.told import told_of_restore, told_of_taken
from shared.errors import TagwerkError


class BackupSettings(BaseSettings):
    """Environment variables with the prefix `TAGWERK_`."""

    model_config = SettingsConfigDict(env_prefix="TAGWERK_", extra="ignore")

    nats_url: str
    #: Address of the database server.
    database_url: str
    database_name: str = "tagwerk"
    #: Role -> password, as JSON; a restore makes those that are missing.
    database_roles: dict[str, str] = Field(default_factory=dict)
    files_url: str

    @property
    def places(self) -> Places:
        return Places(self.nats_url, with_database(self.database_url, self.database_name), self.files_url)


async def _take(folder: Path) -> str:
    return told_of_taken(await take_backup(BackupSettings().places, folder))


async def _verify(folder: Path) -> str:
    manifest = await asyncio.to_thread(verified, newest(folder))
    return f"The backup of {manifest.moment:%Y-%m-%d %H:%M:%S} UTC is whole."


async def _restore(folder: Path) -> str:
    settings = BackupSettings()
    doubts = await restore_backup(
        settings.places, newest(folder),
        server_url=settings.database_url, database=settings.database_name, roles=settings.database_roles,
    )  # fmt: skip
    return told_of_restore(doubts)


_COMMANDS = {"take": _take, "verify": _verify, "restore": _restore}


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in _COMMANDS:
        sys.exit("usage: python -m deploy.backup take|verify|restore FOLDER")
    try:
        print(asyncio.run(_COMMANDS[sys.argv[1]](Path(sys.argv[2]).absolute())))
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause} {error.failure.next_step}")


if __name__ == "__main__":
    main()
