"""`docs/jobs/ocr.md` tells about every code that the job can give, and about no other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
#: Where codes of this job are given: its service, the children that read, the files port.
SOURCES = [
    *(ROOT / "services" / "documents").rglob("*.py"),
    ROOT / "shared" / "process.py",
    ROOT / "shared" / "process_child.py",
    ROOT / "shared" / "files.py",
]
RAISED = {"Refused", "TagwerkError"}


def codes_in(path: Path) -> set[str]:
    """First arguments of errors that are made in a file, also of calls to `super().__init__` in an error."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in RAISED or name == "__init__":
            assert not isinstance(first, ast.JoinedStr), f"{path}: a code must be a literal"
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def test_every_code_has_its_section_and_no_section_is_left_over() -> None:
    given = set().union(*(codes_in(path) for path in SOURCES))
    told = set(re.findall(r"^### `(\w+)`$", (ROOT / "docs/jobs/ocr.md").read_text(), re.MULTILINE))
    assert given == told


def test_every_section_says_in_order_what_to_check() -> None:
    page = (ROOT / "docs/jobs/ocr.md").read_text()
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        assert re.search(r"^1\. ", section, re.MULTILINE), section.splitlines()[0]
