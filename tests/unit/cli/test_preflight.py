"""Checks before a start, as people read them and as scripts see them."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.answers import Preflight, SystemsPage
from cli.render.preflight import choices_view, preflight_view, systems_view
from shared.commands import ChoicesPage
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import CHOICES, JOB, PREFLIGHT, RUN, SYSTEMS
from tests.unit.cli.gateway import CannedGateway
from tests.unit.cli.test_rendering import shown

PATH = "/jobs/documents.ocr/preflight"


def preflight(**changes: Any) -> Preflight:
    return Preflight.model_validate(PREFLIGHT | changes)


def test_each_check_has_its_verdict_cause_and_mend() -> None:
    text = shown(preflight_view(preflight()), width=120)
    assert "✓ ok       permission  You may start it for client main." in text
    assert "! warning  system ecb" in text
    assert "no connection " in text
    assert "→ Check that ecb can be reached." in text
    assert "It can be started, with --confirm documents.ocr --reason '…'." in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"may_start": False}, "It would not be started."),
        ({"confirmed": True}, "It can be started."),
        ({"needs_confirmation": False, "dry_run": True}, "It can be started as a dry run."),
    ],
)
def test_the_end_says_what_a_start_would_come_to(changes: dict[str, Any], words: str) -> None:
    assert shown(preflight_view(preflight(**changes))).rstrip().endswith(words)


def test_narrow_terminals_lose_no_words() -> None:
    text = " ".join(shown(preflight_view(preflight()), width=50).split())
    assert "It works as you, admin." in text


def test_what_would_be_refused_ends_with_the_code_of_a_refusal(gateway: CannedGateway, run: Run) -> None:
    gateway.on("POST", PATH, PREFLIGHT | {"may_start": False})
    assert run("preflight", "documents.ocr", "--dry-run", "--client", "main").exit == 3
    assert gateway.last.json == {"client": "main", "parameters": {}, "dry_run": True}
    gateway.on("POST", PATH, PREFLIGHT)
    assert run("preflight", "documents.ocr").exit == 0


def test_a_file_of_this_machine_is_not_uploaded_to_look(
    gateway: CannedGateway, run: Run, tmp_path: Path
) -> None:
    file = {"type": "string", "format": "incoming-file"}
    gateway.on("GET", "/jobs/documents.ocr", JOB | {"parameters": {"properties": {"file": file}}})
    (tmp_path / "june.xml").write_text("<x/>")
    ran = run("preflight", "documents.ocr", "-p", "file=@june.xml")
    assert ran.exit == 2
    assert "a preflight changes nothing" in ran.err


def test_a_dry_run_is_asked_for_with_the_start(gateway: CannedGateway, run: Run) -> None:
    started = {"run_id": str(RUN), "job": "documents.ocr", "client": "main", "sequence": 1, "existing": False}
    gateway.on("POST", "/jobs/documents.ocr/runs", started)
    run("start", "documents.ocr", "--dry-run")
    assert json.loads(gateway.last.body)["dry_run"] is True
    run("start", "documents.ocr")
    assert "dry_run" not in json.loads(gateway.last.body)


def test_choices_and_systems_are_lists() -> None:
    text = shown(choices_view(ChoicesPage.model_validate(CHOICES)))
    assert "CH9300762011623852957" in text
    assert "There are more" in text
    assert "nothing to choose" in shown(choices_view(ChoicesPage(items=[])))
    text = shown(systems_view(SystemsPage.model_validate(SYSTEMS)), width=120)
    assert "! warning  system ecb  no connection" in text
    assert "last good call" in text
    assert "www.ecb.europa.eu:443: 5 calls failed since" in text
    assert "not called before" in text
    assert "no systems" in shown(systems_view(SystemsPage(items=[])))
