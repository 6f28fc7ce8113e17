"""Temporary folders end with their process, one way or the other."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from shared.workplace import remove_abandoned_workplaces, workplace

HOLD = """
import time
from shared.workplace import workplace
with workplace() as folder:
    (folder / "original").write_bytes(b"a client's document")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def make_old(folder: Path) -> None:
    os.utime(folder, (time.time() - 3600, time.time() - 3600))


def test_a_workplace_is_gone_when_its_run_is_over(temporary_files: Path) -> None:
    with workplace() as folder:
        assert folder.parent == temporary_files
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_the_workplace_of_a_living_process_stays_and_that_of_a_killed_one_goes() -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    make_old(folder)
    try:
        assert remove_abandoned_workplaces() == []
        assert (folder / "original").exists()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert (folder / "original").exists()
    assert remove_abandoned_workplaces() == [folder]
    assert not folder.exists()


def test_a_workplace_that_is_just_being_made_is_not_removed(temporary_files: Path) -> None:
    folder = temporary_files / "tagwerk-work-new"
    folder.mkdir()
    assert remove_abandoned_workplaces() == []
    make_old(folder)
    assert remove_abandoned_workplaces() == [folder]


def test_folders_of_others_are_not_touched(temporary_files: Path) -> None:
    folder = temporary_files / "somebody-else"
    folder.mkdir()
    make_old(folder)
    assert remove_abandoned_workplaces() == []
    assert folder.exists()
