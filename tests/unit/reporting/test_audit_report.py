"""What an audit report says, and that nothing in it becomes markup or a formula."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zipfile import ZipFile

import pypdfium2
import pytest

from services.reporting.audit_log.content import Content, Entry, Proof, bars_of
from services.reporting.audit_log.entries import AskedAuditLog, Wanted
from services.reporting.audit_log.summary import proof_of, summary_of
from services.reporting.audit_log.words import Words
from services.reporting.day import Today
from services.reporting.letter import as_html
from services.reporting.renderer.writer import Writer
from shared.commands import (
    AuditCheck,
    AuditEntriesPage,
    AuditEntriesQuery,
    AuditEntryRow,
    AuditHead,
    AuditState,
    AuditStateQuery,
)
from shared.runner.context import RunContext

TODAY: Final = date(2026, 11, 28)
EVIL: Final = "=1+2 #strong[x]<b>"
GOOD: Final = Proof(
    datetime(2026, 11, 28, 3, 40, tzinfo=UTC), 90, None, None, 80, datetime(2026, 11, 28, 6, tzinfo=UTC)
)


def entry(number: int, kind: str = "run_requested", **changes: Any) -> Entry:
    time = datetime(2026, 11, 27, 12, tzinfo=UTC) - timedelta(days=100 - number)
    fields: dict[str, Any] = {"principal": "ada", "concern": "documents.ocr", **changes}
    return Entry(number=number, time=time, kind=kind, **fields)


ENTRIES: Final = (
    entry(100, "access_refused", concern=EVIL, reason="-2+3"),
    entry(99, client="acme", after='{"roles": ["accounting"]}'),
    entry(98, "token_issued", principal="ben"),
    entry(97, "brand_new"),
)


def content(*entries: Entry, language: str = "en", cut: bool = False, proof: Proof = GOOD) -> Content:
    since, until = TODAY - timedelta(days=7), TODAY - timedelta(days=1)
    return Content("acme", TODAY, since, until, language, "ada", ["run_requested"], entries, cut, proof)


def test_what_was_written_is_read_back() -> None:
    assert Content.of(content(*ENTRIES).plain()).plain() == content(*ENTRIES).plain()


def test_days_have_bars() -> None:
    assert [(bar.first.day, bar.count, bar.refused) for bar in bars_of(content(*ENTRIES))] == [
        (21, 0, 0), (22, 0, 0), (23, 0, 0), (24, 1, 0), (25, 1, 0), (26, 1, 0), (27, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("proof", "newest", "said"),
    [
        (GOOD, 90, ["all 90 entries up to then are as they were written", "Signed up to entry 80"]),
        (GOOD, 100, ["all 90 entries", "after number 90 were written later", "Signed up to entry 80"]),
        (Proof(), 5, ["has not been checked yet", "Nothing is signed"]),
        (Proof(GOOD.checked_at, 90, 17, "the hash differs"), 90,
         ["NOT as it was written. the hash differs", "The first wrong entry is number 17", "Nothing"]),
    ],
)  # fmt: skip
def test_the_proof_is_told_in_sentences(proof: Proof, newest: int, said: list[str]) -> None:
    told = proof_of(proof, newest, Words("en"))
    assert len(told) == len(said)
    for sentence, words in zip(told, said, strict=True):
        assert words in sentence


def test_what_was_found_is_told_in_the_language_of_the_report() -> None:
    proof = Proof(GOOD.checked_at, 90, 5, "the log ends at 8, and a head has signed entry 10")
    told = " ".join(proof_of(proof, 90, Words("de")))
    assert "the log ends" not in told
    assert "NICHT so, wie es geschrieben wurde" in told


def test_the_pdf_says_it_in_words(tmp_path: Path) -> None:
    orders = content(*ENTRIES, language="de", cut=True).plain()
    with pypdfium2.PdfDocument(tmp_path / Writer("audit", orders, str(tmp_path)).pdf()) as pdf:
        text = " ".join(page.get_textpage().get_text_range() for page in pdf)
    for words in (
        "Wer hat was getan", "nur ada", "Alle 90 Einträge", "Gekürzt: Dies sind die neuesten 4",
        "#strong[x]", "brand new", "Token ausgestellt", "1 verweigert oder abgelehnt",
    ):  # fmt: skip
        assert words in text.replace("\N{NO-BREAK SPACE}", " "), text


def test_the_workbook_has_types_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / Writer("audit", content(*ENTRIES).plain(), str(tmp_path)).xlsx()
    with ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert "=1+2 #strong" in strings
    assert re.search(r'<c r="A2"[^>]*><v>100</v></c><c r="B2" s="\d+"><v>46353.5</v></c>', sheet)


def test_csv_is_for_programs_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / Writer("audit", content(*ENTRIES).plain(), str(tmp_path)).csv()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert (rows[0]["concern"], rows[0]["reason"]) == (f"'{EVIL}", "'-2+3")
    assert (rows[0]["time"], rows[1]["after"]) == ("2026-11-27T12:00:00+00:00", '{"roles": ["accounting"]}')


def test_a_mail_tells_what_to_look_at_and_what_proves_it() -> None:
    letter = summary_of(content(*ENTRIES, cut=True)).letter()
    assert letter.subject == "Who did what at acme, 21\N{EN DASH}27 Nov"
    assert [row[2] for row in letter.rows] == ["ada", "ben"]
    assert any("tagwerk audit export" in note for note in letter.notes)
    html = as_html(letter)
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    nothing = summary_of(content()).letter()
    assert nothing.nothing is not None
    assert not nothing.figures


class AnsweringBus:
    """Stands for the audit service: 1,200 entries, page by page."""

    def __init__(self) -> None:
        self.asked: list[AuditEntriesQuery] = []

    async def ask(self, subject: str, query: Any, answer: Any, *, timeout: float) -> Any:
        if isinstance(query, AuditStateQuery):
            head = AuditHead(
                ordinal=1, number=80, signed_at=TODAY_NOON, statement="s", signature="00", key="00"
            )
            check = AuditCheck(run_id=UUID(int=1), finished_at=TODAY_NOON, entries=90, heads=1)
            return AuditState(log_id=UUID(int=2), entries=1200, hash="00", signs=True, head=head, check=check)
        self.asked.append(query)
        first = int(query.cursor or 1200)
        rows = [
            AuditEntryRow(
                number=number, event_id=UUID(int=number), recorded_at=TODAY_NOON, kind="signed_in", hash="00",
                time=TODAY_NOON, principal="ada", concern="sign-in", after={"b": 1, "a": "ä"},
            )
            for number in range(first, max(0, first - query.limit), -1)
        ]  # fmt: skip
        rest = rows[-1].number - 1
        return AuditEntriesPage(items=rows, next_cursor=str(rest) if rest else None)


TODAY_NOON: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)


async def test_the_newest_are_asked_for_page_by_page_and_within_the_client() -> None:
    bus: Any = AnsweringBus()
    context = RunContext(
        run_id=UUID(int=3), attempt=1, job="reporting.audit-report", client="acme", principal="ada"
    )
    log = AskedAuditLog(bus, context, "Europe/Zurich", Today(TODAY))
    wanted = Wanted(date(2026, 11, 21), date(2026, 11, 27), None, [], 1100)
    found = await log.content(wanted, "en")
    assert (len(found.entries), found.cut, found.entries[-1].number) == (1100, True, 101)
    assert [query.limit for query in bus.asked] == [500, 500, 101]
    assert {query.scope.clients for query in bus.asked} == {frozenset({"acme"})}
    first = bus.asked[0]
    assert (first.since.isoformat(), first.until.isoformat()) == (
        "2026-11-21T00:00:00+01:00", "2026-11-28T00:00:00+01:00",
    )  # fmt: skip
    assert found.entries[0].after == '{"a": "ä", "b": 1}'
    whole = await log.content(Wanted(wanted.since, wanted.until, None, [], 1200), "en")
    assert (len(whole.entries), whole.cut) == (1200, False)
