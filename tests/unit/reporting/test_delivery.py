"""What is decided about deliveries: settings, refusals, and which mails are tried again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.reporting.day import Today
from services.reporting.delivery import RealDelivery, mail_id_of, recipient_key
from services.reporting.due_dates.content import Content
from services.reporting.due_dates.summary import summary_of
from services.reporting.jobs.due_date_report import due_date_report
from services.reporting.reports import Report
from shared.clients.smtp import MailServer
from shared.errors import ExternalSystemNotReached, NotDone, TagwerkError
from shared.events import Record
from shared.runner.context import Progress, RunContext
from shared.words import Outcome

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, False, None, None)),
        ("smtps://us%40er:p%3Ass@mail.example.com:1465", ("mail.example.com", 1465, True, "us@er", "p:ss")),
    ],
)
def test_the_address_of_a_mail_server(url: str, expected: tuple[Any, ...]) -> None:
    server = MailServer.of(url, "Tagwerk <tagwerk@example.com>")
    assert (server.host, server.port, server.tls, server.user, server.password) == expected
    assert (server.address, server.domain) == ("tagwerk@example.com", "example.com")
    assert "p:ss" not in repr(server)


@pytest.mark.parametrize(
    ("url", "sender"),
    [("http://x", "a@b.c"), ("smtp://", "a@b.c"), ("smtp://x:port", "a@b.c"), ("smtp://x", "Tagwerk")],
)
def test_wrong_settings_are_named(url: str, sender: str) -> None:
    with pytest.raises(TagwerkError) as raised:
        MailServer.of(url, sender)
    assert raised.value.failure.code == "mail_settings_invalid"


@pytest.mark.parametrize(
    ("recipients", "folder", "code"),
    [
        (["a@example.com"], False, "mail_server_missing"),
        ([], True, "reports_folder_missing"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_made(
    recipients: list[str], folder: bool, code: str
) -> None:
    ways: Any = RealDelivery(None, None, None, None, None, None)  # type: ignore[arg-type]  # they are not asked
    with pytest.raises(TagwerkError) as raised:
        ways.expect(recipients, folder)
    assert raised.value.failure.code == code
    ways.expect([], False)


def test_the_same_report_to_the_same_address_is_the_same_mail() -> None:
    one, other = uuid4(), uuid4()
    assert mail_id_of(one, "Anna@example.com") == mail_id_of(one, "anna@EXAMPLE.com")
    assert len({mail_id_of(one, "a@b.c"), mail_id_of(other, "a@b.c"), mail_id_of(one, "x@b.c")}) == 3
    assert mail_id_of(one, "a@b.c", "Lost") == mail_id_of(one, "a@b.c", "lost") != mail_id_of(one, "a@b.c")


class KnownReports:
    """One report, without files."""

    def __init__(self) -> None:
        summary = summary_of(Content("acme", TODAY, TODAY, "en", []))
        self.report = Report(UUID(int=1), UUID(int=2), datetime(2026, 11, 28, tzinfo=UTC), summary, [])

    async def make(self, content: Any, formats: Any) -> Report:
        return self.report

    async def contents(self, report: Report) -> Sequence[Any]:
        return []

    def records(self, report: Report) -> Sequence[Record]:
        return []


class FailingDelivery:
    """Mails to the addresses in `errors` fail."""

    def __init__(self, errors: dict[str, NotDone]) -> None:
        self._errors = errors
        self.tried: list[str] = []

    def expect(self, recipients: Sequence[str], folder: bool) -> None: ...

    @asynccontextmanager
    async def mails(self) -> AsyncIterator["FailingDelivery"]:
        yield self

    async def send(self, report: Report, contents: Any, address: str, again: str | None) -> Record:
        self.tried.append(address)
        if address in self._errors:
            raise self._errors[address]
        return Record(key=recipient_key(address), outcome=Outcome.CREATED)


async def sent(delivery: FailingDelivery, attempt: int, *, raises: bool) -> list[tuple[str, str]]:
    """Key and outcome of the records of a run to three addresses."""
    context = RunContext(
        run_id=uuid4(), attempt=attempt, job="reporting.due-date-report", client="acme", principal="ada"
    )
    running = due_date_report.function(
        recipients=["a@x.ch", "b@x.ch", "c@x.ch"], today=Today(TODAY), invoices=None, reports=KnownReports(),
        delivery=delivery, context=context, progress=Progress(lambda *_: None),
    )  # fmt: skip
    found: list[Record] = []
    failed = False
    try:
        async for records in running:
            found += [records] if isinstance(records, Record) else records
    except NotDone:
        failed = True
    assert failed is raises
    return [(record.key[len("recipient:")], record.outcome.value) for record in found]


BUSY = NotDone("mail_refused", "450 later", next_step="wait", retryable=True)
GONE = NotDone("mail_refused", "550 gone", next_step="correct it")


async def test_what_may_succeed_later_keeps_nobody_from_theirs() -> None:
    errors = {"a@x.ch": BUSY, "b@x.ch": GONE}
    assert await sent(FailingDelivery(errors), 1, raises=True) == [("b", "failed"), ("c", "created")]
    last = await sent(FailingDelivery(errors), 4, raises=False)
    assert last == [("a", "failed"), ("b", "failed"), ("c", "created")]


async def test_a_server_that_is_away_is_asked_once() -> None:
    errors: dict[str, NotDone] = {"b@x.ch": ExternalSystemNotReached("mail-server", "no connection")}
    away = FailingDelivery(errors)
    assert await sent(away, 1, raises=True) == [("a", "created")]
    last = FailingDelivery(errors)
    assert await sent(last, 4, raises=False) == [("a", "created"), ("b", "failed"), ("c", "failed")]
    assert away.tried == last.tried == ["a@x.ch", "b@x.ch"]


def test_a_folder_gets_whole_files_only(tmp_path: Path) -> None:
    from services.reporting.delivery import _holds, _write

    target = tmp_path / "acme" / "due.pdf"
    assert not _holds(target, b"x")
    _write(target, b"old")
    (tmp_path / "acme" / ".unfinished" / "due.pdf.left-by-a-kill").write_bytes(b"half")
    _write(target, b"x")
    assert _holds(target, b"x")
    assert list((tmp_path / "acme" / ".unfinished").iterdir()) == []
