"""`tagwerk demo` as a colleague would see it: the whole stack, the real documents, nothing left behind."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.folders import remove_folder, temporary_folder

TAGWERK = [sys.executable, "-c", "from cli.app import main; main()"]
ROOT = Path(__file__).parents[2]

QUESTIONS = (
    "Did it start?",
    "Did it finish?",
    "Which records were processed?",
    "Which failed, and why?",
    "Was data changed?",
    "Was an external system called?",
    "Is a retry possible, and what would it repeat?",
)

#: From the QR-bill of a scan, the data of a ZUGFeRD PDF, and the QR-bill that came with an e-mail.
READ = (
    "Holzwerk Aebi AG",
    "000000000000002026100417005",
    "Lichtbau Bremer & Söhne GmbH",
    "DE37701500001002003004",
    "Atelier Fontaine Sàrl",
    "RF272026F0815",
)

#: Convert, recognize, analyse, ask for approval: of each invoice; the e-mail itself is none.
CHAINS = 4 + 4 + 4 + 3
#: Two banks, so two files: the report and twice the statement of each; the document that fails; the report
#: of what is due; the question to an agent; the check of the audit log.
AFTERWARDS = 2 + 2 * 2 + 1 + 1 + 1 + 1
#: The import of the mailbox, and the payments.
ALL_RUNS = 1 + CHAINS + 1 + AFTERWARDS

pytestmark = pytest.mark.timeout(300)


def tagwerk(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAGWERK_")}
    return subprocess.run(
        [*TAGWERK, *words],
        cwd=ROOT,
        env=environment | {"TAGWERK_STATE": str(state), "COLUMNS": "140"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )


def answer(state: Path, *words: str) -> Any:
    ran = tagwerk(state, *words, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def processes_of(state: Path) -> list[str]:
    """Every process that was started for this state folder: it says so in its arguments or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and any(str(state) in word for word in words):
            found.append(f"{process.pid} {process.name()}")
    return found


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    yield from state_folder()


@pytest.fixture
def another_state() -> Iterator[Path]:
    yield from state_folder()


def state_folder() -> Iterator[Path]:
    folder = temporary_folder()
    state = folder / "state"
    yield state
    tagwerk(state, "clean-state", "--state", str(state))
    remove_folder(folder)


@pytest.fixture(scope="module")
def tour(state: Path) -> subprocess.CompletedProcess[str]:
    return tagwerk(state, "demo")


def test_the_demo_ends_well_and_leaves_no_process(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    assert tour.returncode == 0, tour.stdout[-3000:] + tour.stderr
    assert processes_of(state) == []


def test_it_shows_what_was_read_and_what_became_of_it(tour: subprocess.CompletedProcess[str]) -> None:
    for words in READ:
        assert words in tour.stdout
    assert tour.stdout.count("✓ approved") >= 3
    assert "by admin and demo-colleague" in tour.stdout
    assert "AC04: the account is closed" in tour.stdout
    assert "pays RE-2026-1041" in tour.stdout
    assert "pays LB-26-3307" in tour.stdout
    assert "pays 2026F0815" not in tour.stdout
    assert re.search(r"due-invoices-\S+\.pdf, \d+ kB", tour.stdout)
    assert "mailed to treasurer@kern-waelti.example: “Due invoices of main until" in tour.stdout
    # The machine outside was answered twice, and heard how it ended.
    [first, again] = re.findall(r"← tagwerk/answers/main/verify-the-log ([0-9a-f-]{36})", tour.stdout)
    assert first == again
    assert f"← tagwerk/out/main/audit/verify-log/runs/{first} succeeded" in tour.stdout


def test_it_shows_the_seven_answers_of_what_failed(tour: subprocess.CompletedProcess[str]) -> None:
    for question in QUESTIONS:
        # The longest question stands on two lines.
        assert tour.stdout.count(question.partition(",")[0]) == 1
    assert "pdf_encrypted" in tour.stdout
    assert "Action is required." in tour.stdout


def test_progress_was_shown_while_the_runs_worked(tour: subprocess.CompletedProcess[str]) -> None:
    assert re.search(r"^qr-bill-scanned\.pdf, ocr: .*recognized with \d+ % confidence", tour.stderr, re.M)


def test_the_report_tells_the_same_and_needs_nothing_else(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    report = (state / "demo-report.html").read_text()
    for words in (*QUESTIONS, *map(html.escape, READ)):
        assert words in report
    assert report.count("data:image/jpeg;base64,") == 4
    assert "<script" not in report
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", report) == []


def test_a_stack_that_is_started_again_has_the_same_runs(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    shown = set(re.findall(r"Run <code>([0-9a-f-]{36})", (state / "demo-report.html").read_text()))
    assert len(shown) == ALL_RUNS
    with running_stack(state):
        runs = answer(state, "runs")["items"]
        assert shown == {run["run_id"] for run in runs}
        assert sorted(run["state"] for run in runs) == ["failed"] + ["succeeded"] * (ALL_RUNS - 1)
        paid, _ = payments(state)
        assert sorted(paid) == ["open", "paid", "paid"]
    assert processes_of(state) == []


@pytest.mark.soak
def test_a_second_tour_on_a_running_stack_changes_nothing(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    with running_stack(state):
        paid, files = payments(state)
        again = tagwerk(state, "demo")
        assert again.returncode == 0, again.stdout[-3000:] + again.stderr
        assert "is running already" in again.stdout
        assert again.stdout.count("known from an earlier tour") == 4
        assert again.stdout.count("approved on an earlier tour") == 2
        assert len(answer(state, "runs")["items"]) == ALL_RUNS + AFTERWARDS
        assert payments(state) == (paid, files)
        tokens = answer(state, "tokens", "list")["items"]
        assert [one["revoked_at"] for one in tokens if one["principal"] == "demo-colleague"] != [None]
    assert processes_of(state) == []


def payments(state: Path) -> tuple[list[str], list[str]]:
    """The states of what is to be paid, and the ids of the payment files."""
    payables = [row["state"] for row in answer(state, "payables")["items"]]
    return payables, [row["file_id"] for row in answer(state, "payment-files")["items"]]


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_demo_that_is_ended_in_the_middle_is_taken_up_wherever_it_was(another_state: Path) -> None:
    state = another_state
    assert end_in_the_middle(state, signal.SIGINT, "Three papers arrive") == 130
    assert processes_of(state) == []
    # While the pages are read, while the file is ordered, while the statement is imported.
    for at in ("by mail, fetched by a schedule", "Without the confirmation", "statement comes, twice"):
        assert end_in_the_middle(state, signal.SIGKILL, at) == -signal.SIGKILL
        wait_until(lambda: processes_of(state) == [], "its children outlive it")
    tour = tagwerk(state, "demo")
    assert tour.returncode == 0, tour.stdout[-3000:] + tour.stderr
    with running_stack(state):
        paid, files = payments(state)
        assert sorted(paid) == ["open", "paid", "paid"]
        assert len(files) == 2


def end_in_the_middle(state: Path, how: signal.Signals, at: str) -> int:
    """Start a demo, send it a signal when it says `at`, and give its exit code."""
    with subprocess.Popen(
        [*TAGWERK, "demo", "--state", str(state)], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any(at in line for line in process.stdout), f"it never came to {at}"
        process.send_signal(how)
        process.stdout.read()
        return process.wait(60)


@contextmanager
def running_stack(state: Path) -> Iterator[None]:
    """`tagwerk up` on the state, until the block ends."""
    process = subprocess.Popen(
        [*TAGWERK, "up", "--quiet", "--state", str(state)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: tagwerk(state, "runs").returncode == 0, "the stack does not answer")
        assert processes_of(state) != [], "a running stack must be seen, or its absence means nothing"
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)
