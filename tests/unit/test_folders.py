"""Folders of servers under test: whose they are, and that a killed test process leaves none."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import folders

#: Makes a folder, tells its name, and stays.
OWNER = """
import sys, time
from tests.support.folders import temporary_folder
print(temporary_folder(), flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_uses_stays(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert folder.parent == tmp_path
        long_ago = time.time() - 3600
        os.utime(folder / "lock", (long_ago, long_ago))
        folders.remove_abandoned(tmp_path)
        assert folder.is_dir()
        owner.kill()
    folders.remove_abandoned(tmp_path)
    assert not folder.exists()


def test_a_small_memory_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "ROOM", 0)
    assert folders.has_room(tmp_path)
    assert not folders.has_room(tmp_path / "missing")
    monkeypatch.setattr(folders, "ROOM", 2**62)
    assert not folders.has_room(tmp_path)
