"""What people see: on narrow terminals, without colors, without a terminal."""

import io
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from rich.console import Console, RenderableType

from cli.answers import DocumentChain, SearchResults
from cli.bars import Bars, LiveRun
from cli.render.approvals import approval_view, approvals_view, chain_view
from cli.render.bank import statements_view, transactions_view
from cli.render.documents import document_view, documents_view
from cli.render.erp import erp_entries_view
from cli.render.finding import overview_view, search_view, tree_view
from cli.render.lists import calls_view, logs_view, records_view
from cli.render.payments import payables_view, payment_file_view, payment_files_view
from cli.render.rates import rates_view
from cli.render.run import run_view
from cli.render.runs import RunList
from cli.render.traces import trace_view
from cli.render.words import clock, duration, parse_moment, short_ids
from shared.commands import (
    BankStatementsPage,
    BankTransactionsPage,
    DocumentsPage,
    ErpEntriesPage,
    LogsPage,
    PayablesPage,
    PaymentFilesPage,
    Published,
    RatesPage,
    RecordsPage,
    RunsPage,
    Trace,
)
from shared.events import DoubtfulEffect, UnknownEvent, decode_run_event
from shared.words import RunState
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import (
    APPROVAL,
    APPROVALS,
    CALLS,
    CHAIN,
    DETAIL,
    DOCUMENT,
    DOCUMENTS,
    ERP_ENTRIES,
    EVENT,
    FILE,
    FOUND,
    LOGS,
    OTHER_RUN,
    OVERVIEW,
    PAYABLES,
    PAYMENT_FILE,
    PAYMENT_FILES,
    QUESTIONS,
    RATES,
    RECORDS,
    RUN,
    RUNS,
    STATEMENTS,
    TRACE,
    TRANSACTIONS,
    TREE,
    UNREADABLE,
    detail,
    events,
    summary,
)
from tests.unit.cli.gateway import CannedGateway

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def shown(view: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_shows_its_sentence_the_seven_answers_and_its_timeline() -> None:
    text = shown(run_view(detail()), width=90)
    assert "1 of 2 pages was recognized, 1 failed." in text
    for title, words in QUESTIONS.values():
        assert title in text
        assert words.split(".")[0] in text
    assert "Action is required." in text
    assert "+2.50 s" in text
    assert "event.document.uploaded" in text


def test_a_failed_run_says_cause_concern_and_next_step() -> None:
    text = shown(run_view(detail(state=RunState.FAILED, failure=UNREADABLE)))
    assert all(
        word and word in text
        for word in (UNREADABLE.code, UNREADABLE.cause, UNREADABLE.concern, UNREADABLE.next_step)
    )


def test_a_run_with_an_effect_in_doubt_says_what_to_do_about_it() -> None:
    doubt = DoubtfulEffect(effect="reminder:7", cause="no answer in time")
    text = shown(run_view(detail(state=RunState.INTERRUPTED, failure=None, in_doubt=[doubt])), width=200)
    assert "Action is required. Find out whether it happened, then decide." in text
    assert f"tagwerk decide {RUN} 'reminder:7' happened|repeat" in text


def test_a_run_that_succeeded_needs_no_action() -> None:
    assert "No action is required." in shown(run_view(detail(state=RunState.SUCCEEDED)))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_view_is_wider_than_the_terminal(width: int) -> None:
    views = (
        run_view(detail(failure=UNREADABLE)),
        RunList(RUNS, full_ids=False),
        records_view(RECORDS, of_one_run=False, full_ids=False),
        calls_view(CALLS),
        trace_view(TRACE),
        trace_view(Trace(trace_id=None, items=[], days=0)),
        logs_view(LOGS),
        rates_view(RATES),
        erp_entries_view(ERP_ENTRIES),
        erp_entries_view(ErpEntriesPage(items=[])),
        transactions_view(TRANSACTIONS),
        transactions_view(BankTransactionsPage(items=[])),
        statements_view(STATEMENTS),
        statements_view(BankStatementsPage(items=[])),
        rates_view(RatesPage(items=[])),
        approvals_view(APPROVALS),
        approval_view(APPROVAL),
        documents_view(DOCUMENTS),
        chain_view(DocumentChain.model_validate(CHAIN)),
        payables_view(PAYABLES),
        payment_files_view(PAYMENT_FILES),
        payment_file_view(PAYMENT_FILE),
    )
    for view in views:
        assert max(len(line) for line in shown(view, width).splitlines()) <= width


def test_a_narrow_list_of_runs_loses_nothing() -> None:
    text = " ".join(shown(RunList(RUNS, full_ids=False), width=48).split())
    for word in ("partially failed", "succeeded", "documents.ocr", "1 created, 1 failed"):
        assert word in text


def test_records_say_what_failed_and_what_changed() -> None:
    text = shown(records_view(RECORDS, of_one_run=True, full_ids=False))
    for word in ("scan.pdf, page 1", "page_unreadable", "Scan the page again", "None → Rechnung", "bW9yZQ"):
        assert word in text


def test_a_transaction_says_with_whom_it_was_and_what_it_pays() -> None:
    text = " ".join(shown(transactions_view(TRANSACTIONS)).split())
    assert "2026-03-09 -95.40 CHF Muster AG" in text
    assert "pays RE-2026-0815" in text


def test_a_statement_says_its_balances_and_warnings() -> None:
    text = " ".join(shown(statements_view(STATEMENTS), width=160).split())
    assert "1,000.00 904.60 CHF 1" in text
    assert "a statement in between is missing" in text


def test_a_rate_says_what_one_of_which_currency_costs() -> None:
    text = " ".join(shown(rates_view(RATES)).split())
    assert "2026-06-04 BAZG 1 EGP = 0.0166619 CHF" in text
    assert "bW9yZQ" in text


def test_payments_say_what_is_owed_to_whom_and_what_the_bank_said() -> None:
    text = " ".join(shown(payables_view(PAYABLES)).split())
    assert "open CHF 1,234.50 Käserei Oberland [AG], invoice 2026-0815 due 2026-03-31" in text
    assert "! the bank rejected its payment: AC04" in text
    text = " ".join(shown(payment_file_view(PAYMENT_FILE)).split())
    assert f"{FILE.hex}" in text
    assert "rejected CHF 1,234.50 Käserei Oberland [AG] CH4431999123000889012" in text
    assert "AC04: the account is closed" in text
    assert "1 rejected" in shown(payment_files_view(PAYMENT_FILES))
    assert "There are no payment files." in shown(payment_files_view(PaymentFilesPage(items=[])))
    assert "No approved invoices match." in shown(payables_view(PayablesPage(items=[])))


def test_text_in_square_brackets_is_shown_and_not_taken_for_markup() -> None:
    tricky = detail(sentence="[bold]Rechnung[/bold] [red]", state=RunState.SUCCEEDED)
    assert "[bold]Rechnung[/bold] [red]" in shown(run_view(tricky))


def test_empty_lists_say_so() -> None:
    assert "No runs match." in shown(RunList(RunsPage(items=[]), full_ids=True))
    assert "No records match." in shown(records_view(RecordsPage(items=[]), of_one_run=True, full_ids=True))


def test_without_a_terminal_there_are_no_control_characters(gateway: CannedGateway, run: Run) -> None:
    from tests.unit.cli.gateway import Said, server_sent

    gateway.on("GET", "/runs", RUNS)
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail())
    for ran in (run("runs"), run("run", RUN), run("run", RUN, "--wait")):
        assert CONTROL.search(ran.out + ran.err) is None
    assert str(RUN) in run("runs").out, "where a program may read it, ids are written in full"


def test_texts_of_others_cannot_command_the_terminal(gateway: CannedGateway, run: Run) -> None:
    (line,) = LOGS.items
    hostile = LogsPage(items=[line.model_copy(update={"message": "\x1b]0;mine\x07 \x1b[2Jgone\x9b1m"})])
    gateway.on("GET", f"/runs/{RUN}/logs", hostile)
    ran = run("logs", RUN)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", ran.out) is None
    assert "gone" in ran.out


def test_a_key_with_colons_is_no_emoji(gateway: CannedGateway, run: Run) -> None:
    gateway.on("POST", f"/runs/{RUN}/decisions", Published(run_id=RUN, sequence=7))
    ran = run("decide", RUN, "send:a", "happened", "--reason", "asked them")
    assert "send:a: happened" in ran.out


def test_recognized_text_keeps_its_lines_however_long(gateway: CannedGateway, run: Run) -> None:
    text = "one line " * 100 + "end\nnext"
    gateway.on("GET", f"/documents/{DOCUMENT}/files/text", text.encode(), media_type="text/plain")
    assert run("document", DOCUMENT, "--text").out == f"{text}\n"


def test_a_cursor_is_never_broken_into_lines(
    gateway: CannedGateway, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    gateway.on("GET", "/runs", RUNS.model_copy(update={"next_cursor": "c" * 130}))
    assert f"--cursor {'c' * 130}\n" in run("runs").out


def test_progress_without_a_terminal_and_without_a_total_counts() -> None:
    console = Console(file=io.StringIO(), width=100)
    recorded = events()[2][1] | {
        "type": "run.recorded",
        "records": [{"key": "a", "outcome": "created"}, {"key": "b", "outcome": "created"}],
    }
    with Bars(console, quiet=False) as bars:
        bars.add(RUN, "scan.pdf")
        for event in (events()[1][1], recorded):
            decoded = decode_run_event(json.dumps(event).encode())
            assert not isinstance(decoded, UnknownEvent)
            bars.seen(decoded)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "scan.pdf: running\nscan.pdf: 2 so far, running\n"


def test_progress_without_a_terminal_is_a_line_for_each_step(gateway: CannedGateway, run: Run) -> None:
    from tests.unit.cli.gateway import Said, server_sent

    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail())
    lines = run("run", RUN, "--wait").err.splitlines()
    assert [line.partition(": ")[2] for line in lines] == [
        "queued", "running", "1/2 running", "1/2 partially failed",
    ]  # fmt: skip


def test_no_color_leaves_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    console.print(run_view(detail()))
    assert isinstance(console.file, io.StringIO)
    colors = re.findall(r"\x1b\[[0-9;]*3[0-7][0-9;]*m", console.file.getvalue())
    assert colors == []


def test_a_problem_says_what_cause_concern_and_next_step(gateway: CannedGateway, run: Run) -> None:
    gateway.problem(
        "GET",
        "/runs",
        422,
        "request_invalid",
        errors=[
            {"field": "limit", "message": "too large"},
            {"field": "sort", "message": "unknown, did you mean -duration?"},
        ],
    )
    ran = run("runs")
    for word in (
        "Request invalid",
        "the cause of request_invalid",
        "scan.pdf",
        "Correct what the cause names",
        "limit: too large",
        "sort: unknown, did you mean -duration?",
        "0af7651916cd43dd8448eb211c80319c",
    ):
        assert word in ran.err
    assert ran.out == ""


def test_live_progress_follows_the_events() -> None:
    run = LiveRun("scan.pdf")
    for _, event in events():
        decoded = decode_run_event(json.dumps(event).encode())
        if not isinstance(decoded, UnknownEvent):
            run.add(decoded)
    assert (run.done, run.total, run.words, run.final) == (1, 2, "partially failed", True)


def test_bars_on_a_terminal_name_each_run() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Bars(console, quiet=False) as bars:
        bars.add(RUN, "scan.pdf")
        for _, event in events():
            decoded = decode_run_event(json.dumps(event).encode())
            if not isinstance(decoded, UnknownEvent):
                bars.seen(decoded)
    assert isinstance(console.file, io.StringIO)
    assert "scan.pdf" in console.file.getvalue()
    assert "1/2" in console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.0042, "4 ms"), (1.5, "1.50 s"),
     (9.994, "9.99 s"), (12.34, "12.3 s"), (60, "1 min"), (125, "2 min 5 s"),
     (3600, "1 h"), (7500, "2 h 5 min")],
)  # fmt: skip
def test_durations_are_written_for_people(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_ids_are_shortened_as_far_as_they_stay_apart() -> None:
    one = UUID("0199c1a2-7b3e-7000-8000-000000000001")
    two = UUID("0199c1a2-7b3e-7000-9000-000000000001")
    three = UUID("ffffffff-0000-5000-8000-000000000001")
    short = short_ids([one, two, three])
    assert short[three] == "ffffffff"
    assert short[one] != short[two]
    assert all(str(id).startswith(written) for id, written in short.items())


def test_a_time_of_another_day_carries_its_date() -> None:
    time = datetime(2026, 3, 12, 14, 2, 11, tzinfo=UTC)
    assert clock(time, today=time) == "14:02:11"
    assert clock(time, today=time + timedelta(days=1)) == "2026-03-12 14:02:11"


def test_since_is_read_as_people_write_it() -> None:
    now = datetime(2026, 3, 12, 14, tzinfo=UTC)
    assert parse_moment("90m", now=now) == now - timedelta(minutes=90)
    assert parse_moment("7d", now=now) == now - timedelta(days=7)
    assert parse_moment("2026-03-01", now=now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert parse_moment("2026-03-01T10:00+01:00", now=now) == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_a_running_run_in_the_list_shows_how_far_it_is() -> None:
    running = summary(state=RunState.RUNNING, counts={}, done=3, total=7)
    assert "3 of 7" in shown(RunList(RunsPage(items=[running]), full_ids=False), 120)


def test_an_invoice_shows_what_is_doubtful_with_the_other_values() -> None:
    text = shown(document_view(DETAIL), 120)
    assert "invoice, read from its qr bill" in text
    assert re.search(r"payable amount +1949\.75 +contradicted, also read: 1947\.95 \(text\)", text)
    assert re.search(r"currency +CHF\s*$", text, re.MULTILINE)
    assert "! amount to pay: 1949.75 (qr_bill), but 1947.95 (text)" in text


def test_an_approval_says_what_it_waits_for_and_what_was_said() -> None:
    text = shown(document_view(DETAIL), 160)
    for word in (
        "questioned, 1 of 2 approvals by accounting: ada", "2026-03-10  overdue", "payable_amount",
        "Was this [b]delivered[/b]? (bea)", "ada approved: fine", "there is no rate to compare USD with CHF",
        "payment rejected: 1949.75 CHF, to be executed on 2026-03-31, AC04 the account is closed",
    ):  # fmt: skip
        assert word in text


def test_a_list_of_approvals_says_what_is_late_and_what_to_confirm() -> None:
    text = shown(approvals_view(APPROVALS), 160)
    for word in ("overdue", "1949.75 CHF", "Nordlicht Druck GmbH 2026-0815", str(DOCUMENT), "bW9yZQ"):
        assert word in text
    assert "to be confirmed first: payable amount" in text


def test_a_list_of_documents_says_how_each_stands_and_where_it_came_from() -> None:
    lines = shown(documents_view(DOCUMENTS), 160).splitlines()
    assert lines[0] == "payment rejected  scan [1].pdf  1949.75 CHF  Nordlicht Druck GmbH 2026-0815"
    assert lines[1].startswith(f"  {DOCUMENT}  main, ")
    assert lines[1].endswith(", 81,234 bytes, 2 pages")
    assert lines[2] == f"  seems to be the invoice of document {EVENT}"
    assert lines[3] == "not read yet  offer.docx"
    assert lines[5] == f"  came with document {DOCUMENT}"
    assert "bW9yZQ" in lines[6]
    assert "No documents match." in shown(documents_view(DocumentsPage(items=[])))


def test_a_chain_names_runs_with_their_cause_and_steps_with_their_author() -> None:
    lines = shown(chain_view(DocumentChain.model_validate(CHAIN)), 160).splitlines()
    assert "uploaded: scan.pdf" in lines[1]
    assert "documents.ocr" in lines[2]
    assert "caused by event.document.uploaded" in lines[4]
    assert "bea asked: Was this delivered?" in lines[5]


def test_an_overview_tells_what_needs_somebody_what_goes_on_and_how_it_went() -> None:
    text = shown(overview_view(OVERVIEW), width=120)
    assert "3 need somebody  ·  0 queued  ·  2 running  ·  0 waiting" in text
    line = next(line for line in text.splitlines() if "documents.ocr" in line)
    for words in ("partially failed", "2 running", "40 of 43", "2.20 s"):
        assert words in line


def test_what_was_found_says_why_and_what_was_not_searched() -> None:
    text = shown(search_view(SearchResults.model_validate(FOUND), full_ids=False), width=120)
    assert "Recognize text  5c0e2a4b  the id of the run begins so" in text
    assert "failed by documents.analyse-invoice 5c0e9999" in text
    assert "type more of it" in text
    assert "Not searched: documents: the documents service is not running." in text
    nothing = SearchResults(items=[])
    assert "Nothing that you may see was found." in shown(search_view(nothing, full_ids=True))


def test_a_tree_of_runs_shows_the_cause_above_and_that_there_is_more() -> None:
    first, second, third = shown(tree_view(TREE, RUN), width=120).splitlines()
    assert str(OTHER_RUN) in first
    assert str(RUN) in second
    assert "…" in third
