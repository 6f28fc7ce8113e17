"""`tagwerk demo` as a colleague would see it: the whole stack, the real documents, nothing left behind."""

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

#: From a scan, a photograph, a fax and a text layer; German and English.
RECOGNIZED = (
    "Sonnhalde Papeterie GmbH",
    "Rechnung Nr. 2026-0417",
    "Früchtekuchen",
    "Harbour Light Instruments Ltd",
    "Mietvertrag über Büroräume",
)

SAMPLES = 5

pytestmark = pytest.mark.timeout(300)


def tagwerk(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAGWERK_")}
    return subprocess.run(
        [*TAGWERK, *words],
        cwd=ROOT,
        env=environment | {"TAGWERK_STATE": str(state), "COLUMNS": "90"},
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
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "state"
    yield folder
    tagwerk(folder, "clean-state", "--state", str(folder))


@pytest.fixture(scope="module")
def tour(state: Path) -> subprocess.CompletedProcess[str]:
    return tagwerk(state, "demo")


def test_the_demo_ends_well_and_leaves_no_process(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    assert tour.returncode == 0, tour.stdout[-3000:] + tour.stderr
    assert processes_of(state) == []


def test_it_shows_the_seven_answers_of_each_run(tour: subprocess.CompletedProcess[str]) -> None:
    for question in QUESTIONS:
        # The samples' runs, and the one that fails on purpose.
        assert tour.stdout.count(question) == SAMPLES + 1


def test_it_shows_the_recognized_text(tour: subprocess.CompletedProcess[str]) -> None:
    for words in RECOGNIZED[:2]:
        assert words in tour.stdout


def test_it_shows_what_a_failed_run_tells(tour: subprocess.CompletedProcess[str]) -> None:
    assert "pdf_encrypted" in tour.stdout
    assert "Action is required." in tour.stdout


def test_progress_was_shown_while_the_runs_worked(tour: subprocess.CompletedProcess[str]) -> None:
    assert re.search(r"^invoice-scanned\.pdf: 1/1 recognized with \d+ % confidence", tour.stderr, re.M)


def test_the_report_tells_the_same_and_needs_nothing_else(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    report = (state / "demo-report.html").read_text()
    for words in (*QUESTIONS, *RECOGNIZED):
        assert words in report
    assert "<script" not in report
    assert re.findall(r"""(?:src|href)=["'](?!data:)""", report) == []


def test_a_stack_that_is_started_again_has_the_same_runs(
    tour: subprocess.CompletedProcess[str], state: Path
) -> None:
    shown = set(
        re.findall(r"<dt>Run</dt><dd><code>([0-9a-f-]{36})", (state / "demo-report.html").read_text())
    )
    assert len(shown) == SAMPLES
    with running_stack(state):
        runs = answer(state, "runs")["items"]
        assert shown < {run["run_id"] for run in runs}
        # The samples, each recognized and analysed, the failure, the rerun.
        assert sorted(run["state"] for run in runs) == ["failed"] + ["succeeded"] * (2 * SAMPLES + 1)
        document = next(run["about"][0] for run in runs if run["run_id"] in shown)
        assert answer(state, "document", document, "--text")["text"].strip()
        # A tour on a running stack uses it, and leaves it as it is.
        again = tagwerk(state, "demo")
        assert again.returncode == 0, again.stdout[-3000:] + again.stderr
        assert "is running already" in again.stdout
        assert "Known from an earlier tour" in again.stdout
        assert len(answer(state, "runs")["items"]) == len(runs) + SAMPLES + 1
    assert processes_of(state) == []


def test_a_demo_that_is_ended_in_the_middle_can_be_taken_up(tmp_path: Path) -> None:
    state = tmp_path / "state"
    stopped = end_in_the_middle(state, signal.SIGINT)
    assert stopped == 130
    assert processes_of(state) == []
    killed = end_in_the_middle(state, signal.SIGKILL)
    assert killed == -signal.SIGKILL
    wait_until(lambda: processes_of(state) == [], "its children outlive it")
    tour = tagwerk(state, "demo")
    assert tour.returncode == 0, tour.stdout[-3000:] + tour.stderr
    tagwerk(state, "clean-state", "--state", str(state))


def end_in_the_middle(state: Path, how: signal.Signals) -> int:
    """Start a demo, send it a signal once a run is at work, and give its exit code."""
    with subprocess.Popen(
        [*TAGWERK, "demo", "--state", str(state)], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "running" in line:
                break
        process.send_signal(how)
        process.stderr.read()
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
