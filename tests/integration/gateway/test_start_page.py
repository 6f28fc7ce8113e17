"""The page that starts a job, without scripts: it starts once, loses nothing, and lets nobody past."""

import re
from collections.abc import Mapping
from functools import partial
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from services.gateway.identity import passwords
from shared.access import Access
from shared.words import Level
from tests.integration.gateway.site import TESTER, Site
from tests.integration.gateway.test_sessions import set_password, signed_in


class Form(HTMLParser):
    """The fields of a page, as a browser would send them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self._select: str | None = None
        self._error: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        name = given.get("name")
        if tag == "input" and name and given.get("form") is None and given.get("type") != "file":
            if given.get("type") != "checkbox" or "checked" in given:
                self.values[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.values):
            self.values[self._select] = given.get("value", "")
        elif given.get("class") == "error" and "hidden" not in given:
            self._error = given["id"].removeprefix("f-").removesuffix("-error")

    def handle_data(self, data: str) -> None:
        if self._error is not None:
            self.errors[self._error] = data.strip()
            self._error = None


def browser(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same asker, with pages for an address."""
    client.base_url = httpx.URL(str(client.base_url).removesuffix("/api/v1/"))
    client.headers["Accept"] = "text/html"
    return client


async def tester(site: Site, **more: Any) -> httpx.AsyncClient:
    return browser(await site.user("clara", roles=(TESTER,), **more))


async def opened(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return Form(answer.text).values


async def pressed(client: httpx.AsyncClient, job: str, form: Mapping[str, str], do: str) -> httpx.Response:
    return await client.post(f"/jobs/{job}/start", data={**form, "do": do})


def run_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(r"/runs/([0-9a-f-]{36})\?at_least=\d+", answer.headers["location"])
    assert found is not None
    return found[1]


async def run(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/runs/{run_id}?wait=20")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_one_form_starts_once_however_often_it_is_sent(working_site: Site) -> None:
    clara = await tester(working_site)
    form = await opened(clara, "/jobs/lab.records/start") | {"p.count": "3", "reason": "a test"}
    first = run_of(await pressed(clara, "lab.records", form, "start"))
    assert run_of(await pressed(clara, "lab.records", form, "start")) == first
    told = await run(clara, first)
    assert (told["state"], told["parameters"], told["reason"], told["principal"]) == (
        "succeeded", {"count": 3}, "a test", "clara",
    )  # fmt: skip
    other = run_of(await pressed(clara, "lab.records", form | {"p.count": "4"}, "start"))
    assert other != first, "what was changed after going back is another run"
    fresh = await opened(clara, "/jobs/lab.records/start") | {"p.count": "3"}
    third = run_of(await pressed(clara, "lab.records", fresh, "start"))
    assert third not in (first, other)
    for one in (other, third):
        await run(clara, one)
    runs = (await clara.get("/api/v1/runs?job=lab.records")).json()["items"]
    assert len(runs) == 3


async def test_to_check_starts_nothing_and_keeps_what_was_typed(working_site: Site) -> None:
    clara = await tester(working_site)
    form = await opened(clara, "/jobs/lab.records/start") | {"p.count": "many", "reason": "my reason"}
    answer = await pressed(clara, "lab.records", form, "check")
    assert answer.status_code == 200
    page = Form(answer.text)
    assert {name: page.values[name] for name in ("p.count", "reason", "key")} == {
        "p.count": "many", "reason": "my reason", "key": form["key"],
    }  # fmt: skip
    assert page.errors == {"count": "'many' is not of type 'integer'"}
    assert "It would be refused" in answer.text
    refused = await pressed(clara, "lab.records", form, "start")
    assert refused.status_code == 422
    assert "It was not started" in refused.text
    assert (await clara.get("/api/v1/runs")).json()["items"] == []


async def test_the_page_speaks_german(working_site: Site) -> None:
    clara = await tester(working_site)
    clara.headers["Accept-Language"] = "de"
    answer = await pressed(clara, "lab.records", {"client": "alpha", "p.count": ""}, "check")
    assert Form(answer.text).errors == {"count": "Das muss ausgefüllt werden."}
    assert "Der Start würde abgelehnt" in answer.text


async def test_a_risky_job_is_started_after_its_id_was_typed_with_a_reason(
    working_site: Site, tmp_path: Any
) -> None:
    clara = await tester(working_site)
    form = await opened(clara, "/jobs/lab.send/start")
    form |= {"p.letters": "a\nb", "p.folder": str(tmp_path), "p.mode": "well"}
    answer = await pressed(clara, "lab.send", form, "start")
    assert answer.status_code == 422
    page = Form(answer.text)
    assert set(page.errors) == {"confirm", "reason"}
    half = await pressed(clara, "lab.send", form | {"reason": "because"}, "start")
    assert set(Form(half.text).errors) == {"confirm"}
    sure = form | {"confirm": "lab.send", "reason": "because"}
    told = await run(clara, run_of(await pressed(clara, "lab.send", sure, "start")))
    assert (told["state"], told["parameters"]["letters"]) == ("succeeded", ["a", "b"])
    again = await pressed(clara, "lab.send", {**sure, "key": "another"}, "check")
    assert "It ran" in again.text
    assert "risky: it sends letters" in again.text


async def test_a_dry_run_needs_no_confirmation(working_site: Site) -> None:
    clara = await tester(working_site)
    form = await opened(clara, "/jobs/lab.rehearse/start") | {"p.letters": "a"}
    told = await run(clara, run_of(await pressed(clara, "lab.rehearse", form, "dry_run")))
    assert (told["state"], told["dry_run"]) == ("succeeded", True)
    assert (await pressed(clara, "lab.rehearse", form, "start")).status_code == 422


async def test_an_earlier_run_fills_the_form_and_the_new_one_is_its_rerun(working_site: Site) -> None:
    clara = await tester(working_site, clients=("alpha", "beta"))
    form = await opened(clara, "/jobs/lab.records/start")
    form |= {"client": "beta", "p.count": "3", "p.fail": "2"}
    first = run_of(await pressed(clara, "lab.records", form, "start"))
    assert (await run(clara, first))["state"] == "partially_failed"
    page = await clara.get(f"/jobs/lab.records/start?from={first}")
    filled = Form(page.text).values
    assert (filled["client"], filled["p.count"], filled["from"]) == ("beta", "3", first)
    assert ">2</textarea>" in page.text
    second = run_of(await pressed(clara, "lab.records", filled | {"p.count": "5"}, "start"))
    told = await run(clara, second)
    assert (told["rerun_of"], told["trigger"], told["client"], told["parameters"]) == (
        first, "rerun", "beta", {"count": 5},
    )  # fmt: skip
    missing = await clara.get("/jobs/lab.records/start?from=01956000-0000-7000-8000-000000000001")
    assert missing.status_code == 404


async def test_who_acts_for_several_clients_has_to_choose_one(working_site: Site) -> None:
    clara = await tester(working_site, clients=("alpha", "beta"))
    form = await opened(clara, "/jobs/lab.records/start") | {"p.count": "1"}
    assert form["client"] == ""
    answer = await pressed(clara, "lab.records", form, "start")
    assert answer.status_code == 422
    assert "client" in Form(answer.text).errors
    for foreign in ("gamma", "../beta"):
        answer = await pressed(clara, "lab.records", form | {"client": foreign}, "start")
        assert answer.status_code == 404
        assert "client" in Form(answer.text).errors
    assert run_of(await pressed(clara, "lab.records", form | {"client": "beta"}, "start"))


async def test_a_client_that_cannot_be_is_none_for_an_administrator_either(working_site: Site) -> None:
    admin = browser(working_site.admin)
    await working_site.start("integrations")
    await working_site.knows("integrations.import-daily-rates")
    choices = "/api/v1/jobs/integrations.import-daily-rates/choices/file?client=../x"
    for path in ("/api/v1/systems?client=../x", choices):
        answer = await admin.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (404, "client_not_found"), path
    answer = await pressed(admin, "lab.records", {"client": "../x", "p.count": "1"}, "check")
    assert "It would be refused" in answer.text
    answer = await pressed(admin, "lab.records", {"client": "../x", "p.count": "1"}, "start")
    assert answer.status_code == 404


async def test_who_may_not_start_a_job_finds_no_form_and_cannot_send_one(working_site: Site) -> None:
    closed = Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"}))
    await working_site.offer("desk.closed", access=closed)
    clara = await tester(working_site)
    page = await clara.get("/jobs/desk.closed/start")
    assert page.status_code == 200
    assert "You may not start this job." in page.text
    assert 'name="do"' not in page.text
    assert (await pressed(clara, "desk.closed", {"client": "alpha"}, "start")).status_code == 403
    greta = browser(await working_site.user("greta"))
    assert (await greta.get("/jobs/lab.records/start")).status_code == 404
    assert (await greta.post("/jobs/lab.records/start/checks")).status_code == 404
    assert (await clara.get("/api/v1/runs")).json()["items"] == []


async def test_a_file_comes_in_without_scripts_and_the_form_is_as_it_was(site: Site) -> None:
    await site.start("integrations")
    await site.knows("integrations.import-daily-rates")
    ada = browser(await site.user("ada", roles=("accounting",)))
    path = "/jobs/integrations.import-daily-rates/start"
    shown = await ada.post(path, data={"client": "alpha", "p.source": "ecb", "do": "check"})
    action = re.search(r'id="upload-file"[^>]*action="([^"]+)"', shown.text)
    assert action is not None
    sent = await ada.post(
        action[1].replace("&amp;", "&"), data={"client": "alpha"}, files={"file": ("june.xml", b"<x/>")}
    )
    assert sent.status_code == 303, sent.text
    page = await ada.get(sent.headers["location"])
    filled = Form(page.text).values
    assert (filled["client"], filled["p.source"]) == ("alpha", "ecb")
    assert re.search(r'name="p.file" value="upload:[0-9a-f]{64}/june.xml" checked', page.text)
    large = await ada.post(
        action[1].replace("&amp;", "&"), data={"client": "alpha"}, files={"file": ("x", b"x" * 1_000_001)}
    )
    assert large.status_code == 413


async def test_the_form_of_a_session_carries_its_token_and_without_it_nothing_starts(
    working_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=4096, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", cheap)
    await working_site.user("clara", roles=(TESTER, "accounting"))
    await set_password(working_site, "clara")
    await working_site.start("integrations")
    await working_site.knows("integrations.import-daily-rates")
    clara = await signed_in(working_site, "clara")
    form = await opened(clara, "/jobs/lab.records/start") | {"p.count": "2"}
    bare = {name: value for name, value in form.items() if name != "csrf_token"}
    assert len(bare) == len(form) - 1
    for path in ("/jobs/lab.records/start", "/jobs/lab.records/start/checks"):
        forged = await clara.post(path, data={**bare, "do": "start"})
        assert forged.status_code == 403, path
    checked = await clara.post("/jobs/lab.records/start/checks", data=form)
    assert checked.status_code == 200
    assert "All checks are good" in checked.text
    assert run_of(await pressed(clara, "lab.records", form, "start"))

    page = await clara.get("/jobs/integrations.import-daily-rates/start")
    action = re.search(r'id="upload-file"[^>]*action="([^"]+)"', page.text)
    assert action is not None
    address = action[1].replace("&amp;", "&")
    files = {"file": ("june.xml", b"<x/>")}
    assert (await clara.post(address, data={"client": "alpha"}, files=files)).status_code == 303
    stripped = re.sub(r"csrf_token=[^&]*", "", address)
    assert stripped != address
    assert (await clara.post(stripped, data={"client": "alpha"}, files=files)).status_code == 403
    assert len((await clara.get("/api/v1/runs", headers={"Accept": "application/json"})).json()["items"]) == 1
