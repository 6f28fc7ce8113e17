"""What scripts rely on: each way in which a command can end has its own exit code."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from cli.exits import Exit
from shared.commands import RunsPage
from shared.words import RunState
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import (
    DOCUMENT,
    JOB,
    OTHER_RUN,
    RUN,
    RUNS,
    detail,
    events,
    refused_upload,
    summary,
    upload_answer,
)
from tests.unit.cli.gateway import Asked, CannedGateway, Said, server_sent

STARTED = {
    "run_id": str(RUN), "job": "documents.ocr", "client": "main", "sequence": 10, "existing": False,
}  # fmt: skip


def a_run_that_ends(gateway: CannedGateway, state: RunState) -> None:
    gateway.on("POST", "/jobs/documents.ocr/runs", STARTED)
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(state=str(state)), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail(state=state))


def test_a_list_that_is_shown_is_a_success(gateway: CannedGateway, run: Run) -> None:
    gateway.on("GET", "/runs", RUNS)
    assert run("runs").exit == Exit.SUCCEEDED


def test_a_failed_run_that_is_only_shown_is_a_success(gateway: CannedGateway, run: Run) -> None:
    gateway.on("GET", f"/runs/{RUN}", detail(state=RunState.FAILED))
    assert run("run", RUN).exit == Exit.SUCCEEDED


def test_waiting_for_a_run_that_succeeds_is_a_success(gateway: CannedGateway, run: Run) -> None:
    a_run_that_ends(gateway, RunState.SUCCEEDED)
    assert run("start", "documents.ocr", "--wait").exit == Exit.SUCCEEDED


@pytest.mark.parametrize("state", [s for s in RunState if s.final and s is not RunState.SUCCEEDED])
def test_waiting_for_a_run_that_ends_otherwise_is_a_failure(
    gateway: CannedGateway, run: Run, state: RunState
) -> None:
    a_run_that_ends(gateway, state)
    ran = run("start", "documents.ocr", "--wait")
    assert ran.exit == Exit.FAILED
    assert state.replace("_", " ") in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "--state", "eaten"],
        ["runs", "--since", "yesterday"],
        ["run", "zzz"],
        ["records"],
        ["start", "documents.ocr", "--param", "document"],
        ["upload", "missing.pdf"],
        ["decide", RUN, "an effect", "perhaps", "--reason", "a guess"],
        ["fly"],
        ["runs", "--url", "ftp://host"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(gateway: CannedGateway, run: Run, words: list[Any]) -> None:
    gateway.on("GET", "/runs", RUNS)
    gateway.on("GET", "/jobs/documents.ocr", JOB)
    ran = run(*words)
    assert (ran.exit, ran.out) == (Exit.USAGE, "")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "not_signed_in"),
        (401, "token_rejected"),
        (403, "access_refused"),
        (404, "run_not_found"),
        (410, "job_retired"),
        (422, "confirmation_required"),
    ],
)
def test_a_refusal_has_its_own_code(gateway: CannedGateway, run: Run, status: int, code: str) -> None:
    gateway.problem("POST", "/jobs/documents.ocr/runs", status, code)
    assert run("start", "documents.ocr").exit == Exit.REFUSED


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "run_ended"),
        (413, "file_too_large"),
        (422, "parameters_invalid"),
        (500, "unexpected_error"),
        (503, "projection_behind"),
    ],
)
def test_a_problem_of_the_service_has_its_own_code(
    gateway: CannedGateway, run: Run, status: int, code: str
) -> None:
    gateway.problem("POST", f"/runs/{RUN}/cancel", status, code)
    ran = run("cancel", RUN)
    assert (ran.exit, ran.out) == (Exit.PROBLEM, "")


def test_nobody_at_the_address_has_its_own_code(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ran = run("runs", "--url", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert ran.exit == Exit.UNREACHABLE
    assert "make up" in ran.err


def test_no_known_address_counts_as_unreachable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAGWERK_URL")
    ran = run("runs")
    assert ran.exit == Exit.UNREACHABLE
    assert "credentials.json" in ran.err


def test_another_server_at_the_address_is_a_problem_and_said_to_be_one(
    gateway: CannedGateway, run: Run
) -> None:
    gateway.on("GET", "/runs", b"<html>a router's page</html>", media_type="text/html")
    ran = run("runs")
    assert ran.exit == Exit.PROBLEM
    assert "not another server" in ran.err


def test_a_run_that_outlasts_the_timeout_has_its_own_code(gateway: CannedGateway, run: Run) -> None:
    gateway.on("POST", "/jobs/documents.ocr/runs", STARTED)
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events()[:2], end=False)))
    gateway.on("GET", f"/runs/{RUN}", detail(state=RunState.RUNNING))
    ran = run("start", "documents.ocr", "--wait", "--timeout", "0.3")
    assert ran.exit == Exit.STILL_RUNNING
    assert f"tagwerk run {RUN} --wait" in ran.err


def test_an_upload_that_is_refused_is_a_problem_and_the_others_go_on(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    good.write_bytes(b"%PDF-good")
    bad.write_bytes(b"MZ")
    accepted, refused = Said(upload_answer("good.pdf"), 201), Said(refused_upload("bad.pdf"), 415)
    gateway.on("POST", "/documents", lambda asked: accepted if b"%PDF-good" in asked.body else refused)
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail(state=RunState.SUCCEEDED))
    gateway.on("GET", "/runs", {"items": []})
    ran = run("upload", good, bad, "--wait")
    assert ran.exit == Exit.PROBLEM
    assert "file_type_unsupported" in ran.out
    assert str(RUN) in ran.out


def test_an_upload_is_followed_by_the_names_of_the_jobs_that_it_causes(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    paper = tmp_path / "good.pdf"
    paper.write_bytes(b"%PDF-")
    gateway.on("POST", "/documents", Said(upload_answer("good.pdf"), 201))
    for id in (RUN, OTHER_RUN):
        ended = detail(id, RunState.SUCCEEDED, job="documents.ocr")
        gateway.on("GET", f"/runs/{id}", ended)
        gateway.on("GET", f"/runs/{id}/events", Said(pieces=server_sent(events(id, "succeeded"), end=True)))

    def caused(asked: Asked) -> Said:
        by_the_first = asked.query.get("caused_by_run") == [str(RUN)]
        following = [summary(OTHER_RUN, RunState.SUCCEEDED, job="documents.analyse-invoice")]
        return Said(RunsPage(items=following if by_the_first else []))

    gateway.on("GET", "/runs", caused)
    ran = run("upload", paper, "--wait")
    assert ran.exit == Exit.SUCCEEDED
    assert "good.pdf: running" in ran.err
    assert "good.pdf, analyse-invoice: running" in ran.err
    assert f"run {OTHER_RUN}  documents.ocr" in ran.out


def test_a_file_whose_name_is_no_text_is_uploaded_all_the_same(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    gateway.on("POST", "/documents", Said(upload_answer("good.pdf"), 201))
    path = tmp_path / os.fsdecode(b"Stra\xdfe.pdf")
    path.write_bytes(b"%PDF-")
    assert run("upload", path).exit == Exit.SUCCEEDED
    assert 'filename="Stra\ufffde.pdf"'.encode() in gateway.asked[-1].body


def test_a_file_that_cannot_be_written_is_a_problem_with_its_cause(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    gateway.on("GET", f"/documents/{DOCUMENT}/files/original", b"%PDF-", media_type="application/pdf")
    ran = run("document", DOCUMENT, "--original", tmp_path / "missing" / "copy.pdf")
    assert (ran.exit, ran.out) == (Exit.PROBLEM, "")
    assert "No such file or directory" in ran.err
    assert run("document", DOCUMENT, "--original", tmp_path).exit == Exit.USAGE


def test_the_beginning_of_an_id_that_several_runs_have_is_a_usage_error(
    gateway: CannedGateway, run: Run
) -> None:
    gateway.on("GET", "/runs", RUNS)
    gateway.on("GET", f"/runs/{OTHER_RUN}", detail(OTHER_RUN))
    assert run("run", "5c0e").exit == Exit.USAGE
    assert run("run", "5c0e9").exit == Exit.SUCCEEDED
    assert run("run", "ffff").exit == Exit.USAGE
