"""The tour's own judgement: what is not as expected is named, and the demo fails."""

import json
from pathlib import Path

import pytest

from cli.demo.samples import SAMPLES, make_locked_pdf, sample_documents, true_text
from cli.demo.story import kept
from cli.exits import Exit
from shared.commands import RecordsPage
from shared.words import Outcome, RunState
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import (
    DETAIL,
    DOCUMENT,
    RECORDS,
    RUN,
    RUNS,
    detail,
    events,
    record,
    upload_answer,
)
from tests.unit.cli.gateway import CannedGateway, Said, server_sent
from tests.unit.cli.stories import a_story


def test_a_tour_that_finds_something_else_names_it_and_fails(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    """A running stack whose one run fails in part, and which takes each upload for a new document."""
    state, samples = tmp_path / "state", tmp_path / "samples"
    state.mkdir()
    samples.mkdir()
    (state / "credentials.json").write_text(json.dumps({"url": gateway.url, "token": "secret"}))
    (samples / "scan.pdf").write_bytes(b"%PDF-")
    gateway.on("GET", "/readyz", {"ready": True})
    gateway.on("POST", "/documents", upload_answer("scan.pdf"), status=201)
    gateway.on("GET", f"/runs/{RUN}/events", Said(pieces=server_sent(events(), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail())
    gateway.on("GET", f"/runs/{RUN}/records", RECORDS)
    gateway.on("GET", f"/documents/{DOCUMENT}", DETAIL)
    gateway.on("GET", f"/documents/{DOCUMENT}/files/text", b"Rechnung", media_type="text/plain")
    gateway.on("GET", f"/documents/{DOCUMENT}/files/searchable-pdf", b"no PDF", media_type="application/pdf")
    gateway.on(
        "GET",
        "/runs",
        lambda asked: Said({"items": []} if "caused_by_run" in asked.query else RUNS),
    )
    gateway.on(
        "POST",
        f"/runs/{RUN}/rerun",
        {"run_id": str(RUN), "job": "documents.ocr", "client": "main", "sequence": 20, "existing": False},
    )
    gateway.on("GET", "/records", RecordsPage(items=[record(1, Outcome.CREATED)]))

    ran = run("demo", "--state-dir", state, "--samples", samples)

    assert ran.exit == Exit.FAILED
    for words in (
        "scan.pdf: its run succeeded (found: partially_failed)",
        "the error says that it is encrypted (found: no failure)",
        "the second upload is recognized as the same document (found: a new one)",
        "its text can be downloaded as a searchable PDF (found: none)",
        "the rerun changed nothing",
        "a page knows all runs that touched it (found: 1 runs)",
    ):
        assert words in " ".join(ran.out.split())
    assert "not as expected" in ran.out
    assert (state / "demo-report.html").exists()


def test_a_folder_without_documents_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--state-dir", tmp_path / "state", "--samples", tmp_path)
    assert (ran.exit, ran.out) == (Exit.USAGE, "")
    assert not (tmp_path / "state").exists(), "nothing was started for it"


def test_a_stack_that_cannot_start_is_a_problem_with_its_cause(run: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "letter.txt").write_text("not a state folder")
    ran = run("demo", "--state-dir", tmp_path / "state")
    assert ran.exit == Exit.PROBLEM
    assert "not_a_state_folder" in ran.err


def test_likeness_is_measured_and_not_assumed(tmp_path: Path) -> None:
    document = a_story(tmp_path).documents[0]
    assert document.similarity == pytest.approx(100)
    document.pages = ["Rechnung Nr. 2O26-0417"]
    assert document.similarity is not None
    assert 30 < document.similarity < 60
    document.truth = None
    assert document.similarity is None


def test_only_unchanged_records_count_as_kept() -> None:
    assert kept([record(1, Outcome.UNCHANGED)])
    assert not kept([record(1, Outcome.UNCHANGED), record(2, Outcome.CREATED)])
    assert not kept([])


def test_the_samples_are_there_with_their_text() -> None:
    documents = sample_documents(SAMPLES)
    assert len(documents) >= 4
    assert all(true_text(document) for document in documents)


def test_the_locked_pdf_is_locked_and_new_each_time(tmp_path: Path) -> None:
    import pikepdf

    first = make_locked_pdf(tmp_path).read_bytes()
    assert make_locked_pdf(tmp_path).read_bytes() != first
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(tmp_path / "locked-payroll.pdf")


def test_a_run_of_an_earlier_tour_that_failed_does_not_fail_this_one_once_its_repeat_succeeds(
    tmp_path: Path,
) -> None:
    from cli.demo.tour import _check_document

    story = a_story(tmp_path)
    story.checks.clear()
    document = story.documents[0]
    document.run = detail(state=RunState.FAILED)
    document.repeated = detail(state=RunState.SUCCEEDED)
    document.repeated_records = [record(1, Outcome.UNCHANGED)]
    _check_document(story, document)
    assert story.all_held
