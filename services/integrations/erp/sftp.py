"""Exports that go to a folder on an SFTP server, in the same way as into a local one (`pickup`).

They are staged under a name that is committed, then moved, which is atomic there too. So whoever finds the
committed name gone knows that it was moved, even if the answer was lost or the export has been taken since.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from services.integrations.erp.handover import ErpHandover, FolderHandover, Stages, write_export
from services.integrations.erp.rules import Datev
from services.integrations.erp.sftp_folder import SftpFolder
from services.integrations.erp.store import BegunExport
from services.integrations.pickup import STAGING
from shared.clients.sftp import SftpSystem
from shared.files import Files
from shared.folders import probe_folder
from shared.ids import new_id
from shared.runner.context import Calls
from shared.workplace import workplace

#: The system outside, as jobs and settings name it.
SYSTEM: Final = "erp-sftp"


def handover_of(rules: Datev, files: Files, calls: Calls) -> ErpHandover:
    """The way that a client's exports go."""
    if rules.sftp is not None:
        return SftpHandover(files, rules.sftp, calls)
    assert rules.folder is not None, "checked when the rules were read"
    return FolderHandover(files, rules.folder)


async def probe_erp_folder(rules: Datev) -> str:
    """Whether the folder can be written. Raises what a run would."""
    return "exports go to an SFTP server" if rules.folder is None else await probe_folder(rules.folder)


async def probe_erp_sftp(rules: Datev) -> str:
    """Whether the server can be signed in to, and its folder seen. Raises what a run would."""
    if rules.sftp is None:
        return "exports go into a folder, and to no SFTP server"
    async with SftpSystem(SYSTEM, Calls(lambda call: None), rules.sftp.address()) as sftp:
        waiting = sum(not name.startswith(".") for name in await sftp.names(rules.sftp.folder))
    return f"signed in; {waiting} files and folders wait there"


class SftpHandover:
    """The files of one client, and the folder on the server from which its exports are taken."""

    def __init__(self, files: Files, target: SftpFolder, calls: Calls) -> None:
        self._files = files
        self._target = target
        self._calls = calls
        self._staging = f"{target.folder}/{STAGING}"

    async def missing(self, keys: Sequence[str]) -> Sequence[str]:
        return [key for key in keys if not await self._files.exists(key)]

    async def hand_over(self, export: BegunExport, store: Stages) -> None:
        async with SftpSystem(SYSTEM, self._calls, self._target.address()) as sftp:
            staged = export.staged
            if staged is None:
                name = f"{export.id}.{new_id().hex}"
                await self._stage(sftp, name, export)
                staged = await store.stage(export.id, name)
            await sftp.move(f"{self._staging}/{staged}", f"{self._target.folder}/{export.name}")
            # Copies of other attempts. A folder that is gone altogether is another matter, and raises.
            for name in await sftp.names(self._staging):
                if name.startswith(f"{export.id}."):
                    await sftp.remove(f"{self._staging}/{name}")

    async def _stage(self, sftp: SftpSystem, name: str, export: BegunExport) -> None:
        await sftp.make_folder(f"{self._staging}/{name}")
        with workplace() as folder:
            made = folder / "export"
            made.mkdir()
            await write_export(made, export, self._files)
            for path in sorted(made.iterdir()):
                content = await asyncio.to_thread(path.read_bytes)
                await sftp.upload(content, f"{self._staging}/{name}/{path.name}")
