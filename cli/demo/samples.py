"""The documents of the tour: the project's own samples, and one that fails on purpose."""

from pathlib import Path
from typing import Final

from cli.problems import wrong_use

#: The samples of the repository.
SAMPLES: Final = Path(__file__).resolve().parents[2] / "samples"

_ENDINGS: Final = {".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"}

LOCKED_NAME: Final = "locked-payroll.pdf"


def sample_documents(folder: Path) -> list[Path]:
    """Documents in `folder`, by name. Raises `Problem` (usage) if there are none."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in _ENDINGS)
    if not found:
        raise wrong_use(
            "there are no documents in the folder of samples",
            concern=str(folder),
            next_step="Give a folder with PDF, PNG, JPEG or TIFF files by --samples.",
        )
    return found


def true_text(document: Path) -> str | None:
    """What really stands in a sample, where it is known: the `.txt` beside it."""
    try:
        return document.with_suffix(".txt").read_text()
    except FileNotFoundError:
        return None


def make_locked_pdf(folder: Path) -> Path:
    """A PDF that nobody can read without its password. New bytes each time, so a new document each time."""
    import pikepdf

    path = folder / LOCKED_NAME
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(path, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    return path
