"""The samples in the repository are those that their script makes."""

import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[3] / "samples"


def documents_in(folder: Path) -> dict[str, Path]:
    return {
        file.name: file for file in folder.iterdir() if file.is_file() and file.suffix not in (".py", ".md")
    }


def test_the_script_makes_the_samples_that_are_committed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "make.py", tmp_path], check=True)
    made, committed = documents_in(tmp_path), documents_in(SAMPLES)
    assert made.keys() == committed.keys()
    for name, file in committed.items():
        if file.suffix == ".txt":
            assert made[name].read_bytes() == file.read_bytes()
        else:
            # Bit for bit on one machine; another processor's JPEG encoder may round differently.
            assert made[name].stat().st_size == pytest.approx(file.stat().st_size, rel=0.02)


def test_the_samples_are_small() -> None:
    assert sum(file.stat().st_size for file in documents_in(SAMPLES).values()) < 3_000_000


def test_the_page_about_the_samples_names_each_of_them() -> None:
    told = (SAMPLES / "README.md").read_text()
    for name in documents_in(SAMPLES):
        assert f"`{name}`" in told or name.endswith(".txt")
