"""Starting, reading, cancelling and rerunning runs over HTTP, with the real services behind it."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared import subjects
from shared.events import Finished, Requested, decode_run_event
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Danger, Lane, RunState, Trigger
from tests.integration.gateway.site import TESTER, Site


@pytest.fixture
async def ada(working_site: Site) -> httpx.AsyncClient:
    return await working_site.user("ada", roles=(TESTER,))


async def start(client: httpx.AsyncClient, job: str, /, expected: int = 202, **body: Any) -> dict[str, Any]:
    headers = body.pop("headers", None)
    response = await client.post(f"/jobs/{job}/runs", json=body, headers=headers)
    assert response.status_code == expected, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def read(client: httpx.AsyncClient, path: str, /, expected: int = 200, **params: Any) -> dict[str, Any]:
    response = await client.get(path, params=params or None)
    assert response.status_code == expected, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def requests(site: Site) -> list[tuple[str, Requested]]:
    """Every request in the stream, with its subject."""
    messages = [(m.subject, decode_run_event(m.data)) for m in await site.bus.read(subjects.RUNS, "run.>")]
    return [(subject, event) for subject, event in messages if isinstance(event, Requested)]


async def ended(client: httpx.AsyncClient, answer: dict[str, Any]) -> dict[str, Any]:
    run = await read(client, f"/runs/{answer['run_id']}", wait=15, at_least=answer["sequence"])
    assert RunState(run["state"]).final, run["state"]
    return run


async def test_a_started_run_can_be_read_with_its_answers_and_lists(ada: httpx.AsyncClient) -> None:
    answer = await start(ada, "lab.records", parameters={"count": 3, "fail": [2]}, reason="to see")
    assert answer["client"] == "alpha"
    assert not answer["existing"]
    run = await ended(ada, answer)
    assert run["state"] == "partially_failed"
    assert run["principal"] == "ada"
    assert run["reason"] == "to see"
    assert run["trigger"] == "manual"
    assert len(run["answers"]) == 7
    place = f"/runs/{answer['run_id']}"
    records = (await read(ada, f"{place}/records", sort="key"))["items"]
    assert [(r["key"], r["outcome"]) for r in records] == [
        ("item:1", "created"), ("item:2", "failed"), ("item:3", "created"),
    ]  # fmt: skip
    failed = (await read(ada, f"{place}/records", outcome="failed"))["items"]
    assert [r["key"] for r in failed] == ["item:2"]
    assert len((await read(ada, f"{place}/changes"))["items"]) == 2
    assert (await read(ada, f"{place}/logs"))["items"][0]["message"] == "counting"
    assert (await read(ada, f"{place}/calls"))["items"] == []
    history = (await read(ada, f"{place}/history"))["items"]
    assert history[0]["sequence"] == answer["sequence"]
    assert [row["event"]["type"] for row in history][-1] == "run.finished"
    touched = (await read(ada, "/records", key="item:2"))["items"]
    assert [r["run_id"] for r in touched] == [answer["run_id"]]
    assert len((await read(ada, "/records", key_prefix="item:"))["items"]) == 3


async def test_a_query_with_at_least_includes_what_the_command_published(ada: httpx.AsyncClient) -> None:
    for _ in range(10):
        answer = await start(ada, "lab.noop")
        run = await read(ada, f"/runs/{answer['run_id']}", at_least=answer["sequence"])
        assert run["sequence"] >= answer["sequence"]


async def test_a_sequence_far_ahead_is_answered_with_503_and_retry_after(ada: httpx.AsyncClient) -> None:
    response = await ada.get("/runs", params={"at_least": 10**9})
    assert response.status_code == 503
    assert response.json()["code"] == "projection_behind"
    assert response.headers["retry-after"] == "1"


async def test_a_wait_begins_before_the_run_is_requested(working_site: Site, ada: httpx.AsyncClient) -> None:
    run_id = new_id()
    waiting = asyncio.create_task(read(ada, f"/runs/{run_id}", wait=10))
    await asyncio.sleep(0.3)
    request = Requested(
        run_id=run_id, job="lab.noop", client="alpha", principal="ada", effective_principal="ada",
        trigger=Trigger.MANUAL,
    )  # fmt: skip
    subject = RunSubjects("lab.noop", run_id).requested(Lane.INTERACTIVE)
    await working_site.bus.publish(subject, request.encode())
    assert (await waiting)["state"] == "succeeded"


async def test_the_same_key_means_the_same_run(ada: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "monday"}
    first = await start(ada, "lab.noop", headers=key)
    again = await start(ada, "lab.noop", expected=200, headers=key, reason="another reason changes nothing")
    assert again["run_id"] == first["run_id"]
    assert again["sequence"] == first["sequence"]
    assert again["existing"]
    other = await start(ada, "lab.noop", headers={"Idempotency-Key": "tuesday"})
    assert other["run_id"] != first["run_id"]


async def test_the_same_key_with_other_parameters_is_a_conflict(ada: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "once"}
    await start(ada, "lab.records", parameters={"count": 1}, headers=key)
    problem = await start(ada, "lab.records", expected=422, parameters={"count": 2}, headers=key)
    assert problem["code"] == "idempotency_conflict"


async def test_twenty_requests_with_one_key_at_once_cause_one_run(
    working_site: Site, ada: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "rush"}
    responses = await asyncio.gather(
        *(ada.post("/jobs/lab.noop/runs", json={}, headers=key) for _ in range(20))
    )
    assert sorted(r.status_code for r in responses) == [200] * 19 + [202]
    assert len({r.json()["run_id"] for r in responses}) == 1
    assert len(await requests(working_site)) == 1


async def test_wrong_parameters_are_named_field_by_field(ada: httpx.AsyncClient) -> None:
    body = {"cuont": 3, "fail": ["x"]}
    problem = await start(ada, "lab.records", expected=422, parameters=body)
    assert problem["code"] == "parameters_invalid"
    wrong = {error["field"]: error for error in problem["errors"]}
    assert wrong["parameters.cuont"]["suggestion"] == "count"
    assert wrong["parameters.count"]["message"] == "is required"
    assert "parameters.fail" in wrong


async def test_a_request_carries_its_trace_into_the_run_and_back(ada: httpx.AsyncClient) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    header = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    response = await ada.post("/jobs/lab.noop/runs", json={}, headers=header)
    assert response.headers["traceparent"].split("-")[1] == trace_id
    assert response.headers["x-request-id"] == trace_id
    run = await read(ada, response.json()["links"]["run"].removeprefix("/api/v1"))
    assert run["traceparent"] == response.headers["traceparent"]


async def test_whoever_acts_for_several_clients_has_to_name_one(working_site: Site) -> None:
    berta = await working_site.user("berta", roles=(TESTER,), clients=("alpha", "beta"))
    problem = await start(berta, "lab.noop", expected=422)
    assert problem["code"] == "client_ambiguous"
    assert "alpha, beta" in problem["detail"]
    assert (await start(berta, "lab.noop", client="beta"))["client"] == "beta"
    nobody = await working_site.user("nobody", roles=(TESTER,), clients=())
    assert (await start(nobody, "lab.noop", expected=422))["code"] == "client_missing"
    assert (await start(working_site.admin, "lab.noop"))["client"] == "main"


async def test_a_dangerous_job_wants_its_name_typed_and_a_reason(site: Site) -> None:
    await site.offer("desk.wipe", danger=Danger.DESTRUCTIVE, repeat="it deletes")
    clerk = await site.user("clara", roles=("clerk",))
    for body in (
        {}, {"reason": "tidy"}, {"confirm": "desk.wipe"}, {"confirm": "desk.wipe", "reason": " "},
        {"confirm": "desk.wip", "reason": "tidy"},
    ):  # fmt: skip
        problem = await start(clerk, "desk.wipe", expected=422, **body)
        assert problem["code"] == "confirmation_required"
    await start(clerk, "desk.wipe", confirm="desk.wipe", reason="tidy")


async def test_a_retired_job_is_gone_but_can_be_read(site: Site) -> None:
    await site.offer("desk.old", retired=True)
    clerk = await site.user("clara", roles=("clerk",))
    assert (await start(clerk, "desk.old", expected=410))["code"] == "job_retired"
    assert not (await read(clerk, "/jobs/desk.old"))["may_start"]
    assert "desk.old" not in [job["id"] for job in (await read(clerk, "/jobs"))["items"]]
    assert "desk.old" in [job["id"] for job in (await read(clerk, "/jobs", retired=True))["items"]]


async def test_a_parameter_that_is_an_id_is_what_the_run_is_about(site: Site) -> None:
    schema = {
        "type": "object",
        "properties": {"document_id": {"type": "string", "format": "uuid"}},
        "additionalProperties": False,
    }
    await site.offer("desk.read", parameters=schema)
    clerk = await site.user("clara", roles=("clerk",))
    document = str(uuid4())
    answer = await start(clerk, "desk.read", parameters={"document_id": document})
    runs = await read(clerk, "/runs", about=f"document:{document}", at_least=answer["sequence"])
    assert [run["run_id"] for run in runs["items"]] == [answer["run_id"]]
    await start(clerk, "desk.read", expected=422, parameters={"document_id": "4711"})


async def test_runs_are_filtered_sorted_and_paged(ada: httpx.AsyncClient) -> None:
    answers = [await start(ada, "lab.noop") for _ in range(5)]
    await ended(ada, answers[-1])
    last = answers[-1]["sequence"]
    first = await read(ada, "/runs", job="lab.noop", limit=2, at_least=last, sort="requested_at")
    second = await read(
        ada, "/runs", job="lab.noop", limit=3, sort="requested_at", cursor=first["next_cursor"]
    )
    assert [r["run_id"] for r in first["items"] + second["items"]] == [a["run_id"] for a in answers]
    assert second["next_cursor"] is None
    assert (await read(ada, "/runs", state="failed"))["items"] == []
    assert (await read(ada, "/runs", expected=422, cursor="nonsense"))["code"] == "cursor_invalid"
    problem = await read(ada, "/runs", expected=422, stat="failed")
    assert problem["errors"][0]["field"] == "stat"


async def test_a_cancelled_run_ends_cancelled_and_then_cannot_be_cancelled(ada: httpx.AsyncClient) -> None:
    answer = await start(ada, "lab.sleep", parameters={"steps": 200})
    place = f"/runs/{answer['run_id']}"
    first = await ada.post(f"{place}/cancel", json={"reason": "wrong file"}, params={"at_least": 1})
    assert first.status_code == 202
    again = await ada.post(f"{place}/cancel")
    assert again.status_code in (202, 409)
    if again.status_code == 202:
        assert again.json()["sequence"] == first.json()["sequence"]
    run = await ended(ada, answer)
    assert run["state"] == "cancelled"
    late = await ada.post(f"{place}/cancel")
    assert late.status_code == 409
    assert late.json()["code"] == "run_ended"
    assert late.json()["state"] == "cancelled"


async def test_a_cancel_right_after_the_start_finds_the_run(ada: httpx.AsyncClient) -> None:
    for _ in range(5):
        answer = await start(ada, "lab.sleep", parameters={"steps": 100})
        cancelled = await ada.post(
            f"/runs/{answer['run_id']}/cancel", params={"at_least": answer["sequence"]}
        )
        assert cancelled.status_code == 202, cancelled.text


async def test_a_run_that_ended_in_the_stream_only_is_not_cancelled(site: Site) -> None:
    """The projection may be behind; the stream decides."""
    await site.offer("desk.slow")
    clerk = await site.user("clara", roles=("clerk",))
    answer = await start(clerk, "desk.slow")
    await read(clerk, f"/runs/{answer['run_id']}", at_least=answer["sequence"])
    run_id = UUID(answer["run_id"])
    finished = Finished(run_id=run_id, attempt=0, state=RunState.CANCELLED)
    await site.bus.publish(RunSubjects("desk.slow", run_id).ev, finished.encode())
    late = await clerk.post(f"/runs/{run_id}/cancel")
    assert late.status_code == 409


async def test_a_rerun_of_the_failed_records_names_them(ada: httpx.AsyncClient, working_site: Site) -> None:
    old = await start(ada, "lab.records", parameters={"count": 5, "fail": [2, 4]})
    await ended(ada, old)
    key = {"Idempotency-Key": "mend"}
    body = {"only": "failed", "parameters": {"count": 5}}
    response = await ada.post(f"/runs/{old['run_id']}/rerun", json=body, headers=key)
    assert response.status_code == 202, response.text
    run = await ended(ada, response.json())
    assert run["rerun_of"] == old["run_id"]
    assert run["trigger"] == "rerun"
    assert run["only_records"] == ["item:2", "item:4"]
    assert run["state"] == "succeeded"
    assert run["counts"] == {"created": 2}
    again = await ada.post(f"/runs/{old['run_id']}/rerun", json=body, headers=key)
    assert again.status_code == 200
    assert again.json()["run_id"] == run["run_id"]
    other = {"only": "all", "parameters": {"count": 5}}
    conflict = await ada.post(f"/runs/{old['run_id']}/rerun", json=other, headers=key)
    assert conflict.json()["code"] == "idempotency_conflict"
    reread = await read(ada, f"/runs/{old['run_id']}")
    assert reread["reruns"] == [run["run_id"]]


async def test_a_rerun_of_everything_takes_the_same_parameters(ada: httpx.AsyncClient) -> None:
    old = await start(ada, "lab.records", parameters={"count": 2})
    await ended(ada, old)
    nothing = await ada.post(f"/runs/{old['run_id']}/rerun", json={"only": "failed"})
    assert nothing.status_code == 409
    assert nothing.json()["code"] == "nothing_failed"
    response = await ada.post(f"/runs/{old['run_id']}/rerun", json={})
    run = await ended(ada, response.json())
    assert run["parameters"] == {"count": 2}
    assert run["only_records"] is None
    wrong = await ada.post(f"/runs/{old['run_id']}/rerun", json={"parameters": {"count": "two"}})
    assert wrong.json()["code"] == "parameters_invalid"


async def test_a_run_that_goes_on_is_not_rerun(ada: httpx.AsyncClient) -> None:
    answer = await start(ada, "lab.sleep", parameters={"steps": 100})
    response = await ada.post(
        f"/runs/{answer['run_id']}/rerun", json={}, params={"at_least": answer["sequence"]}
    )
    assert response.status_code == 409
    assert response.json()["code"] == "run_not_ended"


async def test_a_decision_goes_to_the_service_that_holds_the_ledger(
    working_site: Site, ada: httpx.AsyncClient
) -> None:
    answer = await start(ada, "lab.noop")
    await ended(ada, answer)
    heard = []

    async def decide(msg: Any) -> None:
        heard.append(msg.data)
        await msg.respond(b'{"data": {"run_id": "%s", "sequence": 77}}' % answer["run_id"].encode())

    await working_site.bus.nc.subscribe(subjects.decide("lab"), cb=decide)
    body = {"effect": "send:1", "decision": "happened", "reason": "the customer has it"}
    response = await ada.post(f"/runs/{answer['run_id']}/decisions", json=body)
    assert response.json() == {"run_id": answer["run_id"], "sequence": 77}
    assert b'"principal":"ada"' in heard[0]


async def test_the_request_tells_who_asked_and_with_which_key(
    working_site: Site, ada: httpx.AsyncClient
) -> None:
    answer = await start(ada, "lab.noop", headers={"Idempotency-Key": "k"}, lane="bulk")
    [(subject, request)] = await requests(working_site)
    assert subject == RunSubjects("lab.noop", request.run_id).requested(Lane.BULK)
    assert (request.principal, request.idempotency_key) == ("ada", "k")
    assert str(request.run_id) == answer["run_id"]
