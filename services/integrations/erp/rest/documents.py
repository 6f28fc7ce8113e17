"""The documents of bookings, as they came in."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from shared.files import Files
from shared.intake import original_key
from shared.media_types import Unsuitable, media_type_of
from shared.workplace import workplace


class Documents(Protocol):
    """What a run may read of its client's documents."""

    async def missing(self, documents: Sequence[UUID]) -> frozenset[UUID]:
        """Which of them have no file."""

    async def read(self, document: UUID) -> tuple[bytes, str]:
        """Content and media type. Raises `file_missing`."""


class StoredDocuments:
    """The documents of one client in the files port."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def missing(self, documents: Sequence[UUID]) -> frozenset[UUID]:
        return frozenset([one for one in documents if not await self._files.exists(original_key(one))])

    async def read(self, document: UUID) -> tuple[bytes, str]:
        with workplace() as folder:
            path = folder / "document"
            await self._files.fetch(original_key(document), path)
            try:
                kind = str(media_type_of(path))
            except Unsuitable:
                kind = "application/octet-stream"
            return path.read_bytes(), kind
