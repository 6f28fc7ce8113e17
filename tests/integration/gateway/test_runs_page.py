"""The pages of runs and of the search, over HTTP as a browser without scripts reads them."""

import asyncio
import html
import re
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from shared.events import Finished, Record, Recorded, Started
from shared.subjects import RunSubjects
from shared.words import Outcome, RunState
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser

JOB = "desk.collect"
NUMBER = 120

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(common_site: Site) -> Site:
    """More runs than a page holds: every tenth failed. The tests look only."""
    site = common_site
    await site.offer(JOB, title="Collect invoices")
    admin = site.admin

    async def fill(n: int) -> tuple[UUID, RunState]:
        answer = await admin.post(f"/jobs/{JOB}/runs", json={"client": "alpha" if n % 2 else "beta"})
        run: Any = answer.json()["run_id"]
        failed = n % 10 == 0
        outcome = Outcome.FAILED if failed else Outcome.CREATED
        failure = {"code": "record_invalid", "cause": "bad", "next_step": "mend"} if failed else None
        record = Record.model_validate({"key": f"invoice:INV-{n:03}", "outcome": outcome, "failure": failure})
        for event in (
            Started(run_id=run, attempt=1, worker="w:1"),
            Recorded(run_id=run, attempt=1, records=[record]),
        ):
            await site.bus.publish(RunSubjects(JOB, run).ev, event.encode())
        return UUID(run), RunState.PARTIALLY_FAILED if failed else RunState.SUCCEEDED

    filled = await asyncio.gather(*(fill(n) for n in range(NUMBER)))
    # One after the other: a job's page tells of the last that ended.
    for run, state in filled:
        end = Finished(run_id=run, attempt=1, state=state)
        sequence = await site.bus.publish(RunSubjects(JOB, run).ev, end.encode())
    await admin.get("/runs", params={"at_least": sequence})
    return site


async def read(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def runs_of(page: str) -> list[str]:
    return re.findall(r'<a href="/runs/([0-9a-f-]{36})"', page)


def chips(page: str) -> dict[str, tuple[str, str | None]]:
    """Chip -> where it leads, and its number."""
    block = page[page.index('<ul class="chips"') : page.index("</ul>", page.index('<ul class="chips"'))]
    found = {}
    for path, content in re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', block, re.S):
        number = re.search(r'<span class="number">([\d.,]+)</span>', content)
        words = re.sub(r"<span class=\"(number|unseen)\">.*?</span>|<[^>]+>", "", content).strip()
        found[words] = (html.unescape(path), number.group(1) if number else None)
    return found


async def test_all_runs_can_be_leafed_through(filled: Site) -> None:
    admin = browser(filled, filled.admin_token)
    seen: list[str] = []
    path: str | None = "/runs"
    pages = 0
    while path is not None:
        page = await read(admin, path)
        seen += runs_of(page)
        pages += 1
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = html.unescape(found.group(1)) if found else None
    assert pages == 3
    assert len(seen) == len(set(seen)) == NUMBER
    assert "To the beginning" in page


async def test_chips_filter_and_show_how_many_there_are(filled: Site) -> None:
    admin = browser(filled, filled.admin_token)
    shown = chips(await read(admin, "/runs"))
    assert {name: number for name, (_, number) in shown.items()} == {
        "needs attention": "12", "succeeded": "108", "partially failed": "12"
    }  # fmt: skip
    page = await read(admin, shown["partially failed"][0])
    assert len(runs_of(page)) == 12
    assert 'aria-current="true"' in page
    both = chips(page)["succeeded"][0]
    assert len(runs_of(await read(admin, both))) == 50
    # Once more takes it away.
    assert len(runs_of(await read(admin, chips(page)["partially failed"][0]))) == 50
    attention = await read(admin, shown["needs attention"][0])
    assert len(runs_of(attention)) == 12
    # Numbers are those of the reader's own clients.
    clerk = browser(filled, token_of(await filled.user("clerk", roles=("clerk",), clients=("alpha",))))
    assert chips(await read(clerk, "/runs")) == {
        "needs attention": ("/runs?action_required=true", "0"),
        "succeeded": ("/runs?state=succeeded", "60"),
    }


async def test_the_form_narrows_and_is_kept(filled: Site) -> None:
    admin = browser(filled, filled.admin_token)
    # As a browser sends it: every field, most of them empty.
    form = {"state": "partially_failed", "job": JOB, "client": "beta", "since": "2020-01-01", "until": "",
            "principal": "admin", "trigger": "manual"}  # fmt: skip
    page = (await admin.get("/runs", params=form)).text
    assert len(runs_of(page)) == 12
    assert f'<option value="{JOB}" selected>' in page
    assert '<input type="hidden" name="state" value="partially_failed">' in page
    assert 'value="2020-01-01"' in page
    assert '<details class="further" open>' in page
    for nothing in ({"client": "alpha"}, {"trigger": "mqtt"}, {"until": "2020-01-02"}, {"principal": "x"}):
        page = (await admin.get("/runs", params={**form, **nothing})).text
        assert runs_of(page) == []
        assert "No run fits" in page


async def test_runs_of_a_record_are_shown_and_the_filter_can_be_taken_away(filled: Site) -> None:
    admin = browser(filled, filled.admin_token)
    page = await read(admin, "/runs?record_key=invoice%3AINV-007")
    assert len(runs_of(page)) == 1
    assert "touched the record <code>invoice:INV-007</code>" in page
    assert '<input type="hidden" name="record_key" value="invoice:INV-007">' in page
    assert 'href="/runs">take away' in page


async def test_nonsense_is_a_page_that_says_what_is_wrong(filled: Site) -> None:
    admin = browser(filled, filled.admin_token)
    for wrong in ("state=lost", "since=yesterday", "sort=name", "rerun_of=x", "cursor=broken", "job=a%00b"):
        page = await read(admin, f"/runs?{wrong}", 422)
        assert page.startswith("<!doctype html>")
        assert wrong.split("=")[0] in page


async def test_the_search_shows_what_was_found_and_what_was_not_searched(filled: Site) -> None:
    admin = browser(filled, filled.admin_token)
    page = await read(admin, "/search?q=INV-00")
    assert "10 matches for <strong>INV-00</strong>" in page
    assert '<a class="reach" href="/runs?record_key=invoice%3AINV-007">' in page
    assert 'value="INV-00"' in page
    # The documents service does not run here.
    assert "Documents were not searched" in page
    assert "collect invoices" in (await read(admin, "/search?q=collect")).lower()
    odd = await read(admin, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in odd
    assert "Nothing was found" in odd
    german = await admin.get("/search?q=INV-007", headers={"Accept-Language": "de"})
    assert "das ist der Schlüssel" in german.text
    for wrong in ("x" * 201, "a%00b"):
        await read(admin, f"/search?q={wrong}", 422)


async def test_the_search_hides_what_the_reader_may_not_see(filled: Site) -> None:
    clerk = browser(filled, token_of(await filled.user("clerk", roles=("clerk",), clients=("alpha",))))
    mine, foreign = await read(clerk, "/search?q=INV-007"), await read(clerk, "/search?q=INV-008")
    assert "record_key=invoice%3AINV-007" in mine
    assert "Nothing was found" in foreign
    missing = await read(clerk, "/search?q=INV-999")
    assert (
        foreign.replace("INV-008", "X").split("<main")[1].split("<footer")[0]
        == (missing.replace("INV-999", "X").split("<main")[1].split("<footer")[0])
    )


async def test_a_job_shows_how_long_its_runs_took(filled: Site) -> None:
    page = await read(browser(filled, filled.admin_token), f"/jobs/{JOB}")
    assert page.count("<rect data-state=") == 50
    assert 'data-state="partially_failed"' in page
    assert "45 of the last 50 that ended by themselves succeeded." in page
    assert "style=" not in page


def token_of(client: httpx.AsyncClient) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")
