"""`docs/jobs/` tells about every code that a job of this service can give, and about no other."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from shared.clients.breakers import ExternalSystemPaused
from shared.clients.breaking import Circuit
from shared.clients.destinations import DestinationNotAllowed
from shared.errors import CredentialsRejected, ExternalSystemUnavailable
from tests.unit.documents.test_troubleshooting import RAISED, codes_in, sections_of

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "services" / "integrations"
PAYMENTS = SERVICE / "payments"
STATUS_MODULES = ("camt", "messages", "pain002", "reading", "status_store", "statuses")
ERP = SERVICE / "erp"
READING = ("api", "config", "connection", "entries", "entry_store", "reading")
#: What an export has nothing to do with.
OF_LISTS = {"entries", "entry_store", "reading", "payments", "payment_store", "settling"}
#: What makes an error or a failure by its code.
MAKERS = {"Unreadable", "NotOrdered", "_needs_person", "not_booked"}
#: What makes one whose code comes after what it concerns.
LATE_MAKERS = {"failed": 2, "not_settled": 1}
FILES = (ROOT / "shared" / "files.py", ROOT / "shared" / "incoming.py")
#: Told by the gateway to who uploads, never by a job.
OF_UPLOADS = {"file_name_invalid"}
#: What the client of outside systems raises by a class of `shared.errors`.
BY_CLASS = {
    ExternalSystemUnavailable("ecb", "cause").failure.code,
    CredentialsRejected("ecb", "cause").failure.code,
    DestinationNotAllowed("ecb", "ecb.europa.eu", 443).failure.code,
    ExternalSystemPaused("ecb", "ecb.europa.eu:443", Circuit()).failure.code,
}
#: Page -> where the job's codes are given.
PAGES: dict[str, Iterable[Path]] = {
    "import-daily-rates.md": (
        *(SERVICE / "rates").rglob("*.py"),
        SERVICE / "jobs" / "import_daily_rates.py",
        ROOT / "shared" / "clients" / "http.py",
        *FILES,
    ),
    "create-payment-file.md": (
        *(
            PAYMENTS / f"{name}.py"
            for name in ("accounts", "checks", "choice", "handover", "orders", "pain001", "store")
        ),
        SERVICE / "jobs" / "create_payment_file.py",
        ROOT / "shared" / "files.py",
    ),
    "update-payment-status.md": (
        *(PAYMENTS / f"{name}.py" for name in STATUS_MODULES),
        SERVICE / "jobs" / "update_payment_status.py",
        *FILES,
    ),
    "erp-export.md": (
        *(path for path in ERP.rglob("*.py") if path.stem not in OF_LISTS),
        SERVICE / "jobs" / "erp_export.py",
        ROOT / "shared" / "clients" / "sftp.py",
        ROOT / "shared" / "files.py",
    ),
    "erp-import.md": (
        ERP / "rules.py",
        *(ERP / "rest" / f"{name}.py" for name in READING),
        SERVICE / "jobs" / "erp_import.py",
    ),
    "nightly-synchronization.md": (
        ERP / "rules.py",
        *(ERP / "rest" / f"{name}.py" for name in (*READING, "payments", "payment_store", "settling")),
        SERVICE / "jobs" / "nightly_synchronization.py",
    ),
    "import-mail.md": (
        *(SERVICE / "mail").rglob("*.py"),
        SERVICE / "jobs" / "import_mail.py",
        ROOT / "shared" / "clients" / "imap.py",
    ),
    "import-bank-statements.md": (
        *(SERVICE / "bank").rglob("*.py"),
        SERVICE / "jobs" / "import_bank_statements.py",
        ROOT / "shared" / "process.py",
        ROOT / "shared" / "process_child.py",
        *FILES,
    ),
}
OF_THE_ERP = {"erp-export.md", "erp-import.md", "nightly-synchronization.md"}
CALLS_OUTSIDE = {"import-daily-rates.md", "import-mail.md", *OF_THE_ERP}
#: What `HttpSystem.request` raises besides.
OF_REQUESTS = {
    "external_system_refused",
    "external_system_moved",
    "external_address_invalid",
    "external_answer_too_large",
}
#: Of the door through which documents come in, what this job can meet there.
OF_THE_DOOR = {"import-mail.md": {"file_type_unsupported"}}


def codes_of_records(path: Path) -> set[str]:
    """`code=` of every `Failure` that is made in a file."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    late = {
        str(code.value)
        for call in calls
        if (place := LATE_MAKERS.get(getattr(call.func, "id", getattr(call.func, "attr", "")))) is not None
        and len(call.args) > place
        and isinstance(code := call.args[place], ast.Constant)
    }
    return late | {
        str(keyword.value.value)
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Failure"
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_code_has_its_section_and_no_section_is_left_over(page: str) -> None:
    given = set(BY_CLASS) if page in CALLS_OUTSIDE else set()
    given |= OF_THE_DOOR.get(page, set())
    given |= OF_REQUESTS if page in OF_THE_ERP else set()
    for path in PAGES[page]:
        given |= codes_in(path, RAISED | MAKERS) | codes_of_records(path)
    assert given - OF_UPLOADS == sections_of(page)


@pytest.mark.parametrize("page", PAGES)
def test_every_section_says_in_order_what_to_check(page: str) -> None:
    text = (ROOT / "docs/jobs" / page).read_text()
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"^1\. ", section, re.MULTILINE), section.splitlines()[0]
