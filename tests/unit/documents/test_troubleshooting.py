"""`docs/jobs/` tells about every code that a job of this service can give, and about no other."""

import ast
import re
from pathlib import Path

import pytest

from services.documents.settlement import WARNINGS

ROOT = Path(__file__).parents[3]
#: Answers queries about pages; no job gives its codes.
QUERIES = ROOT / "services" / "documents" / "page_images.py"
#: Where codes of these jobs are given: their service, the children that read, the files port.
SOURCES = [
    *(path for path in (ROOT / "services" / "documents").rglob("*.py") if path != QUERIES),
    ROOT / "shared" / "process.py",
    ROOT / "shared" / "process_child.py",
    ROOT / "shared" / "files.py",
]
STEPS = ROOT / "services" / "documents" / "steps"
CONVERSION = [
    ROOT / "shared" / "media_types.py",
    ROOT / "shared" / "intake.py",
    ROOT / "services" / "documents" / "attachments.py",
    *(
        STEPS / f"{name}.py"
        for name in ("checks", "converter", "mails", "office", "pages_of_html", "pictures", "typesetting",
                     "xml_pages")
    ),
]  # fmt: skip
RAISED = frozenset({"Refused", "TagwerkError", "Unsuitable"})
SOURCES_OF_FINDINGS = ROOT / "services" / "documents" / "invoices"


def codes_in(path: Path, makers: frozenset[str] | set[str] = RAISED) -> set[str]:
    """First arguments of errors that are made in a file, also of calls to `super().__init__` in an error."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in makers or name == "__init__":
            assert not isinstance(first, ast.JoinedStr), f"{path}: a code must be a literal"
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def sections_of(page: str) -> set[str]:
    return set(re.findall(r"^### `(\w+)`$", (ROOT / "docs/jobs" / page).read_text(), re.MULTILINE))


def given_codes() -> set[str]:
    return set().union(*(codes_in(path) for path in SOURCES))


def codes_of_approvals() -> set[str]:
    folder = ROOT / "services" / "documents" / "approvals"
    # What the integrations service answers when an approval is taken back.
    withholding = ROOT / "services" / "integrations" / "payments" / "withholding.py"
    files = (*folder.rglob("*.py"), withholding)
    return set().union(*(codes_in(path, RAISED | {"StepRefused", "_wrong"}) for path in files))


def codes_of_conversion() -> set[str]:
    """Those of the door, which attachments pass too, and of the steps that only a conversion takes."""
    # The first two stand with the pages of a PDF, which recognition reads too.
    return {"pdf_broken", "pdf_encrypted"}.union(*(codes_in(path) for path in CONVERSION))


def test_every_code_has_its_section_and_no_section_is_left_over() -> None:
    given = given_codes()
    of_analysis = codes_in(ROOT / "services/documents/jobs/analyse_invoice.py")
    of_approvals = codes_of_approvals()
    assert of_analysis
    of_conversion = codes_of_conversion()
    assert of_approvals
    assert of_conversion == sections_of("convert-to-pdf.md")
    assert given - of_analysis - of_approvals - of_conversion == sections_of("ocr.md")
    assert of_analysis <= sections_of("analyse-invoice.md") <= given
    assert of_approvals <= sections_of("start-workflow.md") <= given | of_approvals
    assert sections_of("learn-from-correction.md") <= given


def test_every_finding_about_an_invoice_is_told_and_no_other() -> None:
    sources = [*SOURCES_OF_FINDINGS.rglob("*.py"), ROOT / "services/documents/steps/invoice_reader.py"]
    sources += [STEPS / "rules_checker.py", ROOT / "services/documents/analysts.py"]
    sources.append(ROOT / "services/documents/suppliers/core.py")
    given = set().union(*(codes_in(path, {"Finding", "NotReadable", "_find"}) for path in sources))
    given |= WARNINGS
    page = (ROOT / "docs/jobs/analyse-invoice.md").read_text()
    section = page.partition("\n## Findings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", section, re.M)
    assert given == {code for row in rows for code in re.findall(r"\w+", row)}


@pytest.mark.parametrize(
    "name",
    [
        "convert-to-pdf.md",
        "ocr.md",
        "analyse-invoice.md",
        "start-workflow.md",
        "learn-from-correction.md",
    ],
)
def test_every_section_says_in_order_what_to_check(name: str) -> None:
    page = (ROOT / "docs/jobs" / name).read_text()
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        assert re.search(r"^1\. ", section, re.MULTILINE), section.splitlines()[0]
