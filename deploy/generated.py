"""Pages that are made from the code: `python -m deploy.generated` writes them, `--check` compares them."""

import re
import sys
from pathlib import Path

from deploy import dashboards, metrics
from deploy.kubernetes import bus, peers, scaling
from deploy.permissions import PAGE, TABLE, of_services, page
from shared.contract import asyncapi

ROOT = Path(__file__).parents[1]

ADR_FOLDER = ROOT / "docs" / "adr"


def adr_index() -> str:
    """The list of decision records, from the title and the status line of each.

    Raises `ValueError` for a record without them.
    """
    lines = ["# Decision records", "", "Why it is as it is. Made by `python -m deploy.generated`.", ""]
    for file in sorted(ADR_FOLDER.glob("[0-9]*.md")):
        text = file.read_text()
        title = re.match(r"# (\d{4}) (.+)", text)
        status = re.search(r"^Status: (.+)$", text, re.MULTILINE)
        if title is None or status is None or not file.name.startswith(title[1]):
            raise ValueError(
                f"{file.name}: needs a first line `# {file.name[:4]} Title` and a line `Status: …`"
            )
        lines.append(f"- [{title[1]}]({file.name}) {title[2]} ({status[1]})")
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Path -> what must stand there."""
    return {
        ROOT / "docs" / "asyncapi.json": asyncapi(),
        ADR_FOLDER / "README.md": adr_index(),
        TABLE: of_services(),
        PAGE: page(),
        metrics.PAGE: metrics.page(),
        **dashboards.files(),
        **bus.files(),
        **peers.files(),
        **scaling.files(),
    }


def main() -> None:
    check = "--check" in sys.argv[1:]
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        if not check:
            path.write_text(pages()[path])
            print(f"wrote {path.relative_to(ROOT)}")
    if check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"out of date: {names}. This mends it: .venv/bin/python -m deploy.generated")


if __name__ == "__main__":
    main()
