"""What the tour saw: the data that the terminal and the report show. Nothing in it is made up afterwards."""

from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path

from cli.answers import UploadedFile
from shared.commands import DocumentDetail, RecordRow, RunDetail
from shared.words import Outcome


@dataclass(slots=True)
class DocumentStory:
    """One document: how it went in, its run, and what can be read now."""

    path: Path
    uploaded: UploadedFile
    #: The run that the upload caused: now, or on an earlier tour.
    run: RunDetail
    records: list[RecordRow]
    #: The rerun of it, where an earlier tour had uploaded the document.
    repeated: RunDetail | None = None
    repeated_records: list[RecordRow] = field(default_factory=list)
    document: DocumentDetail | None = None
    #: The recognized text, page by page.
    pages: list[str] = field(default_factory=list)
    #: Whether a PDF came when the searchable one was asked for.
    searchable_pdf: bool = False
    #: What really stands in the document, where the samples say so.
    truth: str | None = None

    @property
    def name(self) -> str:
        return self.uploaded.file_name

    @property
    def similarity(self) -> float | None:
        """How much of the true text was recognized, in percent (difflib's ratio over words' characters)."""
        if self.truth is None or not self.pages:
            return None
        truth, found = (" ".join(text.split()) for text in (self.truth, " ".join(self.pages)))
        return SequenceMatcher(None, truth, found, autojunk=False).ratio() * 100

    @property
    def confidence(self) -> float | None:
        """Tesseract's own opinion: the mean over the recognized pages, in percent."""
        pages = self.document.pages if self.document is not None else []
        known = [page.confidence for page in pages if page.confidence is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class Check:
    """Something that the tour expected, and whether it was so."""

    what: str
    held: bool
    #: What was there instead.
    found: str = ""


@dataclass(slots=True)
class Story:
    url: str
    began_at: datetime
    #: Seconds until everything served; None where a running stack was used.
    ready_after: float | None = None
    documents: list[DocumentStory] = field(default_factory=list)
    failure: DocumentStory | None = None
    #: The second upload of a file that was there already.
    again: UploadedFile | None = None
    again_of: DocumentStory | None = None
    runs_before_again: int = 0
    runs_after_again: int = 0
    #: The rerun of a run, where the documents were new.
    rerun: RunDetail | None = None
    rerun_records: list[RecordRow] = field(default_factory=list)
    #: Everything that ever touched one record.
    touched_key: str | None = None
    touched: list[RecordRow] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def check(self, what: str, held: bool, found: object = "") -> bool:
        self.checks.append(Check(what, held, "" if held else str(found)))
        return held

    @property
    def all_held(self) -> bool:
        return all(check.held for check in self.checks)

    @property
    def known_already(self) -> bool:
        """Whether an earlier tour on the same state had uploaded all documents."""
        return bool(self.documents) and all(story.uploaded.duplicate for story in self.documents)


def kept(records: list[RecordRow]) -> bool:
    """Whether nothing had to be done: every record was as it should be."""
    return bool(records) and all(record.outcome is Outcome.UNCHANGED for record in records)
