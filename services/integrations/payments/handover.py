"""Where a payment file goes: into the files port, and into the folder from which the bank's software takes.

The first may be done as often as one likes: the same bytes under the same key. The second may not: the
bank's software removes what it has taken, and a file that appears again is taken again. `pickup` says how.
"""

import asyncio
from pathlib import Path
from typing import Protocol
from uuid import UUID

from obstore.exceptions import BaseError

from services.integrations.payments.store import BegunFile, PaymentFiles
from services.integrations.pickup import STAGING, clear, move, sync, write
from shared.errors import TagwerkError
from shared.files import Files
from shared.ids import new_id


def file_key(file_id: UUID) -> str:
    """Where a payment file lies in its client's part of the files port."""
    return f"payments/{file_id}.xml"


class Handover(Protocol):
    """How a run hands a begun file over."""

    async def hand_over(self, file: BegunFile, store: PaymentFiles) -> None:
        """Do it, or finish what another attempt has begun of it. Raises `payment_file_not_stored` and
        `pickup_folder_unavailable`, both retryable."""


class FileHandover:
    """The files port of one client, and the client's pick-up folder if there is one."""

    def __init__(self, files: Files, folder: Path | None) -> None:
        self._files = files
        self._folder = folder

    async def hand_over(self, file: BegunFile, store: PaymentFiles) -> None:
        try:
            await self._files.put(file_key(file.id), file.content)
        except (OSError, BaseError) as error:
            raise TagwerkError(
                "payment_file_not_stored",
                f"the storage does not take the file: {error}",
                concern=file_key(file.id),
                next_step="Check the storage behind TAGWERK_FILES_URL. Nothing is lost: the next attempt or "
                "run completes this file.",
                retryable=True,
            ) from error
        if self._folder is not None:
            await self._put_into(self._folder, file, store)

    async def _put_into(self, folder: Path, file: BegunFile, store: PaymentFiles) -> None:
        try:
            staged = file.staged
            if staged is None:
                name = f"{file.id}.{new_id().hex}"
                await asyncio.to_thread(_stage, folder, name, file.content)
                staged = await store.stage(file.id, name)
            await asyncio.to_thread(move, folder, staged, f"{file.id}.xml")
            await asyncio.to_thread(clear, folder, f"{file.id}.*")
        except OSError as error:
            raise TagwerkError(
                "pickup_folder_unavailable",
                f"the folder cannot be written: {error.strerror or error}",
                concern=str(folder),
                next_step="Check the folder of TAGWERK_PAYMENTS_FOLDER and its rights. Nothing is lost: the "
                "next attempt or run completes this file.",
                retryable=True,
            ) from error


def _stage(folder: Path, name: str, content: bytes) -> None:
    staging = folder / STAGING
    staging.mkdir(parents=True, exist_ok=True)
    write(staging / name, content)
    sync(staging)
