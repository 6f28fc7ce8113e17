"""Real samples that others made; nothing of them is copied into the project."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of samples: `TAGWERK_CORPUS`, or `../shared/data` beside the checkout."""
    chosen = os.environ.get("TAGWERK_CORPUS")
    folder = Path(chosen) if chosen else Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no samples: {folder} does not exist; set TAGWERK_CORPUS to a folder that has them")
    return folder
