"""Bank statements over HTTP: uploaded, imported, listed for those who may see them."""

import pytest

from tests.integration.gateway.site import Site
from tests.support.bank_files import ACCOUNT, camt053, large_ledger, part_of

JOB = "integrations.import-bank-statements"


@pytest.fixture
async def bank_site(site: Site) -> Site:
    await site.start("integrations")
    await site.knows("integrations.import-bank-statements")
    return site


async def test_an_uploaded_statement_is_imported_and_listed_for_who_may_see_it(bank_site: Site) -> None:
    ann = await bank_site.user("ann", roles=("accounting",))
    kept = await ann.post("/files", files={"file": ("june.xml", camt053(part_of(large_ledger(3))))})
    body = {"parameters": {"file": kept.json()["reference"]}}
    started = await ann.post(f"/jobs/{JOB}/runs", json=body)
    run = (await ann.get(f"/runs/{started.json()['run_id']}?wait=20")).json()
    assert (run["state"], run["counts"]) == ("succeeded", {"created": 4}), run

    page = (await ann.get("/bank/transactions?matched=false&from=2026-03-01&to=2026-03-31")).json()
    assert [row["account"] for row in page["items"]] == [ACCOUNT] * 3
    assert {row["amount"] for row in page["items"]} == {"0.05", "-0.42", "-0.79"}
    assert (await ann.get("/bank/transactions?matched=true")).json()["items"] == []
    (statement,) = (await ann.get(f"/bank/statements?account={ACCOUNT}")).json()["items"]
    assert (statement["entries"], statement["warnings"], statement["file_name"]) == (3, [], "june.xml")

    viewer = await bank_site.user("vic", roles=("bank-viewer",))
    assert len((await viewer.get("/bank/transactions")).json()["items"]) == 3
    foreign = await bank_site.user("eve", roles=("accounting",), clients=("beta",))
    assert (await foreign.get("/bank/transactions")).json()["items"] == []
    assert (await foreign.get("/bank/statements?client=alpha")).json()["code"] == "client_not_found"
    clerk = await bank_site.user("bob", roles=("clerk",))
    for path in ("/bank/transactions", "/bank/statements"):
        hidden = await clerk.get(path)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "job_not_found")


async def test_queries_that_make_no_sense_are_refused(bank_site: Site) -> None:
    for query in ("from=yesterday", "matched=perhaps", "limit=0", "cursor=x", "client=%00"):
        refused = await bank_site.admin.get(f"/bank/transactions?{query}")
        assert refused.status_code == 422, (query, refused.text)
