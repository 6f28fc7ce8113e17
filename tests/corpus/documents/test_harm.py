"""Mails that break the rules, and files made to do harm: each becomes a PDF or is refused with a code of its
own, within limits, and the next document is converted as if nothing had been. A table tells what became of
each (`pytest -s` shows it).
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.documents.app import OFFICE_LIMITS, PRELOAD
from services.documents.converters import ChildConverters
from shared.errors import TagwerkError
from shared.media_types import Unsuitable, media_type_of
from shared.nursery import Nursery
from shared.process import Children

#: Codes of whole documents that tell a person what is wrong; anything else is a fault of ours.
SPECIFIC = frozenset(
    {"mail_broken", "document_too_large", "pdf_broken", "pdf_encrypted", "xml_broken", "html_broken"}
    | {"file_type_unsupported", "file_type_mismatch", "archive_unsupported", "text_has_its_own_job"}
)
#: Seconds for one file, on a machine that has other work too.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Became:
    file: Path
    seconds: float
    pages: int = 0
    attached: tuple[str, ...] = ()
    code: str = ""

    def row(self, expected: str) -> str:
        outcome = self.code or f"{self.pages} pages, {len(self.attached)} attachments"
        size = self.file.stat().st_size / 1000
        return f"{self.file.name:<24} {size:>8.1f} kB {self.seconds:>6.2f} s  {outcome:<28} {expected}"


@pytest.fixture
async def converters() -> AsyncIterator[ChildConverters]:
    """As the service has them."""
    nursery = Nursery(PRELOAD)
    await nursery.start()
    yield ChildConverters(Children(2, nursery=nursery), Children(1, OFFICE_LIMITS, nursery=nursery))
    await nursery.stop()


async def became(converters: ChildConverters, file: Path, folder: Path) -> Became:
    began = time.monotonic()
    try:
        media_type = media_type_of(file, None, file.name)
        made = await converters.convert(file.resolve(), media_type, file.name, folder)
    except Unsuitable as error:
        return Became(file, time.monotonic() - began, code=error.code)
    except TagwerkError as error:
        failure = error.failure
        code = failure.code if failure.next_step and not failure.retryable else f"{failure.code} (unclear)"
        return Became(file, time.monotonic() - began, code=code)
    names = tuple(one.name for one in made.attached)
    return Became(file, time.monotonic() - began, pages=made.pages, attached=names)


async def converted_all(
    converters: ChildConverters, corpus: Path, kind: str, expected: str, folder: Path
) -> list[Became]:
    files = sorted(file for file in (corpus / kind).glob("*") if file.is_file())
    if not files:
        pytest.skip(f"no samples: {corpus / kind} is empty")
    found = []
    for number, file in enumerate(files):
        place = folder / str(number)
        place.mkdir()
        found.append(await became(converters, file, place))
    print(f"\n{kind}: what became of each, and what is expected")
    for one in found:
        print(one.row(expected))
    return found


async def test_mails_that_break_the_rules_are_converted_or_refused_with_a_reason(
    corpus: Path, converters: ChildConverters, tmp_path: Path
) -> None:
    expected = "a PDF, or refused with a code of its own"
    for one in await converted_all(converters, corpus, "mail", expected, tmp_path):
        assert one.pages > 0 or one.code in SPECIFIC, one
        assert all(one.attached), f"an attachment of {one.file.name} has no name"
        assert one.seconds < PATIENCE, one


async def test_files_made_to_do_harm_are_refused_and_the_next_document_is_converted(
    corpus: Path, converters: ChildConverters, tmp_path: Path
) -> None:
    expected = "refused with a code of its own, or finished, within limits"
    for one in await converted_all(converters, corpus, "hostile", expected, tmp_path):
        assert one.pages > 0 or one.code in SPECIFIC, one
        assert one.seconds < PATIENCE, one
    good = tmp_path / "good.txt"
    good.write_text("Die Lieferung kommt am Montag.")
    after = await became(converters, good, tmp_path)
    assert (after.pages, after.code) == (1, "")
