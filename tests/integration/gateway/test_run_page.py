"""The page of a run as a browser gets it from a real gateway."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.gateway.pages.run.tabs import TABS
from shared.access import Access
from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    CancelRequested,
    DoubtfulEffect,
    Finished,
    Record,
    Recorded,
    Requested,
    RunEvent,
    Started,
    now,
)
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Danger, Lane, Level, Outcome, RunState, Trigger
from tests.integration.gateway.site import TESTER, Site
from tests.integration.gateway.test_pages import browser, token_of
from tests.integration.gateway.test_sessions import set_password, signed_in

JOB = "desk.work"
DOWN = Failure(
    code="external_system_unavailable",
    cause="the bank does not answer",
    concern="bank",
    next_step="Call the bank.",
    retryable=True,
)
DOUBT = DoubtfulEffect(effect="letter:4711", cause="no answer after sending had begun", record="4711")

CREATED, FAILED = Outcome.CREATED, Outcome.FAILED

Tell = Callable[[UUID], list[RunEvent]]


def begun(run_id: UUID, *outcomes: Outcome) -> list[RunEvent]:
    failure = Failure(code="record_invalid", cause="the number is bad", next_step="Choose another.")
    records = [
        Record(
            key=f"item:{n}", outcome=o, failure=failure if o in (Outcome.FAILED, Outcome.UNKNOWN) else None
        )
        for n, o in enumerate(outcomes, 1)
    ]
    events: list[RunEvent] = [Started(run_id=run_id, attempt=1, worker="desk:1")]
    return [*events, Recorded(run_id=run_id, attempt=1, records=records)] if records else events


def ending(state: RunState, *outcomes: Outcome, **more: Any) -> Tell:
    def tell(run_id: UUID) -> list[RunEvent]:
        return [*begun(run_id, *outcomes), Finished(run_id=run_id, attempt=1, state=state, **more)]

    return tell


def waiting(run_id: UUID) -> list[RunEvent]:
    later = now() + timedelta(minutes=5)
    return [*begun(run_id), AttemptFailed(run_id=run_id, attempt=1, failure=DOWN, next_attempt_at=later)]


def cancelled(run_id: UUID) -> list[RunEvent]:
    asked = CancelRequested(run_id=run_id, principal="cleo", reason="wrong month")
    return [
        *begun(run_id, Outcome.CREATED),
        asked,
        Finished(run_id=run_id, attempt=1, state=RunState.CANCELLED),
    ]


async def tell_run(site: Site, tell: Tell, *, job: str = JOB, client: str = "alpha") -> tuple[UUID, int]:
    """A run of which the bus knows these events; and the sequence of the last one."""
    run_id = new_id()
    request = Requested(
        run_id=run_id, job=job, client=client, principal="cleo", effective_principal="cleo",
        trigger=Trigger.MANUAL, parameters={"month": "2026-10"}, reason="month end",
    )  # fmt: skip
    subject = RunSubjects(job, run_id)
    sequence = await site.bus.publish(subject.requested(Lane.INTERACTIVE), request.encode())
    for event in tell(run_id):
        place = subject.ev
        if isinstance(event, CancelRequested):
            place = subject.cancel_requested
        sequence = await site.bus.publish(place, event.encode())
    return run_id, sequence


async def page_of(
    client: httpx.AsyncClient, run_id: UUID, sequence: int, expected: int = 200, **query: Any
) -> str:
    answer = await client.get(f"/runs/{run_id}", params={"at_least": sequence, **query})
    assert answer.status_code == expected, answer.text
    return answer.text


def said(page: str) -> str:
    """What a reader reads of it, on one line."""
    text = re.sub(r"<[^>]+>", " ", page.split("<main", 1)[-1])
    return re.sub(r"\s+([.,;:)])", r"\1", re.sub(r"\s+", " ", text))


#: State -> its events, its sentence in English and how it begins in German, whether somebody has to act.
STATES: dict[RunState, tuple[Tell, str, str, bool]] = {
    RunState.QUEUED: (lambda _: [], "It waits for a free worker.", "Er wartet auf einen freien", False),
    RunState.RUNNING: (begun, "Attempt 1 is running.", "Versuch 1 läuft.", False),
    RunState.WAITING: (
        waiting,
        "Attempt 1 failed: the bank does not answer. The next attempt follows by itself at",
        "Versuch 1 ist fehlgeschlagen: the bank",
        False,
    ),
    RunState.SUCCEEDED: (
        ending(RunState.SUCCEEDED, CREATED, CREATED),
        "Succeeded: 2 created.",
        "Erfolgreich: 2 neu.",
        False,
    ),
    RunState.PARTIALLY_FAILED: (
        ending(RunState.PARTIALLY_FAILED, CREATED, FAILED),
        "1 of 2 records failed.",
        "1 von 2 Datensätzen sind fehlgeschlagen.",
        True,
    ),
    RunState.FAILED: (
        ending(RunState.FAILED, failure=DOWN),
        "Failed: the bank does not answer.",
        "Fehlgeschlagen: the bank does not answer.",
        True,
    ),
    RunState.CANCELLED: (
        cancelled,
        "Cancelled; before that: 1 created.",
        "Abgebrochen; davor: 1 neu.",
        False,
    ),
    RunState.TIMED_OUT: (
        ending(RunState.TIMED_OUT, CREATED),
        "Stopped, because its time was up. Before that: 1 created.",
        "Angehalten, weil seine Zeit um war. Davor: 1 neu.",
        True,
    ),
    RunState.INTERRUPTED: (
        ending(RunState.INTERRUPTED, in_doubt=[DOUBT]),
        "Somebody must decide: 1 effect is in doubt.",
        "Jemand muss entscheiden: 1 Wirkung ist im Zweifel.",
        True,
    ),
}


async def test_every_state_is_one_sentence_and_seven_answers(site: Site) -> None:
    assert set(STATES) == set(RunState)
    await site.offer(JOB, title="Desk work")
    token = await token_of(site, "cleo", "clerk")
    clerk, german_clerk = browser(site, token), browser(site, token, **{"Accept-Language": "de-CH"})
    for state, (tell, sentence, german, required) in STATES.items():
        run_id, sequence = await tell_run(site, tell)
        page = await page_of(clerk, run_id, sequence)
        assert f'<div id="run" data-state="{state}"' in page
        assert sentence in said(page), state
        assert german in said(await page_of(german_clerk, run_id, sequence)), state
        assert f'data-required="{str(required).lower()}"' in page, state
        assert page.count('<div id="answer-') == 7, state
        assert ("data-live=" in page) == (not state.final), state
        assert ("Cancel the run" in page) == (not state.final), state
        assert ("Run everything again" in page) == (state.final and state != "interrupted"), state


async def test_a_failure_has_cause_concern_next_step_and_a_way_to_its_advice(site: Site) -> None:
    await site.offer(JOB, troubleshooting="docs/jobs/import-daily-rates.md")
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    page = await page_of(clerk, *await tell_run(site, ending(RunState.FAILED, failure=DOWN)))
    words = said(page)
    assert "Next step: Call the bank." in words
    assert "Concerns: bank" in words
    assert f'href="/jobs/{JOB}#external_system_unavailable"' in page
    unknown = DOWN.model_copy(update={"code": "nobody_knows"})
    page = await page_of(clerk, *await tell_run(site, ending(RunState.FAILED, failure=unknown)))
    assert f'href="/jobs/{JOB}#trouble"' in page


async def test_who_may_not_see_the_run_gets_what_they_get_for_none(site: Site) -> None:
    hidden = Access(module="desk", level=Level.TECHNICAL, roles=frozenset({"technical"}))
    await site.offer(JOB)
    await site.offer("desk.hidden", access=hidden)
    secret, _ = await tell_run(site, begun, job="desk.hidden")
    foreign, sequence = await tell_run(site, begun, client="beta")
    cleo = browser(site, await token_of(site, "cleo", "clerk"))
    pages = [await page_of(cleo, id, sequence, 404) for id in (secret, foreign, new_id())]
    assert all("There is no such run" in page for page in pages)
    for id in (secret, foreign):
        for step in ("cancel", "rerun", "decisions"):
            form = {"reason": "let me", "key": "1", "effect": "x", "decision": "happened"}
            assert (await cleo.post(f"/runs/{id}/{step}", data=form)).status_code == 404
    await site.audited("access_refused", 2)


async def test_who_may_only_look_reads_why(site: Site) -> None:
    await site.offer(JOB)
    rita = browser(site, await token_of(site, "rita"))
    run_id, sequence = await tell_run(site, begun)
    words = said(await page_of(rita, run_id, sequence))
    assert "Cancelling: Only for the roles clerk" in words
    assert "Cancel the run" not in words
    refused = await rita.post(f"/runs/{run_id}/cancel", data={"reason": "I want"})
    assert refused.status_code == 403
    assert "You may not do this" in refused.text
    doubtful, sequence = await tell_run(site, ending(RunState.INTERRUPTED, in_doubt=[DOUBT]))
    page = await page_of(rita, doubtful, sequence)
    assert "letter:4711" in page
    assert f"/runs/{doubtful}/decisions" not in page


async def test_records_are_narrowed_and_paged(site: Site) -> None:
    await site.offer(JOB)
    outcomes = [CREATED] * 60 + [FAILED] * 3
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    run_id, sequence = await tell_run(site, ending(RunState.PARTIALLY_FAILED, *outcomes))
    first = await page_of(clerk, run_id, sequence)
    assert first.count('id="record-') == 50
    following = re.search(r'href="([^"]+cursor=[^"]+)#lists" rel="next"', first)
    assert following is not None
    second = await clerk.get(following[1].replace("&amp;", "&"))
    assert second.text.count('id="record-') == 13
    failed = await page_of(clerk, run_id, sequence, outcome="failed")
    assert failed.count('id="record-') == 3
    assert "the number is bad" in failed
    by_key = await page_of(clerk, run_id, sequence, key="item:6")
    assert by_key.count('id="record-') == 5
    assert "No record fits" in await page_of(clerk, run_id, sequence, key="nothing")
    answer = await clerk.get(f"/runs/{run_id}", params={"cursor": "nonsense"})
    assert answer.status_code == 422


async def test_the_fragment_is_the_part_that_changes(site: Site) -> None:
    await site.offer(JOB)
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    run_id, sequence = await tell_run(site, begun)
    part = await page_of(clerk, run_id, sequence, fragment="true", tab="events")
    assert part.lstrip().startswith('<div id="run"')
    assert f'data-sequence="{sequence}"' in part
    assert "<html" not in part
    assert 'id="tab-events"' in part
    behind = await clerk.get(f"/runs/{run_id}", params={"fragment": "true", "at_least": sequence + 1000})
    assert behind.status_code == 503


async def test_every_tab_of_every_run_can_be_read(site: Site) -> None:
    """Also of one that has nothing to show, and in what somebody wrote there is no HTML."""
    nasty = "<script>alert(1)</script>\"'><img src=x>"
    await site.offer(JOB)
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    tells: list[Tell] = [
        lambda _: [],
        ending(RunState.FAILED, failure=DOWN.model_copy(update={"cause": nasty})),
    ]
    for tell in tells:
        run_id, sequence = await tell_run(site, tell)
        for tab in TABS:
            page = await page_of(clerk, run_id, sequence, tab=tab)
            assert f'id="tab-{tab}"' in page
            assert "<script>alert" not in page
            assert "<img" not in page
    assert (await clerk.get(f"/runs/{run_id}?tab=nothing")).status_code == 422


async def test_what_people_did_to_a_run_is_told(site: Site) -> None:
    await site.offer(JOB)
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    words = said(await page_of(clerk, *await tell_run(site, cancelled), tab="audit"))
    assert "cleo asked for the run (by hand)." in words
    assert "Reason: month end" in words
    assert "cleo asked to cancel it." in words
    assert "Reason: wrong month" in words


async def test_a_run_whose_job_nobody_knows_can_be_read(site: Site) -> None:
    run_id, sequence = await tell_run(site, ending(RunState.SUCCEEDED), job="gone.job")
    page = await page_of(browser(site, site.admin_token), run_id, sequence)
    assert "The catalogue does not know this job." in page
    assert "gone.job" in page


# --- with real work behind it -------------------------------------------------------------------------


async def worker(site: Site, user: httpx.AsyncClient) -> httpx.AsyncClient:
    """`user` at the API, as soon as the gateway knows the laboratory's jobs."""
    client = site.client(user.headers["Authorization"].removeprefix("Bearer "))
    async with asyncio.timeout(10):
        while (await client.get("/jobs/lab.records")).status_code == 404:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.1)
    return client


async def start(site: Site, user: httpx.AsyncClient, job: str, **parameters: Any) -> UUID:
    client = await worker(site, user)
    body = {"parameters": parameters, "client": "alpha", "confirm": job, "reason": "a test"}
    answer = await client.post(f"/jobs/{job}/runs", json=body)
    assert answer.status_code == 202, answer.text
    run_id = UUID(answer.json()["run_id"])
    await client.get(f"/runs/{run_id}", params={"wait": 10, "at_least": answer.json()["sequence"]})
    return run_id


async def followed(client: httpx.AsyncClient, answer: httpx.Response) -> tuple[UUID, str]:
    """The run to which a form led, after its end, and its page."""
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    run_id = UUID(place.split("?")[0].rsplit("/", 1)[1])
    async with asyncio.timeout(15):
        while True:
            page = (await client.get(place)).text
            if "data-live=" not in page:
                return run_id, page
            await asyncio.sleep(0.05)


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_a_run_is_cancelled_on_its_page(working_site: Site) -> None:
    tester = browser(working_site, await token_of(working_site, "tess", TESTER))
    client = await worker(working_site, tester)
    answer = await client.post("/jobs/lab.sleep/runs", json={"parameters": {"steps": 600}})
    run_id = answer.json()["run_id"]
    page = await page_of(tester, run_id, answer.json()["sequence"])
    assert "Cancel the run" in page
    _, page = await followed(
        tester, await tester.post(f"/runs/{run_id}/cancel", data={"reason": "wrong month"})
    )
    assert 'data-state="cancelled"' in page
    assert "on behalf of tess" in said(page)
    again = await tester.post(f"/runs/{run_id}/cancel", data={})
    assert again.status_code == 409
    assert "This run has ended already" in again.text


async def test_failed_records_are_run_again_once_however_often_the_form_is_sent(working_site: Site) -> None:
    tester = browser(working_site, await token_of(working_site, "tess", TESTER))
    old = await start(working_site, tester, "lab.records", count=9, fail=[2, 3])
    page = (await tester.get(f"/runs/{old}")).text
    assert "Run 2 failed records again" in page
    assert f"/jobs/lab.records/start?from={old}" in page
    form = {"only": "failed", "key": key_of(page)}
    answers = [await tester.post(f"/runs/{old}/rerun", data=form) for _ in range(2)]
    run_id, page = await followed(tester, answers[0])
    assert (await followed(tester, answers[1]))[0] == run_id
    assert run_id != old
    assert "2 failed" in said(page)
    assert "9" not in re.findall(r'<span class="number">(\d+)</span>', page)
    assert str(old) in page, "it names the run that it repeats"
    everything, page = await followed(
        tester, await tester.post(f"/runs/{old}/rerun", data={**form, "only": "all"})
    )
    assert everything not in (old, run_id)
    assert "7 created" in said(page)
    page = (await tester.get(f"/runs/{old}")).text
    assert str(run_id) in page, "it names its reruns"
    assert str(everything) in page


async def test_an_effect_in_doubt_is_decided_on_the_page(working_site: Site, tmp_path: Path) -> None:
    tester = browser(working_site, await token_of(working_site, "tess", TESTER))
    run_id = await start(
        working_site, tester, "lab.send", letters=["anna", "bert"], folder=str(tmp_path), mode="lost-answer"
    )
    page = (await tester.get(f"/runs/{run_id}")).text
    assert "Somebody must decide" in page
    assert "First somebody has to decide about the effect in doubt." in page
    form = {"effect": "send:anna", "decision": "happened", "reason": "no"}
    refused = await tester.post(f"/runs/{run_id}/decisions", data=form)
    assert refused.status_code == 422
    assert ">no</textarea>" in refused.text, "what was typed is kept"
    form["reason"] = "she has the letter"
    _, page = await followed(tester, await tester.post(f"/runs/{run_id}/decisions", data=form))
    words = said(page)
    assert "which has been decided since" in words
    assert "It happened" not in words
    told = said((await tester.get(f"/runs/{run_id}", params={"tab": "audit"})).text)
    assert "tess decided that it happened: send:anna." in told
    assert "she has the letter" in told
    again = await tester.post(f"/runs/{run_id}/decisions", data=form)
    assert again.status_code == 409


async def test_a_dangerous_job_wants_its_id_and_a_reason(site: Site) -> None:
    month = {"type": "object", "properties": {"month": {"type": "string"}}}
    await site.offer(
        JOB, danger=Danger.EXTERNAL_BOOKING, safe_to_repeat=False, repeat="it pays twice", parameters=month
    )
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    run_id, sequence = await tell_run(site, ending(RunState.FAILED, failure=DOWN))
    page = await page_of(clerk, run_id, sequence)
    assert "It pays twice" in page
    form = {"only": "all", "key": key_of(page), "reason": "the bank lost it", "confirm": "desk"}
    refused = await clerk.post(f"/runs/{run_id}/rerun", data=form)
    assert refused.status_code == 422
    assert "This has to be confirmed" in refused.text
    assert ">the bank lost it</textarea>" in refused.text
    done = await clerk.post(f"/runs/{run_id}/rerun", data={**form, "confirm": JOB})
    assert done.status_code == 303
    assert f"/runs/{run_id}" not in done.headers["location"]


async def test_a_run_that_has_not_ended_cannot_be_repeated(site: Site) -> None:
    await site.offer(JOB)
    clerk = browser(site, await token_of(site, "cleo", "clerk"))
    run_id, sequence = await tell_run(site, begun)
    await page_of(clerk, run_id, sequence)
    refused = await clerk.post(f"/runs/{run_id}/rerun", data={"only": "all", "key": "1"})
    assert refused.status_code == 409
    assert "This run has not ended yet" in refused.text


async def test_a_browser_needs_the_token_of_the_form(site: Site) -> None:
    await site.offer(JOB)
    await site.user("cleo", roles=("clerk",))
    await set_password(site, "cleo")
    cleo = await signed_in(site, "cleo")
    run_id, sequence = await tell_run(site, begun)
    page = await page_of(cleo, run_id, sequence)
    hidden = r'<input type="hidden" name="csrf_token" value="([^"]+)"'
    token = re.search(rf'action="/runs/{run_id}/cancel">\s*{hidden}', page)
    assert token is not None
    assert (await cleo.post(f"/runs/{run_id}/cancel", data={})).status_code == 403
    done = await cleo.post(f"/runs/{run_id}/cancel", data={"csrf_token": token[1]})
    assert done.status_code == 303
    events = await cleo.get(f"/api/v1/runs/{run_id}/history", headers={"Accept": "application/json"})
    assert events.status_code == 200
