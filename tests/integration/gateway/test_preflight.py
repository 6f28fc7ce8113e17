"""The checks before a start, over HTTP: real services, dead systems, folders that cannot be written.

What a preflight refuses is what a start refuses, and nothing changes by asking.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.accounts import EXAMPLE
from deploy.local.ports import free_port
from services.integrations.app import build as build_integrations
from shared import subjects
from shared.access import Access
from shared.service import Service
from shared.words import Level
from tests.integration.gateway.site import TESTER, Site
from tests.support.payments import approved
from tests.support.rates_feed import serving

RATES, CREATE = "integrations.import-daily-rates", "integrations.create-payment-file"
SECRET = "hunter2"


@pytest.fixture(scope="module")
def feed() -> Iterator[str]:
    with serving() as url:
        yield url


class Integrations:
    """The service with what a test has set, on the files of the site."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.accounts = folder / "accounts.toml"
        self.accounts.write_text(EXAMPLE.replace("clients.main", "clients.alpha"))
        self._service: Service | None = None

    async def start(self, **changes: Any) -> None:
        settings = self.site.settings("integrations", accounts_file=self.accounts, **changes)
        self._service = build_integrations(settings)
        await self._service.start()
        await self.site.knows(RATES)

    async def stop(self) -> None:
        if self._service is not None:
            await self._service.stop()
            self._service = None

    async def rows(self) -> dict[str, list[Any]]:
        """Everything in the service's schema but whether systems can be reached, and every file."""
        connection = await asyncpg.connect(self.site.database_url("integrations"))
        try:
            names = await connection.fetch(
                "select tablename from pg_tables"
                " where schemaname = 'integrations' and tablename <> 'breakers'"
            )
            found = {
                name: [tuple(row) for row in await connection.fetch(f"select * from integrations.{name}")]
                for (name,) in names
            }
        finally:
            await connection.close()
        files = self.site.folder / "files"
        found["files"] = sorted((str(path), path.stat().st_mtime_ns) for path in files.rglob("*"))
        return found


@pytest.fixture
async def integrations(site: Site, tmp_path: Path) -> AsyncIterator[Integrations]:
    integrations = Integrations(site, tmp_path)
    yield integrations
    await integrations.stop()


async def preflight(asking: httpx.AsyncClient, job: str, **body: Any) -> dict[str, Any]:
    answer = await asking.post(f"/jobs/{job}/preflight", json={"client": "alpha"} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def checks(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By name, with the concern where there are several: `system:ecb`."""
    return {
        f"{one['check']}:{one['concern']}" if one["concern"] else one["check"]: one
        for one in answer["checks"]
    }


def verdicts(answer: dict[str, Any]) -> dict[str, str]:
    return {name: f"{one['verdict']} {one['code']}" for name, one in checks(answer).items()}


async def payables_known(client: httpx.AsyncClient, count: int) -> None:
    async with asyncio.timeout(20):
        while len((await client.get("/payables")).json()["items"]) < count:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)


async def stream_length(site: Site) -> int:
    state = (await site.bus.js.stream_info(subjects.RUNS)).state
    return state.messages


# --- systems and locations -------------------------------------------------------------------------


async def test_a_job_that_has_all_it_needs(integrations: Integrations, feed: str) -> None:
    await integrations.start(ecb_daily_url=f"{feed}/ecb", bazg_daily_url=f"{feed}/bazg")
    ada = await integrations.site.user("ada", roles=("accounting",))
    answer = await preflight(ada, RATES, parameters={"currencies": ["USD"]})
    assert answer["may_start"] is True
    assert answer["needs_confirmation"] is False
    assert verdicts(answer) == {
        "permission": "ok allowed",
        "parameters": "ok valid",
        "repetition": "ok never_ran",
        "service": "ok at_work",
        "system:bazg": "ok usable",
        "system:ecb": "ok usable",
        "location": "ok database_only",
    }
    assert "as you, ada, for client alpha" in answer["effect"]["words"]
    assert await stream_length(integrations.site) == 0


async def test_dead_systems_are_named_within_seconds_and_tell_no_secret(
    integrations: Integrations, feed: str
) -> None:
    """One closes its port, the other accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        await integrations.start(
            ecb_daily_url=f"http://reader:{SECRET}@127.0.0.1:{free_port()}/rates?key={SECRET}",
            bazg_daily_url=f"http://127.0.0.1:{silent.getsockname()[1]}/rates?key={SECRET}",
        )
        ada = await integrations.site.user("ada", roles=("accounting",))
        began = time.monotonic()
        answer = await preflight(ada, RATES)
        assert time.monotonic() - began < 6
    assert answer["may_start"] is True, "a run waits for its systems, and is tried again"
    found = checks(answer)
    for name in ("system:ecb", "system:bazg"):
        assert found[name]["verdict"] == "warning"
        assert found[name]["code"] in ("external_system_unavailable", "probe_timed_out")
        assert found[name]["cause"]
        assert found[name]["mend"]
    assert SECRET not in str(answer)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/500", "external_system_unavailable"),
        ("/401", "credentials_rejected"),
        ("/404", "external_system_refused"),
        ("/moved", "external_system_moved"),
    ],
)
async def test_a_system_that_answers_badly(
    integrations: Integrations, feed: str, path: str, code: str
) -> None:
    await integrations.start(ecb_daily_url=f"{feed}{path}", bazg_daily_url=f"{feed}/bazg")
    ada = await integrations.site.user("ada", roles=("accounting",))
    found = checks(await preflight(ada, RATES))
    assert (found["system:ecb"]["verdict"], found["system:ecb"]["code"]) == ("warning", code)
    assert found["system:bazg"]["verdict"] == "ok"


async def test_an_address_that_is_none_is_not_quoted(integrations: Integrations, feed: str) -> None:
    await integrations.start(
        ecb_daily_url=f"http://reader:{SECRET}/x@host/rates", bazg_daily_url=f"{feed}/bazg"
    )
    ada = await integrations.site.user("ada", roles=("accounting",))
    answer = await preflight(ada, RATES)
    assert checks(answer)["system:ecb"]["code"] == "external_address_invalid"
    assert SECRET not in str(answer)


async def test_a_folder_that_cannot_be_written(integrations: Integrations, tmp_path: Path) -> None:
    """The tests may run as root, whom no rights keep out: a file stands where the folder should."""
    blocked = tmp_path / "pickup"
    blocked.write_text("not a folder")
    await integrations.start(payments_folder=blocked)
    ada = await integrations.site.user("ada", roles=("accounting",))
    found = checks(await preflight(ada, CREATE))
    assert found["location:file-store"]["verdict"] == "ok"
    assert found["location:payments-folder"]["code"] == "location_unwritable"
    assert found["location:payments-folder"]["verdict"] == "warning"
    assert str(blocked) in found["location:payments-folder"]["cause"]
    await integrations.stop()
    blocked.unlink()
    await integrations.start(payments_folder=blocked)
    assert checks(await preflight(ada, CREATE))["location:payments-folder"]["verdict"] == "ok"
    assert not blocked.exists(), "looking makes nothing"


async def test_a_service_that_does_not_run(integrations: Integrations) -> None:
    await integrations.start()
    ada = await integrations.site.user("ada", roles=("accounting",))
    await integrations.stop()
    answer = await preflight(ada, RATES)
    found = checks(answer)
    assert (found["service"]["verdict"], found["service"]["code"]) == ("warning", "service_not_running")
    assert (found["system:ecb"]["verdict"], found["system:ecb"]["code"]) == ("unknown", "service_unavailable")
    assert "not running" in found["system:ecb"]["cause"]


async def test_a_system_without_a_probe_is_unknown(working_site: Site) -> None:
    clara = await working_site.user("clara", roles=(TESTER,))
    found = checks(await preflight(clara, "lab.call", parameters={"url": "http://127.0.0.1:1/"}))
    assert (found["system:outside"]["verdict"], found["system:outside"]["code"]) == (
        "unknown",
        "probe_missing",
    )


# --- what is refused is what a start refuses -------------------------------------------------------


async def test_what_is_refused_is_what_a_start_refuses(working_site: Site) -> None:
    site = working_site
    closed = Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"}))
    await site.offer("desk.closed", access=closed)
    await site.offer("desk.retired", access=closed, retired=True)
    clara = await site.user("clara", roles=(TESTER,), clients=("alpha", "beta"))
    cases: list[tuple[str, dict[str, Any], str | None]] = [
        ("lab.records", {"client": "alpha", "parameters": {"count": 1}}, None),
        ("lab.records", {"client": "alpha", "parameters": {"count": "x"}}, "parameters_invalid"),
        ("lab.records", {"client": "alpha", "parameters": {"cuont": 1}}, "parameters_invalid"),
        ("lab.records", {"client": "gamma", "parameters": {"count": 1}}, "client_not_found"),
        ("lab.records", {"parameters": {"count": 1}}, "client_ambiguous"),
        (
            "lab.records",
            {"client": "alpha", "parameters": {"count": 1}, "dry_run": True},
            "dry_run_not_supported",
        ),
        ("lab.rehearse", {"client": "alpha", "parameters": {"letters": []}, "dry_run": True}, None),
        ("desk.closed", {"client": "alpha"}, "access_refused"),
    ]
    for job, body, code in cases:
        answer = (await clara.post(f"/jobs/{job}/preflight", json=body)).json()
        started = await clara.post(f"/jobs/{job}/runs", json=body)
        assert answer["may_start"] is (code is None), (job, body, answer)
        assert started.is_success is (code is None), (job, body, started.text)
        if code is not None:
            assert started.json()["code"] == code
            refused = [one for one in answer["checks"] if one["verdict"] == "refused"]
            assert len(refused) == 1, (job, body, refused)
            assert refused[0]["mend"], refused
    hana = await site.user("hana", roles=("clerk",))
    answer = await preflight(hana, "desk.retired")
    assert answer["may_start"] is False
    assert checks(answer)["service"]["code"] == "job_retired"
    assert (await hana.post("/jobs/desk.retired/runs", json={"client": "alpha"})).status_code == 410


async def test_a_hidden_job_is_not_there(working_site: Site) -> None:
    greta = await working_site.user("greta")
    answer = await greta.post("/jobs/lab.records/preflight", json={"client": "alpha"})
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


async def test_wrong_parameters_are_named_with_a_suggestion(working_site: Site) -> None:
    clara = await working_site.user("clara", roles=(TESTER,))
    answer = await preflight(clara, "lab.sleep", parameters={"step": 3, "step_seconds": "long"})
    (check,) = [one for one in answer["checks"] if one["check"] == "parameters"]
    errors = {one["field"]: one for one in check["data"]["errors"]}
    assert errors["parameters.step"]["suggestion"] == "steps"
    assert "parameters.steps" in errors
    assert "parameters.step_seconds" in errors
    assert checks(answer)["repetition"]["verdict"] == "unknown"


async def test_as_whom_it_works(site: Site) -> None:
    clerk = Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"}))
    await site.offer("desk.nightly", access=clerk, runs_as="service-nightly")
    hana = await site.user("hana", roles=("clerk",))
    found = checks(await preflight(hana, "desk.nightly"))
    assert (found["permission"]["verdict"], found["permission"]["code"]) == (
        "warning",
        "service_user_missing",
    )
    await site.user("service-nightly", roles=("clerk", "accounting"))
    await asyncio.sleep(1.1)  # principals are at most a second old
    answer = await preflight(hana, "desk.nightly")
    permission = checks(answer)["permission"]
    assert permission["verdict"] == "ok"
    assert permission["data"]["elevates"] is True
    assert permission["data"]["roles_gained"] == ["accounting"]
    assert answer["effect"]["elevates"] is True
    assert answer["effect"]["effective_principal"] == "service-nightly"


# --- the history -----------------------------------------------------------------------------------


async def ended(client: httpx.AsyncClient, job: str, **body: Any) -> dict[str, Any]:
    started = await client.post(f"/jobs/{job}/runs", json={"client": "alpha", **body})
    assert started.status_code == 202, started.text
    run: dict[str, Any] = (await client.get(f"/runs/{started.json()['run_id']}?wait=20")).json()
    return run


async def test_runs_with_the_same_parameters_are_known(working_site: Site) -> None:
    clara = await working_site.user("clara", roles=(TESTER,), clients=("alpha", "beta"))
    run = await ended(clara, "lab.records", parameters={"count": 2})
    same = checks(await preflight(clara, "lab.records", parameters={"fail": None, "count": 2}))["repetition"]
    assert (same["verdict"], same["code"], same["data"]["run_id"]) == ("ok", "ran_before", run["run_id"])
    assert same["words"].startswith("It ran a moment ago with the same parameters")
    assert "2 created" in same["words"]
    assert "changes nothing: it writes nothing" in same["words"]
    others: list[dict[str, Any]] = [
        {"parameters": {"count": 3}},
        {"parameters": {"count": 2}, "client": "beta"},
    ]
    for other in others:
        answer = await preflight(clara, "lab.records", **other)
        assert checks(answer)["repetition"]["code"] == "never_ran"


async def test_a_run_that_is_under_way_is_told(working_site: Site) -> None:
    clara = await working_site.user("clara", roles=(TESTER,))
    body = {"client": "alpha", "parameters": {"steps": 200}}
    started = (await clara.post("/jobs/lab.sleep/runs", json=body)).json()
    await clara.get(f"/runs/{started['run_id']}?at_least={started['sequence']}")
    found = checks(await preflight(clara, "lab.sleep", parameters={"steps": 200}))["repetition"]
    assert (found["verdict"], found["code"], found["data"]["run_id"]) == (
        "warning", "under_way", started["run_id"],
    )  # fmt: skip
    await clara.post(f"/runs/{started['run_id']}/cancel", json={})
    await clara.get(f"/runs/{started['run_id']}?wait=10")
    assert (
        checks(await preflight(clara, "lab.sleep", parameters={"steps": 200}))["repetition"]["code"]
        == "ran_before"
    )


async def test_a_risky_job_warns_of_its_risk_and_of_an_effect_in_doubt(
    working_site: Site, tmp_path: Path
) -> None:
    clara = await working_site.user("clara", roles=(TESTER,))
    sure = {"confirm": "lab.send", "reason": "a test"}
    parameters = {"letters": ["a"], "folder": str(tmp_path)}
    before = await preflight(clara, "lab.send", parameters=parameters)
    assert (before["needs_confirmation"], before["confirmed"]) == (True, False)
    assert checks(before)["repetition"]["verdict"] == "ok"
    refused = await clara.post("/jobs/lab.send/runs", json={"client": "alpha", "parameters": parameters})
    assert refused.json()["code"] == "confirmation_required"
    await ended(clara, "lab.send", parameters=parameters, **sure)
    again = await preflight(clara, "lab.send", parameters=parameters, **sure)
    assert again["confirmed"] is True
    found = checks(again)["repetition"]
    assert (found["verdict"], found["code"]) == ("warning", "ran_before")
    assert "risky: it sends letters" in found["cause"]
    lost = {"letters": ["b"], "folder": str(tmp_path), "mode": "lost-answer"}
    run = await ended(clara, "lab.send", parameters=lost, **sure)
    assert run["state"] == "interrupted"
    found = checks(await preflight(clara, "lab.send", parameters=parameters))["repetition"]
    assert (found["verdict"], found["code"]) == ("warning", "effect_in_doubt")
    assert found["data"]["effects"] == ["send:b"]
    decision = {"effect": "send:b", "decision": "happened", "reason": "it lies in the box"}
    decided = (await clara.post(f"/runs/{run['run_id']}/decisions", json=decision)).json()
    await clara.get(f"/runs/{run['run_id']}?at_least={decided['sequence']}")
    assert (
        checks(await preflight(clara, "lab.send", parameters=parameters))["repetition"]["code"]
        == "ran_before"
    )


async def test_without_the_status_service_the_history_is_unknown(bare_site: Site) -> None:
    await bare_site.start_gateway()
    await bare_site.offer("desk.noop")
    hana = await bare_site.user("hana", roles=("clerk",))
    found = checks(await preflight(hana, "desk.noop"))["repetition"]
    assert (found["verdict"], found["code"]) == ("unknown", "service_unavailable")
    assert found["cause"]


# --- a dry run, over everything --------------------------------------------------------------------


async def test_a_dry_run_of_a_payment_file_tells_all_and_changes_nothing(
    integrations: Integrations, tmp_path: Path
) -> None:
    pickup = tmp_path / "pickup"
    await integrations.start(payments_folder=pickup)
    site = integrations.site
    ada = await site.user("ada", roles=("accounting",))
    events = [
        approved("qrr", client="alpha"),
        approved("scor", client="alpha"),
        approved("plain", client="alpha", iban=None),
    ]
    for event in events:
        await site.bus.publish("event.invoice.approved", event.encode(), msg_id=str(event.id))
    await payables_known(ada, len(events))
    answer = await preflight(ada, CREATE, dry_run=True)
    assert (answer["may_start"], answer["needs_confirmation"]) == (True, False)
    assert answer["effect"]["words"].startswith("Writes nothing.")
    before = await integrations.rows()
    run = await ended(ada, CREATE, dry_run=True)
    assert (run["state"], run["dry_run"], run["action_required"]) == ("succeeded", True, False)
    assert run["sentence"].startswith("Dry run, nothing was written.")
    assert run["counts"] == {"skipped": 4}, "two orders, one that cannot be, and the sum of the account"
    records = (await ada.get(f"/runs/{run['run_id']}/records")).json()["items"]
    said = {record["key"].split(":")[0]: record["message"] for record in records}
    assert said["account"].startswith("would be created: 2 orders over CHF")
    assert {record["message"].split(":")[0] for record in records} == {"would be created", "would fail"}
    (changed,) = [one for one in run["answers"] if one["question"] == "data_changed"]
    assert changed["words"] == "No: it was a dry run."
    assert await integrations.rows() == before
    assert not pickup.exists()
    again = (await ada.post(f"/runs/{run['run_id']}/rerun", json={})).json()
    assert (await ada.get(f"/runs/{again['run_id']}?wait=20")).json()["dry_run"] is True
    assert await integrations.rows() == before
    assert checks(await preflight(ada, CREATE))["repetition"]["code"] == "never_ran", (
        "a dry run repeats nothing"
    )
    real = await ended(ada, CREATE, confirm=CREATE, reason="weekly payments")
    assert real["counts"] == {"created": 3, "failed": 1}, "what the dry run foresaw"


async def test_a_dry_run_of_the_rates_reads_and_compares(integrations: Integrations, feed: str) -> None:
    await integrations.start(ecb_daily_url=f"{feed}/ecb", bazg_daily_url=f"{feed}/bazg")
    ada = await integrations.site.user("ada", roles=("accounting",))
    body = {"parameters": {"source": "ecb"}}
    before = await integrations.rows()
    dry = await ended(ada, RATES, dry_run=True, **body)
    assert (dry["state"], dry["counts"], dry["calls"]) == ("succeeded", {"skipped": 2}, 1)
    assert await integrations.rows() == before
    assert (await ended(ada, RATES, **body))["counts"] == {"created": 2}
    assert (await ended(ada, RATES, dry_run=True, **body))["counts"] == {"unchanged": 2}


# --- choices and systems ---------------------------------------------------------------------------


async def test_choices_come_from_live_data_of_the_client(integrations: Integrations) -> None:
    await integrations.start()
    site = integrations.site
    ada = await site.user("ada", roles=("accounting",), clients=("alpha", "beta"))
    event = approved("qrr", client="alpha")
    await site.bus.publish("event.invoice.approved", event.encode(), msg_id=str(event.id))
    await payables_known(ada, 1)

    async def choices(parameter: str, **query: Any) -> list[dict[str, Any]]:
        answer = await ada.get(f"/jobs/{CREATE}/choices/{parameter}", params={"client": "alpha", **query})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    accounts = await choices("account")
    assert accounts
    assert await choices("account", text=accounts[0]["value"][-6:]) == accounts[:1]
    assert await choices("account", client="beta") == []
    assert [one["value"] for one in await choices("documents")] == [str(event.document_id)]
    assert await choices("documents", text="nobody has this in it") == []
    assert [one["value"] for one in await choices("currency")] == ["CHF"]
    assert [one["value"] for one in await choices("client")] == ["alpha", "beta"]
    folder = site.folder / "files/clients/alpha/inbox/rates"
    folder.mkdir(parents=True)
    (folder / "march.xml").write_text("<x/>")
    files = await ada.get(f"/jobs/{RATES}/choices/file", params={"client": "alpha"})
    assert [one["value"] for one in files.json()["items"]] == ["march.xml"]
    none = await ada.get(f"/jobs/{CREATE}/choices/until", params={"client": "alpha"})
    assert (none.status_code, none.json()["code"]) == (404, "choices_unknown")
    foreign = await ada.get(f"/jobs/{CREATE}/choices/account", params={"client": "gamma"})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "client_not_found")
    vera = await site.user("vera", roles=("payments-viewer",))
    seen = await vera.get(f"/jobs/{CREATE}/choices/account", params={"client": "alpha"})
    assert (seen.status_code, seen.json()["code"]) == (403, "access_refused")


async def test_systems_tell_how_they_are_and_when_they_were_last_called(
    integrations: Integrations, feed: str
) -> None:
    await integrations.start(ecb_daily_url=f"{feed}/ecb", bazg_daily_url=f"http://127.0.0.1:{free_port()}/")
    ada = await integrations.site.user("ada", roles=("accounting",))
    run = await ended(ada, RATES, parameters={"source": "ecb"})
    items = {f"{one['kind']}:{one['name']}": one for one in (await ada.get("/systems")).json()["items"]}
    assert items["service:integrations"]["verdict"] == "ok"
    assert items["service:integrations"]["instances"]
    assert items["system:ecb"]["verdict"] == "ok"
    assert items["system:ecb"]["last_succeeded"]["run_id"] == run["run_id"]
    assert items["system:ecb"]["last_failed"] is None
    assert items["system:bazg"]["verdict"] == "warning"
    assert items["location:file-store"]["client"] == "alpha"
    assert "service:status" not in items
    admin = (await integrations.site.admin.get("/systems")).json()["items"]
    assert {one["name"] for one in admin if one["kind"] == "service"} >= {"gateway", "status", "integrations"}
    greta = await integrations.site.user("greta", roles=("uploader",))
    assert "ecb" not in {one["name"] for one in (await greta.get("/systems")).json()["items"]}
    await integrations.stop()
    stopped = {one["name"]: one for one in (await ada.get("/systems")).json()["items"]}
    assert stopped["integrations"]["verdict"] == "warning"
    assert stopped["ecb"]["verdict"] == "unknown"
