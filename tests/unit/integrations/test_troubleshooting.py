"""`docs/jobs/import-daily-rates.md` tells about every code that the job can give, and about no other."""

import re
from pathlib import Path

from shared.errors import CredentialsRejected, ExternalSystemUnavailable
from tests.unit.documents.test_troubleshooting import codes_in

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/jobs/import-daily-rates.md").read_text()
#: Where codes of this job are given: its service, the client that calls, the files port.
SOURCES = [
    *(ROOT / "services" / "integrations").rglob("*.py"),
    ROOT / "shared" / "clients" / "http.py",
    ROOT / "shared" / "files.py",
]
#: What the client raises by a class of `shared.errors`.
BY_CLASS = {
    ExternalSystemUnavailable("ecb", "cause").failure.code,
    CredentialsRejected("ecb", "cause").failure.code,
}
#: Of a record, given in its `Failure`.
OF_RECORDS = set(
    re.findall(r'Failure\(\s*code="(\w+)"', (ROOT / "services/integrations/core.py").read_text())
)


def test_every_code_has_its_section_and_no_section_is_left_over() -> None:
    given = set().union(*(codes_in(path) for path in SOURCES)) | BY_CLASS | OF_RECORDS
    told = set(re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE))
    assert given == told


def test_every_section_says_in_order_what_to_check() -> None:
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        assert re.search(r"^1\. ", section, re.MULTILINE), section.splitlines()[0]
