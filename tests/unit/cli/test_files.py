"""`tagwerk start JOB --param file=@path`: uploaded first, then named by its reference."""

from pathlib import Path
from typing import Any

from cli.exits import Exit
from tests.unit.cli.conftest import Run
from tests.unit.cli.examples import JOB, RUN
from tests.unit.cli.gateway import CannedGateway

REFERENCE = f"upload:{'a' * 64}/june.xml"
STARTED = {
    "run_id": str(RUN), "job": JOB["id"], "client": "main", "sequence": 4, "existing": False, "links": {},
}  # fmt: skip
TAKES_A_FILE: dict[str, Any] = {
    "properties": {"file": {"anyOf": [{"type": "string", "format": "incoming-file"}, {"type": "null"}]}}
}


def test_a_file_of_this_machine_is_uploaded_and_its_reference_given(
    run: Run, gateway: CannedGateway, tmp_path: Path
) -> None:
    (tmp_path / "june.xml").write_bytes(b"<Document/>")
    gateway.on("GET", f"/jobs/{JOB['id']}", JOB | {"parameters": TAKES_A_FILE})
    gateway.on("POST", "/files", {"reference": REFERENCE}, status=201)
    gateway.on("POST", f"/jobs/{JOB['id']}/runs", STARTED, status=202)
    ran = run("start", JOB["id"], "--param", "file=@june.xml", "--client", "acme")
    assert ran.exit == Exit.SUCCEEDED, ran.err
    upload, start = gateway.asked[1:]
    assert b'filename="june.xml"' in upload.body
    assert b"<Document/>" in upload.body
    assert b'name="client"\r\n\r\nacme' in upload.body
    assert start.json["parameters"] == {"file": REFERENCE}


def test_a_file_that_is_not_there_is_told_before_anything_is_asked(run: Run, gateway: CannedGateway) -> None:
    gateway.on("GET", f"/jobs/{JOB['id']}", JOB | {"parameters": TAKES_A_FILE})
    ran = run("start", JOB["id"], "--param", "file=@none.xml")
    assert ran.exit == Exit.PROBLEM
    assert "none.xml" in ran.err
    assert [asked.method for asked in gateway.asked] == ["GET"]
