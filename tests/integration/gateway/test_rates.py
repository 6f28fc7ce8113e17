"""Exchange rates over HTTP: started by a person, stored, read by those who act for the client."""

import httpx
import pytest

from services.integrations.rates.feed import AREA
from shared.files import Files, open_store
from tests.integration.gateway.site import Site
from tests.support.rates_files import bazg_file

JOB = "integrations.import-daily-rates"


@pytest.fixture
async def rates_site(site: Site) -> Site:
    """The integrations service runs, and a file lies in the inbox of the client alpha."""
    await site.start("integrations")
    await site.knows("integrations.import-daily-rates")
    files = Files(open_store(f"file://{site.folder}/files"), "alpha")
    content = bazg_file("06.03.2026,07.03.2026", [("1 USD", "0.79588"), ("100 EGP", "1.66619")])
    await files.put(f"inbox/{AREA}/rates.xml", content)
    return site


async def imported(client: httpx.AsyncClient, **parameters: object) -> dict[str, object]:
    """Start the import for alpha and wait for its end."""
    body = {"client": "alpha", "parameters": {"file": "rates.xml", **parameters}}
    started = await client.post(f"/jobs/{JOB}/runs", json=body)
    assert started.status_code == 202, started.text
    ended = await client.get(f"/runs/{started.json()['run_id']}?wait=20")
    run: dict[str, object] = ended.json()
    return run


async def test_an_accountant_imports_a_file_and_reads_its_rates(rates_site: Site) -> None:
    ada = await rates_site.user("ada", roles=("accounting",))
    run = await imported(ada)
    assert (run["state"], run["counts"]) == ("succeeded", {"created": 4})
    answer = (await ada.get("/rates", params={"currency": "EGP", "day": "2026-03-06"})).json()
    assert answer["items"] == [
        {
            "currency": "EGP", "day": "2026-03-06", "base": "EGP", "quote": "CHF", "rate": "0.0166619",
            "client": "alpha", "source": "bazg", "run_id": run["run_id"],
        }
    ]  # fmt: skip
    assert (await imported(ada))["counts"] == {"unchanged": 4}


async def test_pages_of_rates_lead_to_the_end(rates_site: Site) -> None:
    ada = await rates_site.user("ada", roles=("accounting",))
    await imported(ada)
    first = (await ada.get("/rates?limit=3")).json()
    rest = (await ada.get("/rates", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    found = [(item["day"], item["currency"]) for item in first["items"] + rest["items"]]
    assert found == [(day, code) for day in ("2026-03-07", "2026-03-06") for code in ("EGP", "USD")]
    assert rest.get("next_cursor") is None


async def test_rates_of_a_client_of_somebody_else_are_not_there(rates_site: Site) -> None:
    await imported(await rates_site.user("ada", roles=("accounting",)))
    eve = await rates_site.user("eve", roles=("accounting",), clients=("beta",))
    assert (await eve.get("/rates")).json()["items"] == []
    refused = await eve.get("/rates?client=alpha")
    assert (refused.status_code, refused.json()["code"]) == (404, "client_not_found")


async def test_who_lacks_the_role_cannot_start_the_import(rates_site: Site) -> None:
    bob = await rates_site.user("bob", roles=("rates-viewer",))
    refused = await bob.post(f"/jobs/{JOB}/runs", json={"client": "alpha"})
    assert refused.status_code == 403
    assert refused.json()["roles_wanted"] == ["accounting", "trustee"]


async def test_queries_that_make_no_sense_are_refused(rates_site: Site) -> None:
    for query in ("currency=usd", "day=yesterday", "source=fed", "limit=0", "cursor=x", "client=%00"):
        refused = await rates_site.admin.get(f"/rates?{query}")
        assert refused.status_code == 422, (query, refused.text)


async def test_parameters_that_make_no_sense_are_refused_before_the_start(rates_site: Site) -> None:
    for parameters in ({"file": "../alpha/inbox/rates/rates.xml"}, {"currencies": ["usd"]}):
        body = {"client": "alpha", "parameters": parameters}
        refused = await rates_site.admin.post(f"/jobs/{JOB}/runs", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "parameters_invalid"), parameters


async def test_without_the_service_the_answer_says_so(site: Site) -> None:
    refused = await site.admin.get("/rates")
    assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
