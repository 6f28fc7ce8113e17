"""documents.convert-to-pdf as a plain generator, without a bus, a database or a child process."""

import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from services.documents.converters import AttachedFile, Converted
from services.documents.jobs.convert_to_pdf import convert_to_pdf
from services.documents.store import StoredDocument
from shared.events import Record
from shared.ids import document_id_of, new_id
from shared.intake import original_key
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Outcome
from tests.unit.documents.fakes import Killed, Office


class PlainConverters:
    """A PDF of one page of everything but a PDF; `attached` come with it."""

    def __init__(self, *, attached: dict[str, bytes] | None = None) -> None:
        self.attached = attached or {}
        self.asked = 0

    async def convert(self, original: Path, media_type: str, file_name: str, folder: Path) -> Converted:
        self.asked += 1
        files = []
        for number, (name, content) in enumerate(self.attached.items()):
            path = folder / f"attached-{number}"
            path.write_bytes(content)
            files.append(AttachedFile(path, name, "application/octet-stream"))
        if media_type == "application/pdf":
            return Converted(None, 2, signed=True, attached=files)
        pdf = folder / "made.pdf"
        pdf.write_bytes(b"%PDF of " + original.read_bytes())
        return Converted(pdf, 1, signed=False, attached=files)


class TakenAttachments:
    """Documents by their content; `kill_after` names a file after which the process dies."""

    def __init__(self) -> None:
        self.taken: dict[UUID, UUID] = {}
        self.kill_after: str | None = None
        self.run_id = new_id()

    async def key_of(self, file: AttachedFile) -> str:
        return f"document:{self._id(file)}"

    async def take_in(self, mail: StoredDocument, file: AttachedFile) -> Record:
        by = self.taken.setdefault(self._id(file), self.run_id)
        if file.name == self.kill_after:
            raise Killed
        outcome = Outcome.CREATED if by == self.run_id else Outcome.UNCHANGED
        return Record(key=await self.key_of(file), outcome=outcome, label=file.name)

    @staticmethod
    def _id(file: AttachedFile) -> UUID:
        return document_id_of("acme", hashlib.sha256(file.path.read_bytes()).hexdigest())


async def run(
    office: Office,
    converters: PlainConverters,
    attachments: TakenAttachments | None = None,
    *,
    run_id: UUID | None = None,
    only: frozenset[str] | None = None,
) -> list[Record]:
    context = RunContext(
        run_id=run_id or new_id(), attempt=1, job="documents.convert-to-pdf", client="acme",
        principal="ada", only_records=only,
    )  # fmt: skip
    office.documents.run_id = context.run_id
    attachments = attachments or TakenAttachments()
    attachments.run_id = context.run_id
    records = convert_to_pdf.function(
        office.document,
        context=context,
        documents=office.documents,
        files=office.files,
        converters=converters,
        attachments=attachments,
        progress=Progress(lambda done, total, message: None),
        log=RunLog(context, lambda line: None),
    )
    return [record async for record in records]  # type: ignore[misc]


async def uploaded(media_type: str = "image/tiff") -> Office:
    office = Office(b"a scan", media_type)
    await office.store_original()
    return office


async def test_what_was_made_is_stored_before_its_row_and_told_of() -> None:
    office = await uploaded()
    (record,) = await run(office, PlainConverters())
    assert (record.key, record.outcome) == (f"document:{office.document}/pdf", Outcome.CREATED)
    assert record.message == "PDF of 1 page made of the TIFF"
    row = office.documents.rows[office.document]
    assert row.pdf_key is not None
    assert await office.files.get(row.pdf_key) == b"%PDF of a scan"
    assert await office.files.get(original_key(office.document)) == b"a scan"
    assert [one.passed for one in office.documents.conversions] == [False]


async def test_a_pdf_is_its_own_pdf() -> None:
    office = await uploaded("application/pdf")
    (record,) = await run(office, PlainConverters())
    assert record.message == "checked and passed on as it is, 2 pages"
    row = office.documents.rows[office.document]
    assert (row.pdf_key, row.pdf_sha256) == (original_key(office.document), row.sha256)


async def test_a_second_run_changes_nothing_and_tells_nobody() -> None:
    office, converters = await uploaded(), PlainConverters()
    await run(office, converters)
    (record,) = await run(office, converters)
    assert record.outcome is Outcome.UNCHANGED
    assert converters.asked == 1
    assert len(office.documents.conversions) == 1


async def test_a_pdf_made_in_an_older_way_is_made_anew() -> None:
    office, converters = await uploaded(), PlainConverters()
    await run(office, converters)
    row = office.documents.rows[office.document]
    office.documents.rows[office.document] = replace(row, pdf_recipe="picture-0")
    (record,) = await run(office, converters)
    assert record.outcome is Outcome.CREATED
    assert converters.asked == 2


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
async def test_killed_at_the_row_the_next_attempt_ends_with_one_pdf(moment: str) -> None:
    office, converters, run_id = await uploaded(), PlainConverters(), new_id()
    setattr(office.documents, moment, "keep_conversion")
    with pytest.raises(Killed):
        await run(office, converters, run_id=run_id)
    setattr(office.documents, moment, None)
    (record,) = await run(office, converters, run_id=run_id)
    # What attempt 1 created is not `unchanged` in attempt 2.
    assert record.outcome is Outcome.CREATED
    assert len(office.documents.conversions) == 1
    assert converters.asked == (2 if moment == "kill_before" else 1)


async def test_killed_while_attachments_are_taken_in_each_is_taken_once() -> None:
    office = await uploaded("message/rfc822")
    converters = PlainConverters(attached={"a.pdf": b"a", "b.pdf": b"b"})
    attachments, run_id = TakenAttachments(), new_id()
    attachments.kill_after = "a.pdf"
    with pytest.raises(Killed):
        await run(office, converters, attachments, run_id=run_id)
    attachments.kill_after = None
    records = await run(office, converters, attachments, run_id=run_id)
    assert [record.outcome for record in records] == [Outcome.CREATED] * 3
    assert len(attachments.taken) == 2
    assert len(office.documents.conversions) == 1


async def test_a_rerun_of_one_attachment_handles_only_that() -> None:
    office = await uploaded("message/rfc822")
    converters = PlainConverters(attached={"a.pdf": b"a", "b.pdf": b"b"})
    attachments = TakenAttachments()
    await run(office, converters, attachments)
    wanted = document_id_of("acme", hashlib.sha256(b"b").hexdigest())
    records = await run(office, converters, attachments, only=frozenset({f"document:{wanted}"}))
    assert [(record.label, record.outcome) for record in records] == [("b.pdf", Outcome.UNCHANGED)]
