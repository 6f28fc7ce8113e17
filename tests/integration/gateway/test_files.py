"""Files for jobs over HTTP: uploaded once, answered with a reference, given to a job."""

from typing import Any

import pytest

from tests.integration.gateway.site import Site
from tests.support.rates_files import bazg_file

JOB = "integrations.import-daily-rates"


@pytest.fixture
async def files_site(site: Site) -> Site:
    await site.start("integrations")
    await site.knows("integrations.import-daily-rates")
    return site


async def test_an_uploaded_file_is_read_by_the_job_that_gets_its_reference(files_site: Site) -> None:
    ann = await files_site.user("ann", roles=("accounting",))
    content = bazg_file("04.06.2026", [("100 EGP", "1.66619")])
    first = await ann.post("/files", files={"file": ("Kurse Juni.xml", content)})
    assert first.status_code == 201, first.text
    kept = first.json()
    assert kept["reference"] == f"upload:{kept['sha256']}/Kurse Juni.xml"
    again = await ann.post("/files", files={"file": ("other name.xml", content)})
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["reference"] == kept["reference"]

    started = await ann.post(f"/jobs/{JOB}/runs", json={"parameters": {"file": kept["reference"]}})
    assert started.status_code == 202, started.text
    run = await ann.get(f"/runs/{started.json()['run_id']}?wait=10")
    assert run.json()["state"] == "succeeded", run.text
    assert [rate["currency"] for rate in (await ann.get("/rates")).json()["items"]] == ["EGP"]


async def test_bad_files_are_refused_with_their_reason(files_site: Site) -> None:
    admin = files_site.admin
    bad: list[tuple[Any, int, str]] = [
        ({"file": ("a.xml", b"")}, 422, "file_empty"),
        ({"file": ("a.xml", b"x" * 1_000_001)}, 413, "file_too_large"),
        (None, 415, "media_type_unsupported"),
    ]
    for files, status, code in bad:
        refused = await admin.post("/files", files=files)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    two = await admin.post("/files", files=[("file", ("a", b"x")), ("file", ("b", b"y"))])
    assert (two.status_code, two.json()["errors"][0]["field"]) == (422, "file")
    odd = await admin.post("/files", files={"file": ("a", b"x")}, data={"interactive": "true"})
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "interactive")


async def test_who_may_start_no_job_that_reads_files_may_not_upload(files_site: Site) -> None:
    bob = await files_site.user("bob", roles=("rates-viewer",))
    refused = await bob.post("/files", files={"file": ("a.xml", b"x")})
    assert (refused.status_code, refused.json()["code"]) == (403, "access_refused")
    assert "accounting" in refused.json()["roles_wanted"]
