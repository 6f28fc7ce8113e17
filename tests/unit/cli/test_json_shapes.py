"""What scripts read: `--json` writes one document to stdout, its shape kept in `golden/`, and nothing else.

A golden file that has to change is a change of the published interface: say so in `docs/cli.md`.
"""

import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.commands import Published, RebuildReport, StepTaken
from shared.words import RunState
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import (
    APPROVAL,
    APPROVALS,
    AUDIT_ENTRIES,
    AUDIT_STATE,
    CALLS,
    CHAIN,
    CHOICES,
    DETAIL,
    DOCUMENT,
    DOCUMENTS,
    ERP_ENTRIES,
    FILE,
    FOUND,
    JOB,
    LOGS,
    OVERVIEW,
    PAYABLES,
    PAYMENT_FILE,
    PAYMENT_FILES,
    PREFLIGHT,
    RATES,
    RECORDS,
    RUN,
    RUNS,
    STATEMENTS,
    SYSTEMS,
    TRACE,
    TRANSACTIONS,
    TREE,
    UNREADABLE,
    detail,
    events,
    refused_upload,
    upload_answer,
)
from tests.unit.cli.gateway import CannedGateway, Said, server_sent

GOLDEN = Path(__file__).parent / "golden"
#: What the scheduler answers, which the gateway hands on.
CONTRACTS = Path(__file__).parents[2] / "contracts" / "commands"

LETTER = {
    "reason": UNREADABLE.model_dump(),
    "durable": "documents-events",
    "stream": "EVENTS",
    "subject": "event.document.uploaded",
    "sequence": 7,
    "time": "2026-03-12T14:02:11Z",
    "payload": "{broken",
    "payload_hex": "7b62726f6b656e",
    "id": 3,
}
STARTED = {
    "run_id": str(RUN),
    "job": "documents.ocr",
    "client": "main",
    "sequence": 10,
    "existing": False,
    "links": {"run": "/api/v1/runs"},
}
CONTACT = {
    "email": "ada@example.com", "language": "de", "absent_from": "2026-12-21", "absent_until": "2027-01-04",
    "substitute": "ben",
}  # fmt: skip
TOKEN = {
    "id": str(UUID(int=1)),
    "principal": "ada",
    "name": "laptop",
    "created_at": "2026-03-12T14:02:11Z",
    "created_by": "admin",
    "expires_at": "2026-04-11T14:02:11Z",
    "scopes": ["read", "start"],
    "clients": ["alpha"],
}
ADA = {
    "id": "ada",
    "name": "Ada Accountant",
    "kind": "user",
    "roles": ["accounting"],
    "clients": ["muster-ag"],
    "active": True,
}
ME = {
    "id": "admin",
    "name": "Administrator",
    "kind": "user",
    "roles": ["administrator"],
    "clients": ["*"],
    "every_client": True,
    "default_client": "main",
    "may_operate_platform": True,
}


@pytest.fixture
def answering(gateway: CannedGateway) -> CannedGateway:
    """A gateway that knows an answer to every command below."""
    gateway.on("GET", "/jobs", {"items": [JOB]})
    gateway.on("GET", "/jobs/documents.ocr", JOB)
    gateway.on("POST", "/jobs/documents.ocr/runs", STARTED, status=202)
    gateway.on("POST", "/jobs/documents.ocr/preflight", PREFLIGHT)
    gateway.on("GET", "/jobs/documents.ocr/choices/account", CHOICES)
    gateway.on("GET", "/systems", SYSTEMS)
    gateway.on("GET", "/agents", json.loads((CONTRACTS / "AgentsPage.json").read_text()))
    gateway.on(
        "GET",
        "/runs",
        lambda asked: Said({"items": []} if "caused_by_run" in asked.query else RUNS),
    )
    gateway.on("GET", f"/runs/{RUN}", detail(state=RunState.SUCCEEDED))
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(state="succeeded"), end=True)))
    gateway.on("GET", f"/runs/{RUN}/tree", TREE)
    gateway.on("GET", "/overview", OVERVIEW)
    gateway.on("GET", "/search", FOUND)
    gateway.on("GET", f"/runs/{RUN}/records", RECORDS)
    gateway.on("GET", "/records", RECORDS)
    gateway.on("GET", f"/runs/{RUN}/calls", CALLS)
    gateway.on("GET", f"/runs/{RUN}/trace", TRACE)
    gateway.on("GET", f"/runs/{RUN}/changes", RECORDS)
    gateway.on("GET", f"/runs/{RUN}/logs", LOGS)
    gateway.on("GET", "/rates", RATES)
    gateway.on("GET", "/erp-entries", ERP_ENTRIES)
    gateway.on("GET", "/payables", PAYABLES)
    gateway.on("GET", "/payments/files", PAYMENT_FILES)
    gateway.on("GET", f"/payments/files/{FILE}", PAYMENT_FILE)
    gateway.on("GET", "/bank/transactions", TRANSACTIONS)
    gateway.on("GET", "/bank/statements", STATEMENTS)
    gateway.on("POST", f"/runs/{RUN}/cancel", Published(run_id=RUN, sequence=12))
    gateway.on("POST", f"/runs/{RUN}/rerun", STARTED, status=202)
    gateway.on("POST", f"/runs/{RUN}/decisions", Published(run_id=RUN, sequence=13))
    gateway.on("POST", "/documents", upload_answer("scan.pdf"), status=201)
    gateway.on("GET", f"/documents/{DOCUMENT}", DETAIL)
    gateway.on("GET", f"/documents/{DOCUMENT}/files/text", "Größe\fSeite 2".encode(), media_type="text/plain")
    gateway.on("GET", f"/documents/{DOCUMENT}/chain", CHAIN)
    gateway.on("GET", "/documents", DOCUMENTS)
    gateway.on("GET", "/approvals", APPROVALS)
    gateway.on("GET", f"/approvals/{DOCUMENT}", APPROVAL)
    taken = StepTaken(changed=True, approval=APPROVAL)
    for step in ("approve", "reject", "withdraw", "ask", "answer"):
        gateway.on("POST", f"/approvals/{DOCUMENT}/{step}", taken)
    gateway.on("POST", f"/documents/{DOCUMENT}/invoice/corrections", taken)
    gateway.on("GET", "/dead-letters", {"items": [LETTER]})
    gateway.on("POST", "/dead-letters/3/replay", LETTER)
    gateway.on("GET", "/audit/entries", AUDIT_ENTRIES)
    gateway.on("GET", "/audit/state", AUDIT_STATE)
    gateway.on("GET", "/audit/export", b'{"form": "an export"}\n', media_type="application/x-ndjson")
    gateway.on("POST", "/jobs/audit.verify-log/runs", STARTED, status=202)
    report = json.loads((CONTRACTS / "ReportRow.json").read_text())
    gateway.on("GET", "/reports", {"items": [report]})
    gateway.on("GET", f"/reports/{report['report_id']}", report)
    gateway.on("GET", f"/reports/{report['report_id']}/files/pdf", b"%PDF-1.7", media_type="application/pdf")
    gateway.on("POST", "/rebuild", RebuildReport(events=300, runs=60, seconds=0.5))
    for method, path, model in (
        ("GET", "/alerts", "AlertsPage"),
        ("POST", f"/alerts/{UUID(int=1)}/close", "AlertRow"),
        ("GET", "/silences", "SilencesPage"),
        ("POST", "/silences", "SilenceRow"),
        ("POST", f"/silences/{UUID(int=2)}/end", "SilenceRow"),
        ("GET", "/schedules", "SchedulesPage"),
        ("PUT", "/schedules/documents.ocr.nightly", "ScheduleChanged"),
        ("GET", "/schedules/documents.ocr.nightly/occurrences", "OccurrencesPage"),
        ("GET", "/schedules/documents.ocr.nightly/preview", "Preview"),
        ("DELETE", "/schedules/documents.ocr.nightly/changes", "ScheduleChanged"),
        ("POST", "/schedules/documents.ocr.nightly/pause", "PauseChanged"),
        ("POST", "/schedules/resume", "PauseChanged"),
        ("POST", "/schedules/documents.ocr.nightly/seen", "ScheduleChanged"),
        ("POST", "/schedules/documents.ocr.nightly/backfill", "Backfilled"),
    ):
        gateway.on(method, path, json.loads((CONTRACTS / f"{model}.json").read_text()))
    gateway.on("GET", "/me", ME)
    gateway.on("GET", "/principals", {"items": [ADA]})
    gateway.on("PUT", "/principals/ada", ADA)
    gateway.on("GET", "/principals/ada/contact", CONTACT)
    gateway.on("PUT", "/principals/ada/contact", CONTACT)
    gateway.on("PUT", "/principals/ada/password", b"", status=204)
    gateway.on("GET", "/tokens", {"items": [TOKEN]})
    gateway.on("POST", "/tokens", {**TOKEN, "token": "shown once"}, status=201)
    gateway.on("DELETE", f"/tokens/{UUID(int=1)}", b"", status=204)
    return gateway


NIGHTLY = "documents.ocr.nightly"
REPORT = "5f0e3f0a-5a3b-5b52-9a26-0a4f5d2c9b11"

COMMANDS: dict[str, list[Any]] = {
    "jobs": ["jobs"],
    "job": ["job", "documents.ocr"],
    "preflight": ["preflight", "documents.ocr", "-p", f"document={DOCUMENT}"],
    "choices": ["choices", "documents.ocr", "account", "--text", "CH93"],
    "systems": ["systems"],
    "start": ["start", "documents.ocr"],
    "start-wait": ["start", "documents.ocr", "--wait"],
    "runs": ["runs"],
    "overview": ["overview"],
    "search": ["search", "INV-4711"],
    "run": ["run", RUN],
    "run-tree": ["run", RUN, "--tree"],
    "cancel": ["cancel", RUN],
    "rerun": ["rerun", RUN, "--failed-only"],
    "decide": ["decide", RUN, "reminder:4711", "happened", "--reason", "the customer has it"],
    "records": ["records", "--run", RUN],
    "records-of-key": ["records", "--key", "invoice:4711"],
    "calls": ["calls", RUN],
    "trace": ["trace", RUN],
    "changes": ["changes", RUN],
    "logs": ["logs", RUN],
    "rates": ["rates"],
    "erp": ["erp", "suppliers"],
    "payables": ["payables"],
    "payment-files": ["payment-files"],
    "payment-file": ["payment-file", FILE],
    "bank-transactions": ["bank-transactions"],
    "bank-statements": ["bank-statements"],
    "upload": ["upload", "scan.pdf"],
    "upload-wait": ["upload", "scan.pdf", "--wait"],
    "documents": ["documents"],
    "document": ["document", DOCUMENT],
    "document-text": ["document", DOCUMENT, "--text"],
    "document-chain": ["document", DOCUMENT, "--chain"],
    "approvals": ["approvals"],
    "approve": ["approve", DOCUMENT, "--confirm", "payable_amount"],
    "reject": ["reject", DOCUMENT, "--reason", "never ordered"],
    "withdraw": ["withdraw", DOCUMENT, "--reason", "clicked the wrong one"],
    "ask": ["ask", DOCUMENT, "Was this delivered?"],
    "answer": ["answer", DOCUMENT, "Yes."],
    "correct": ["correct", DOCUMENT, "iban=CH9300762011623852957", "message="],
    "agents": ["agents"],
    "dead-letters": ["dead-letters"],
    "dead-letters-replay": ["dead-letters", "--replay", "3"],
    "audit-list": ["audit", "list"],
    "audit-state": ["audit", "state"],
    "audit-verify": ["audit", "verify"],
    "audit-export": ["audit", "export", "log.ndjson"],
    "rebuild": ["rebuild"],
    "reports-list": ["reports", "list"],
    "reports-show": ["reports", "show", REPORT],
    "reports-download": ["reports", "download", f"report:{REPORT}"],
    "schedules": ["schedules"],
    "schedule-show": ["schedule", "show", NIGHTLY],
    "schedule-preview": ["schedule", "preview", NIGHTLY, "--after", "2026-03-28"],
    "schedule-set": ["schedule", "set", NIGHTLY, "--cron", "15 2 * * *", "--zone", "Europe/Zurich"],
    "schedule-reset": ["schedule", "reset", NIGHTLY],
    "schedule-pause": ["schedule", "pause", NIGHTLY, "--reason", "a migration"],
    "schedule-resume": ["schedule", "resume", "--module", "documents", "--reason", "done"],
    "schedule-seen": ["schedule", "seen", NIGHTLY, "--reason", "done by hand"],
    "schedule-backfill": ["schedule", "backfill", NIGHTLY, "--from", "2026-03-01", "--reason", "outage"],
    "alerts": ["alerts"],
    "close-alert": ["close-alert", UUID(int=1), "--reason", "done by hand"],
    "silences-list": ["silences", "list"],
    "silences-add": ["silences", "add", "--for", "4h", "--job", "integrations.*", "--reason", "works"],
    "silences-end": ["silences", "end", UUID(int=2)],
    "me": ["me"],
    "principals-list": ["principals", "list"],
    "principals-set": ["principals", "set", "ada", "--name", "Ada", "--role", "accounting"],
    "principals-contact": ["principals", "contact", "ada"],
    "principals-set-contact": ["principals", "set-contact", "ada", "--substitute", "ben"],
    "principals-set-password": ["principals", "set-password", "ada"],
    "tokens-list": ["tokens", "list"],
    "tokens-issue": ["tokens", "issue", "ada", "--name", "laptop"],
    "tokens-revoke": ["tokens", "revoke", UUID(int=1)],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_json_has_the_shape_that_is_published(
    answering: CannedGateway, run: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-")
    monkeypatch.setattr("sys.stdin", io.StringIO("heron under a paper moon\n"))
    ran = run(*COMMANDS[name], "--json")
    assert (ran.exit, ran.err) == (0, "")
    assert ran.json == json.loads((GOLDEN / f"{name}.json").read_text())


def test_every_golden_shape_belongs_to_a_command() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*COMMANDS, "problem", "upload-refused"}


def test_every_command_of_the_api_has_a_golden_shape() -> None:
    from cli.app import app

    flat = {command.name for command in app.registered_commands} - {
        "up", "demo", "sign-in", "open", "clean-state", "backup", "restore",
    }  # fmt: skip
    grouped = {
        f"{group.name}-{command.name}"
        for group in app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    }
    assert flat | grouped <= set(COMMANDS)


def test_a_problem_is_json_on_stderr_and_stdout_stays_empty(gateway: CannedGateway, run: Run) -> None:
    gateway.problem("GET", "/runs", 422, "request_invalid", errors=[{"field": "limit", "message": "large"}])
    ran = run("runs", "--json")
    assert (ran.exit, ran.out) == (5, "")
    assert json.loads(ran.err) == json.loads((GOLDEN / "problem.json").read_text())


def test_a_refused_file_stands_beside_the_others(gateway: CannedGateway, run: Run, tmp_path: Path) -> None:
    gateway.on("POST", "/documents", refused_upload("bad.pdf"), status=415)
    (tmp_path / "bad.pdf").write_bytes(b"MZ")
    ran = run("upload", "bad.pdf", "--json")
    assert (ran.exit, ran.err) == (5, "")
    assert ran.json == json.loads((GOLDEN / "upload-refused.json").read_text())


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (
            ["runs", "--state", "failed", "--state", "timed_out", "--action", "--job", "a.b"],
            {"state": ["failed", "timed_out"], "action_required": ["true"], "job": ["a.b"], "limit": ["50"]},
        ),
        (["runs", "--since", "2026-03-01"], {"requested_after": ["2026-03-01T00:00:00+00:00"]}),
        (["records", "--prefix", "document:", "--outcome", "failed"], {"key_prefix": ["document:"]}),
        (
            ["rates", "--source", "ecb", "--currency", "usd", "--day", "2024-06-28"],
            {"source": ["ecb"], "currency": ["USD"], "day": ["2024-06-28"]},
        ),
        (["erp", "open-items", "--present"], {"list": ["open-items"], "gone": ["false"], "limit": ["50"]}),
        (["payables", "--state", "open", "--client", "main"], {"state": ["open"], "client": ["main"]}),
        (["payment-files", "--limit", "3"], {"limit": ["3"]}),
        (["overview", "--job", "a.b", "--client", "main"], {"job": ["a.b"], "client": ["main"]}),
        (["search", "CH93", "0076", "2011"], {"q": ["CH93 0076 2011"], "limit": ["20"]}),
        (
            [
                "bank-transactions",
                "--from",
                "2026-03-01",
                "--to",
                "2026-03-31",
                "--unmatched",
                "--account",
                "CH93",
            ],
            {"from": ["2026-03-01"], "to": ["2026-03-31"], "matched": ["false"], "account": ["CH93"]},
        ),
        (
            [
                "audit",
                "list",
                "--kind",
                "signed_in",
                "--kind",
                "delivered",
                "--run",
                RUN,
                "--since",
                "2026-03-01",
            ],
            {
                "kind": ["signed_in", "delivered"],
                "run_id": [str(RUN)],
                "since": ["2026-03-01T00:00:00+00:00"],
            },
        ),
        (["audit", "export", "log.ndjson", "--run", RUN], {"run_id": [str(RUN)]}),
        (["logs", RUN, "--level", "warning", "--limit", "7"], {"level": ["warning"], "limit": ["7"]}),
    ],
)
def test_filters_reach_the_gateway(
    answering: CannedGateway, run: Run, words: list[Any], sent: dict[str, list[str]]
) -> None:
    assert run(*words).exit == 0
    assert answering.last.query.items() >= sent.items()


def test_a_start_at_a_later_time_is_a_schedule_of_its_own(gateway: CannedGateway, run: Run) -> None:
    changed = json.loads((CONTRACTS / "ScheduleChanged.json").read_text())
    gateway.on("PUT", "/schedules/documents.ocr.at-20300301t063000", changed)
    ran = run("start", "documents.ocr", "--at", "2030-03-01T07:30+01:00", "--reason", "at night")
    assert (ran.exit, ran.err) == (0, "")
    assert "documents.tidy.weekly: 15 2 * * * Europe/Zurich" in ran.out
    wrong = run("schedule", "pause", "--reason", "what?")
    assert wrong.exit == 2
    assert "--everything" in wrong.err


def test_a_start_carries_everything_that_was_given(answering: CannedGateway, run: Run) -> None:
    words = ["--param", f"document={DOCUMENT}", "--client", "muster-ag", "--key", "k-1", "--reason", "again"]
    assert run("start", "documents.ocr", *words, "--confirm", "documents.ocr", "--bulk").exit == 0
    assert answering.last.json == {
        "client": "muster-ag",
        "parameters": {"document": str(DOCUMENT)},
        "reason": "again",
        "confirm": "documents.ocr",
        "lane": "bulk",
    }
    assert answering.last.headers["idempotency-key"] == "k-1"
    assert answering.last.headers["authorization"] == "Bearer secret"


def test_a_file_is_saved_as_it_is_and_its_size_told(
    answering: CannedGateway, run: Run, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 1000
    answering.on("GET", f"/documents/{DOCUMENT}/files/original", content, media_type="application/pdf")
    ran = run("document", DOCUMENT, "--original", tmp_path / "copy.pdf")
    assert (tmp_path / "copy.pdf").read_bytes() == content
    assert "256,000 bytes" in ran.err


def test_a_payment_file_is_saved_byte_for_byte(answering: CannedGateway, run: Run, tmp_path: Path) -> None:
    path = f"/payments/files/{FILE}/content"
    answering.on("GET", path, b"<Document/>", media_type="application/xml")
    ran = run("payment-file", f"payment-file:{FILE}", "--save", tmp_path / "payments.xml")
    assert (tmp_path / "payments.xml").read_bytes() == b"<Document/>"
    assert (ran.exit, ran.out) == (0, "")
    assert "11 bytes" in ran.err


def test_what_is_no_id_of_a_payment_file_is_told_at_once(answering: CannedGateway, run: Run) -> None:
    ran = run("payment-file", "4711")
    assert ran.exit == 2
    assert "tagwerk payment-files" in ran.err


def test_a_download_that_is_refused_leaves_no_file(
    answering: CannedGateway, run: Run, tmp_path: Path
) -> None:
    answering.problem("GET", f"/documents/{DOCUMENT}/files/searchable-pdf", 404, "file_not_ready")
    assert run("document", DOCUMENT, "--pdf", tmp_path / "copy.pdf").exit == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (
            ["approve", DOCUMENT, "--comment", "fine", "--confirm", "iban", "--confirm", "duplicate"],
            f"/approvals/{DOCUMENT}/approve",
            {"values_version": "3f2a9c0d11ee", "comment": "fine", "confirm": ["iban", "duplicate"]},
        ),
        (
            ["approve", DOCUMENT, "--version", "seen"],
            f"/approvals/{DOCUMENT}/approve",
            {"values_version": "seen", "confirm": []},
        ),
        (
            [
                "correct",
                DOCUMENT,
                "iban=CH93 0076",
                "gross-amount=1234.50",
                "message=",
                "--reason",
                "typo",
            ],
            f"/documents/{DOCUMENT}/invoice/corrections",
            {
                "fields": {"iban": "CH93 0076", "gross_amount": "1234.50", "message": None},
                "reason": "typo",
            },
        ),
    ],
)
def test_a_step_carries_what_was_given(
    answering: CannedGateway, run: Run, words: list[Any], path: str, body: dict[str, Any]
) -> None:
    assert run(*words).exit == 0
    assert (answering.last.path, answering.last.json) == (path, body)


def test_a_correction_without_a_value_is_a_wrong_command_line(answering: CannedGateway, run: Run) -> None:
    ran = run("correct", DOCUMENT, "iban")
    assert (ran.exit, answering.asked) == (2, [])
    assert "NAME=VALUE" in ran.err


def test_a_broken_audit_log_is_a_failure_that_names_the_first_entry(
    answering: CannedGateway, run: Run
) -> None:
    check = AUDIT_STATE.check
    assert check is not None
    broken = check.model_copy(update={"broken": 5, "cause": "the content of entry 5 was changed"})
    answering.on("GET", f"/runs/{RUN}", detail(state=RunState.FAILED))
    answering.on("GET", "/audit/state", AUDIT_STATE.model_copy(update={"check": broken}))
    ran = run("audit", "verify")
    assert ran.exit == 1
    assert "entry 5 is the first that is not as it was" in " ".join(ran.out.split())
    # A check that did not come to an end is none.
    answering.on("GET", "/audit/state", AUDIT_STATE.model_copy(update={"check": None}))
    ran = run("audit", "verify")
    assert ran.exit == 1
    assert "as they were written" not in ran.out
