"""Where an export goes: a folder of its own, with the stack of bookings and a ZIP of its documents, appears
in the client's folder, at once and whole. `pickup` says why that happens once.

The ZIP is what DATEV Belegtransfer takes: a `document.xml` (XML-Schnittstelle online, Document 6.0) names
each file by the GUID that its booking links to, which is the document's id.
"""

import asyncio
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID
from xml.sax.saxutils import quoteattr

from services.integrations.erp.store import BegunExport
from services.integrations.pickup import STAGING, clear, move, sync, write
from shared.errors import TagwerkError
from shared.files import Files
from shared.ids import new_id
from shared.intake import original_key
from shared.media_types import Unsuitable, extension_of, media_type_of
from shared.workplace import workplace

_NAMESPACE: Final = "http://xml.datev.de/bedi/tps/document/v06.0"


class Stages(Protocol):
    """What a handover asks of a store."""

    async def stage(self, export_id: UUID, name: str) -> str:
        """Remember the name of the copy; the name that counts, which another attempt may have given."""


class ErpHandover(Protocol):
    """How a run hands a begun export over."""

    async def missing(self, keys: Sequence[str]) -> Sequence[str]:
        """Which of these keys of the files port have no file."""

    async def hand_over(self, export: BegunExport, store: Stages) -> None:
        """Do it, or finish what another attempt has begun of it. Raises `file_missing`, and what the way
        raises: `erp_folder_unavailable`, which is retryable, or what `SftpSystem` does."""


class FolderHandover:
    """The files of one client, and the folder from which its exports are taken."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._folder = folder

    async def missing(self, keys: Sequence[str]) -> Sequence[str]:
        return [key for key in keys if not await self._files.exists(key)]

    async def hand_over(self, export: BegunExport, store: Stages) -> None:
        staged = export.staged
        try:
            if staged is None:
                name = f"{export.id}.{new_id().hex}"
                await self._stage(name, export)
                staged = await store.stage(export.id, name)
            await asyncio.to_thread(move, self._folder, staged, export.name)
            await asyncio.to_thread(clear, self._folder, f"{export.id}.*")
        except OSError as error:
            raise TagwerkError(
                "erp_folder_unavailable",
                f"the folder cannot be written: {error.strerror or error}",
                concern=str(self._folder),
                next_step="Check the folder in the file that TAGWERK_ERP_FILE names, and its rights. Nothing "
                "is lost: the next attempt or run completes this export.",
                retryable=True,
            ) from error

    async def _stage(self, name: str, export: BegunExport) -> None:
        target = self._folder / STAGING / name
        await asyncio.to_thread(target.mkdir, parents=True)
        await write_export(target, export, self._files)
        await asyncio.to_thread(sync, target)
        await asyncio.to_thread(sync, target.parent)


async def write_export(target: Path, export: BegunExport, files: Files) -> None:
    """Write the stack of bookings and the ZIP of their documents into a folder. Raises `file_missing`."""
    await asyncio.to_thread(write, target / f"EXTF_Buchungsstapel_{export.name}.csv", export.content)
    with workplace() as folder:
        found = []
        for number, document in enumerate(export.documents):
            path = folder / str(number)
            await files.fetch(original_key(document.document_id), path)
            found.append((str(document.document_id), document.invoice_number, path))
        await asyncio.to_thread(_write_zip, target / f"Belege_{export.name}.zip", found, export)


def _write_zip(target: Path, found: list[tuple[str, str, Path]], export: BegunExport) -> None:
    # Always the same bytes: entries have the time of the export.
    made = export.created_at.timetuple()[:6]

    def entry(name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, made)
        info.compress_type = zipfile.ZIP_DEFLATED
        return info

    lines = []
    with target.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for guid, number, path in found:
            name = f"{_plain(number)}{guid[:8]}.{_ending(path)}"
            archive.writestr(entry(name), path.read_bytes())
            lines.append(
                f'    <document guid={quoteattr(guid)} processID="1">\n'
                f'      <extension xsi:type="File" name={quoteattr(name)}/>\n'
                "    </document>\n"
            )
        archive.writestr(entry("document.xml"), _document_xml(lines, export))


def _document_xml(lines: list[str], export: BegunExport) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<archive xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{_NAMESPACE} Document_v060.xsd" version="6.0" generatingSystem="Tagwerk">\n'
        "  <header>\n"
        f"    <date>{export.created_at:%Y-%m-%dT%H:%M:%S}</date>\n"
        f"    <description>Tagwerk {export.name}</description>\n"
        "  </header>\n"
        f"  <content>\n{''.join(lines)}  </content>\n"
        "</archive>\n"
    )


def _plain(number: str) -> str:
    """An invoice number as a part of a file name."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", number).strip("-")[:40]
    return f"{plain}_" if plain else ""


def _ending(path: Path) -> str:
    try:
        return extension_of(media_type_of(path))
    except Unsuitable:
        return "bin"
