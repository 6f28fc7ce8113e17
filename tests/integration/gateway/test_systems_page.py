"""The page of systems as a browser gets it from a real gateway."""

import asyncio
import json

from deploy.local.ports import free_port
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser, token_of

RATES = "integrations.import-daily-rates"


async def test_services_are_shown_as_they_are(site: Site) -> None:
    admin = browser(site, site.admin_token)
    await site.offer("desk.open", title="Open job")
    shown = (await admin.get("/systems")).text
    section = shown[shown.index('id="service"') :]
    # Nobody offers the jobs of `desk`, so it comes before those that are at work.
    assert section.index("<strong>desk</strong>") < section.index("<strong>gateway</strong>")
    assert "it is not running; runs of its jobs wait" in section
    assert "Start the desk service, or look at its log." in section
    assert "need attention, as of now." in shown
    assert 'href="/jobs/desk.open"' in section
    german = browser(site, site.admin_token, **{"Accept-Language": "de"})
    assert "brauchen Aufmerksamkeit" in (await german.get("/systems")).text


async def test_everybody_sees_what_their_jobs_need_and_of_their_clients_alone(site: Site) -> None:
    plain = browser(site, await token_of(site, "plain"))
    shown = (await plain.get("/systems")).text
    assert "<strong>gateway</strong>" not in shown
    foreign = await plain.get("/systems?client=somebody-elses")
    assert foreign.status_code == 404
    assert "There is no such client" in foreign.text


async def test_what_is_not_called_for_now_says_since_when_why_and_until_when(site: Site) -> None:
    port = free_port()
    await site.start("integrations", ecb_daily_url=f"http://127.0.0.1:{port}/rates")
    await site.knows(RATES)
    body = {"client": "alpha", "parameters": {"source": "ecb"}}
    for _ in range(2):
        started = await site.admin.post(f"/jobs/{RATES}/runs", json=body)
        assert started.status_code == 202, started.text
    async with asyncio.timeout(30):
        while True:
            items = (await site.admin.get("/systems")).json()["items"]
            (ecb,) = (one for one in items if one["name"] == "ecb")
            if ecb["breakers"] and ecb["breakers"][0]["state"] != "closed":
                break
            await asyncio.sleep(0.1)
    (breaker,) = ecb["breakers"]
    assert breaker["host"] == f"127.0.0.1:{port}"
    assert breaker["failures"] >= 5
    assert breaker["last_error"] == "no connection: 127.0.0.1 refuses it"
    assert breaker["failing_since"] < breaker["since"] < breaker["next_try"]
    admin = browser(site, site.admin_token)
    shown = (await admin.get("/systems")).text
    assert f"<code>127.0.0.1:{port}</code>" in shown
    assert "calls failed in a row" in shown
    german = browser(site, site.admin_token, **{"Accept-Language": "de"})
    assert "Aufrufe in Folge" in (await german.get("/systems")).text
    # Whose systems they are is not everybody's business.
    ada = await site.user("ada", roles=("accounting",))
    (seen,) = (one for one in (await ada.get("/systems")).json()["items"] if one["name"] == "ecb")
    assert seen["breakers"] == []
    # It answers again, and is not called all the same: who starts a job hears of it before.
    body = {"client": "alpha", "parameters": {}}
    async with asyncio.timeout(20), await asyncio.start_server(answer_well, "127.0.0.1", port):
        while True:
            checked = (await ada.post(f"/jobs/{RATES}/preflight", json=body)).json()["checks"]
            (told,) = (one for one in checked if one["concern"] == "ecb")
            # What was found a moment ago is told for some seconds.
            if told["code"] != "external_system_unavailable":
                break
            await asyncio.sleep(0.2)
    assert (told["verdict"], told["code"]) == ("warning", "external_system_paused")
    assert "127.0.0.1" not in json.dumps(told)


async def answer_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()
