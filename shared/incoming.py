"""Files that jobs read and that are no documents: bank statements, exchange rates, answers of a bank.

One comes in by an upload, which is kept by its content and answered with a reference, or a person puts it
into the client's folder `inbox/<area>/`. A job takes either as a parameter of type `IncomingFile`.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from shared.errors import TagwerkError
from shared.files import FileMissing, Files, Stored

#: The `format` by which a job's JSON Schema tells that a parameter is a file.
FORMAT: Final = "incoming-file"
#: `upload:<sha256>/<name>`.
_UPLOADED: Final = re.compile(r"upload:([0-9a-f]{64})/(.+)", re.DOTALL)
#: No separators, no hidden files, nothing that a terminal obeys: a name cannot lead out of its folder.
_NAME: Final = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,199}")


def _known_form(written: str) -> str:
    uploaded = _UPLOADED.fullmatch(written)
    if not _NAME.fullmatch(uploaded[2] if uploaded else written):
        raise ValueError("must be the name of a file in the inbox, or the reference that an upload answered")
    return written


#: The name of a file in the job's inbox folder, or the reference that an upload answered.
IncomingFile = Annotated[
    str,
    Field(
        min_length=1,
        max_length=280,
        pattern=r"^(upload:[0-9a-f]{64}/)?[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$",
        json_schema_extra={"format": FORMAT},
    ),
    AfterValidator(_known_form),
]


def takes_files(schema: dict[str, Any]) -> bool:
    """Whether a job with these parameters (JSON Schema) can be given a file."""
    return any(is_file(field) for field in schema.get("properties", {}).values())


def is_file(field: dict[str, Any]) -> bool:
    """Whether this parameter is a file."""
    return any(branch.get("format") == FORMAT for branch in field.get("anyOf", [field]))


def name_of(file: IncomingFile) -> str:
    """What a person calls it."""
    uploaded = _UPLOADED.fullmatch(file)
    return uploaded[2] if uploaded else file


async def keep_upload(files: Files, path: Path, name: str, sha256: str) -> tuple[str, bool]:
    """Store an uploaded file by its content; its reference, and whether the client had it already.

    The same content keeps the name under which it came first, so it has one reference. Raises
    `file_empty` and `file_name_invalid`.
    """
    if path.stat().st_size == 0:
        raise file_empty(name)
    if not _NAME.fullmatch(name):
        raise TagwerkError(
            "file_name_invalid",
            f"a file cannot be kept under the name {name!r}",
            concern=name,
            next_step="Rename it: no leading dot, no slashes, at most 200 characters.",
        )
    folder = f"incoming/{sha256}"
    earlier = await files.list(folder)
    if earlier:
        return f"upload:{sha256}/{earlier[0].name}", True
    await files.put(f"{folder}/{name}", path)
    return f"upload:{sha256}/{name}", False


class Incoming:
    """What a run of one client may read: uploads, and the folder `inbox/<area>/`."""

    def __init__(self, files: Files, area: str) -> None:
        self._files = files
        #: Below the client's part of the files port; people put files here by hand.
        self.folder = f"inbox/{area}"

    async def waiting(self) -> list[Stored]:
        """The files in the inbox folder, by name."""
        return [one for one in await self._files.list(self.folder) if _NAME.fullmatch(one.name)]

    async def fetch(self, file: IncomingFile, path: Path, *, at_most: int) -> None:
        """Copy it to `path`, which must not exist. Raises `file_missing`, `file_empty`, `file_too_large`."""
        await self._files.fetch(await self._found(file, at_most), path)

    async def read(self, file: IncomingFile, *, at_most: int) -> bytes:
        """The whole content. Raises what `fetch` does."""
        return await self._files.get(await self._found(file, at_most))

    async def _found(self, file: IncomingFile, at_most: int) -> str:
        """The key of a file that may be read."""
        key, name = self._key(file), name_of(file)
        try:
            size = await self._files.size(key)
        except FileMissing:
            where = f"lies in {self.folder}/" if name == file else "was uploaded"
            raise TagwerkError(
                "file_missing",
                f"no file {name} {where} for this client",
                concern=name,
                next_step=f"Upload it, or put it into {self.folder}/ of the client, and start the job again.",
            ) from None
        if size == 0:
            raise file_empty(name)
        if size > at_most:
            raise TagwerkError(
                "file_too_large",
                f"{name} has {size:,} bytes; the limit is {at_most:,}",
                concern=name,
                next_step="Check that it is the right file; if so, ask its sender for several smaller ones.",
            )
        return key

    def _key(self, file: IncomingFile) -> str:
        uploaded = _UPLOADED.fullmatch(file)
        return f"incoming/{uploaded[1]}/{uploaded[2]}" if uploaded else f"{self.folder}/{file}"


def file_empty(name: str) -> TagwerkError:
    return TagwerkError(
        "file_empty",
        f"{name} is empty",
        concern=name,
        next_step="Get it again from its sender; if it is empty there too, ask them.",
    )
