"""Converting documents in child processes; `steps/converter.py` is what a child runs."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from services.documents.core import OFFICE_EXTENSIONS
from shared.process import Children

_CONVERTER = "services.documents.steps.converter:Converter"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that came with a document, as it lies in the run's folder."""

    path: Path
    name: str
    #: As the mail declares it.
    media_type: str
    #: Why it becomes no document, and nobody misses it.
    skipped: str | None = None
    #: Why it cannot become one.
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a document."""

    #: None if the document is a PDF itself.
    pdf: Path | None
    pages: int
    #: Whether somebody signed it digitally.
    signed: bool
    attached: list[AttachedFile]


class Converters(Protocol):
    """Make PDFs of documents."""

    async def convert(self, original: Path, media_type: str, file_name: str, folder: Path) -> Converted:
        """The document in the file `original`; what is made lies in `folder`.

        Raises `TagwerkError` with the codes of `docs/jobs/convert-to-pdf.md`.
        """


class ChildConverters:
    """Converts each document in a limited child process: office files, which a program of its own opens, in
    one of `office`, all others in one of `children`."""

    def __init__(self, children: Children, office: Children) -> None:
        self._children = children
        self._office = office
        self._program = shutil.which("soffice")

    async def convert(self, original: Path, media_type: str, file_name: str, folder: Path) -> Converted:
        orders = {
            "path": str(original),
            "declared": media_type,
            "file_name": file_name,
            "folder": str(folder),
            "office": self._program,
        }
        children = self._office if media_type in OFFICE_EXTENSIONS else self._children
        async with children.open(_CONVERTER, orders, folder=folder) as child:
            return _converted(await child.call("convert"), folder)


def _converted(answer: dict[str, Any], folder: Path) -> Converted:
    """The answer of a converting process. It names files in the folder, and none elsewhere."""

    def inside(name: str) -> Path:
        return folder / Path(name).name

    return Converted(
        pdf=inside(answer["pdf"]) if answer["pdf"] else None,
        pages=int(answer["pages"]),
        signed=bool(answer["signed"]),
        attached=[
            AttachedFile(
                inside(one["file"]), str(one["name"]), str(one["media_type"]), one["skipped"], one["lost"]
            )
            for one in answer["attached"]
        ],
    )
