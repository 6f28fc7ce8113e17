"""The audit log through the gateway: deeds of all services, who may read them, verification and export."""

import asyncio
import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.roles import AUDIT_KEEPER
from deploy.verify_audit_export import public_key, verify
from services.audit.keys import ensure_keys
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser


@pytest.fixture
async def audited_site(working_site: Site) -> Site:
    """The audit service writes down what happens; heads are signed at once."""
    folder = working_site.folder
    ensure_keys(folder / "key.pem")
    await working_site.start(
        "audit",
        audit_key_file=folder / "key.pem",
        audit_heads_folder=folder / "heads",
        audit_head_minutes=0.001,
        audit_keeper_url=working_site.database_url(AUDIT_KEEPER),
    )
    await working_site.knows("audit.verify-log")
    return working_site


async def entries(client: httpx.AsyncClient, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
    """The entries that are asked for, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            answer = await client.get("/audit/entries", params=wanted)
            assert answer.status_code == 200, answer.text
            items: list[dict[str, Any]] = answer.json()["items"]
            if len(items) >= count:
                return items
            await asyncio.sleep(0.05)


async def test_deeds_are_written_down_listed_verified_and_exported(
    audited_site: Site, tmp_path: Path
) -> None:
    site, admin = audited_site, audited_site.admin
    bob = await site.user("bob", roles=("clerk",))
    assert (await bob.get("/principals")).status_code == 403
    started = await admin.post(
        "/jobs/lab.send/runs",
        json={"parameters": {"letters": ["anna"], "folder": str(tmp_path)}, "client": "alpha",
              "confirm": "lab.send", "reason": "month end"},
    )  # fmt: skip
    assert started.status_code == 202, started.text
    run = started.json()["run_id"]
    delivered, requested = await entries(admin, 2, run_id=run)
    assert (delivered["kind"], delivered["concern"], delivered["client"]) == (
        "delivered", "send:anna", "alpha",
    )  # fmt: skip
    assert (requested["principal"], requested["kind"], requested["concern"], requested["reason"]) == (
        "admin", "run_requested", "lab.send", "month end",
    )  # fmt: skip
    assert requested["after"]["confirmed"] is True
    assert requested["trace_id"] == started.headers["x-request-id"]
    [refused] = await entries(admin, kind="access_refused", principal="bob")
    assert refused["concern"] == "principals"
    # Who a person is called stands nowhere.
    changed = await entries(admin, kind="principal_changed", concern="principal:bob")
    assert changed[0]["after"]["roles"] == ["clerk"]
    assert "Bob" not in json.dumps(changed)
    assert await entries(admin, 0, kind="signed_in", since="2100-01-01") == []
    # Neither may bob read the log, nor an administrator of another client this entry.
    assert (await bob.get("/audit/entries")).status_code == 403
    tea = await site.user("tea", roles=("technical",), clients=("beta",))
    assert await entries(tea, 0, run_id=run) == []
    assert await entries(tea, kind="access_refused")

    checked = await admin.post("/jobs/audit.verify-log/runs", json={})
    ended = (await admin.get(f"/runs/{checked.json()['run_id']}", params={"wait": 20})).json()
    assert ended["state"] == "succeeded", ended
    async with asyncio.timeout(20):
        while True:
            state = (await admin.get("/audit/state")).json()
            if state["head"] and state["head"]["number"] == state["entries"] and state["head"]["written_at"]:
                break
            await asyncio.sleep(0.05)
    assert state["check"]["run_id"] == checked.json()["run_id"]
    assert (state["check"]["broken"], state["check"]["cause"]) == (None, None)

    key = public_key(site.folder / "key.pem.pub")
    whole = await admin.get("/audit/export")
    assert whole.headers["content-type"] == "application/x-ndjson"
    said = verify(iter(whole.text.splitlines()), key, ())
    assert said.startswith(f"Entries 1 to {state['entries']} follow each other, {state['entries']} with")
    # Of a part, the others are proof and say nothing.
    part = await admin.get("/audit/export", params={"run_id": run})
    lines = [json.loads(line) for line in part.text.splitlines()]
    told = [line["number"] for line in lines if "content" in line]
    assert told == [requested["number"], delivered["number"]]
    assert "2 with their content; a signed head covers" in verify(iter(part.text.splitlines()), key, ())
    assert "bob" not in part.text
    nothing = await admin.get("/audit/export", params={"principal": "nobody"})
    assert verify(iter(nothing.text.splitlines()), key, ()) == "No entry fits; nothing to verify."

    # As a report, for one client: what names it, and what names none.
    await site.start("reporting")
    await site.knows("reporting.audit-report")
    days = {"until": (datetime.now(UTC).date() + timedelta(days=1)).isoformat(), "days": 3}
    wish = {"client": "alpha", "parameters": {**days, "formats": ["csv"]}}
    begun = await admin.post("/jobs/reporting.audit-report/runs", json=wish)
    made = (await admin.get(f"/runs/{begun.json()['run_id']}", params={"wait": 20})).json()
    assert made["state"] == "succeeded", made
    [report] = (await admin.get("/reports", params={"kind": "audit"})).json()["items"]
    file = await admin.get(f"/reports/{report['report_id']}/files/csv")
    kinds = {(row["kind"], row["principal"]) for row in csv.DictReader(file.text.splitlines())}
    assert {("run_requested", "admin"), ("delivered", "admin"), ("access_refused", "bob")} <= kinds
    assert (await bob.get(f"/reports/{report['report_id']}")).status_code == 404


async def test_the_pages_show_the_log_and_where_a_deed_stands_in_it(
    audited_site: Site, tmp_path: Path
) -> None:
    site = audited_site
    started = await site.admin.post(
        "/jobs/lab.send/runs",
        json={"parameters": {"letters": [], "folder": str(tmp_path)}, "confirm": "lab.send",
              "reason": "<b>month end</b>"},
    )  # fmt: skip
    run = started.json()["run_id"]
    [entry] = await entries(site.admin, run_id=run)
    pages = browser(site, site.admin_token)
    page = await pages.get("/audit", params={"kind": "run_requested"})
    assert page.status_code == 200
    assert "&lt;b&gt;month end&lt;/b&gt;" in page.text
    assert "<b>month end" not in page.text
    assert f'id="entry-{entry["number"]}"' in page.text
    tab = await pages.get(f"/runs/{run}", params={"tab": "audit"})
    assert f"entry {entry['number']} of the audit log" in tab.text
    assert "No entry fits" in (await pages.get("/audit", params={"principal": "nobody"})).text
    bob = await site.user("bob")
    token = bob.headers["Authorization"].removeprefix("Bearer ")
    assert (await browser(site, token).get("/audit")).status_code == 403
