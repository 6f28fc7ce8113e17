"""An upload and a start over HTTP, sent again by whoever got no answer."""

from typing import Any

from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.unit.documents.papers import typed_pdf

PDF = typed_pdf("Invoice 4711")


async def upload(scene: Scene) -> None:
    """Twice: whoever got an answer, or none, and is not sure sends it again and is told the same."""
    first, second = await _upload(scene), await _upload(scene)
    assert second["duplicate"]
    assert (first["document_id"], first["event_id"]) == (second["document_id"], second["event_id"])


async def _upload(scene: Scene) -> dict[str, Any]:
    answer = await scene.http(
        "POST", "/documents", data={"client": scene.client}, files={"file": ("invoice.pdf", PDF)}
    )
    assert answer.status_code in (200, 201), answer.text
    (file,) = answer.json()["files"]
    assert isinstance(file, dict)
    return file


UPLOAD = Scenario(
    dies="gateway",
    cause=upload,
    expects=(
        "put documents/<id>/original",
        "commit intake.Intake.accept of gateway.routes.uploads._accept",
        "publish event.document.uploaded",
        "commit outbox.Relay._pass",
    ),
)


async def test_a_kill_anywhere_in_an_upload_tells_of_the_document_once(sweep: Sweep) -> None:
    await sweep(UPLOAD)


async def start(scene: Scene) -> None:
    answer = await scene.http(
        "POST",
        "/jobs/lab.store/runs",
        json={"parameters": {"keys": ["a"]}, "client": scene.client},
        headers={"Idempotency-Key": scene.client},
    )
    assert answer.status_code in (200, 202), answer.text


START = Scenario(dies="gateway", beside=("lab",), cause=start, expects=("publish run.requested",))


async def test_a_kill_anywhere_in_a_start_starts_once(sweep: Sweep) -> None:
    await sweep(START)
