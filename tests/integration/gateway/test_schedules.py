"""Schedules over HTTP: who may see and change them, and what that leaves behind."""

import asyncio

from shared import subjects
from shared.audit import AuditEntry
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser

RULE = {"cron": "30 2 * * *", "zone": "Europe/Zurich", "overlap": "queue_one"}


async def test_a_schedule_is_set_seen_paused_and_audited(working_site: Site) -> None:
    site = working_site
    await site.knows("lab.noop")
    made = await site.admin.put("/schedules/lab.noop.nightly", json={"rule": RULE, "reason": "each night"})
    assert made.status_code == 200, made.text
    assert made.json()["before"] is None
    changed = await site.admin.put(
        "/schedules/lab.noop.nightly", json={"rule": {**RULE, "cron": "45 2 * * *"}, "reason": "later"}
    )
    assert changed.json()["before"]["rule"]["cron"] == "30 2 * * *"
    row = (await site.admin.get("/schedules/lab.noop.nightly")).json()
    assert row["schedule"]["rule"]["cron"] == "45 2 * * *"
    assert "T02:45:00" in row["next"]["local"] or row["next"]["transition"] == "shifted"
    listed = (await site.admin.get("/schedules", params={"job": "lab.noop"})).json()
    assert [one["schedule"]["id"] for one in listed["items"]] == ["lab.noop.nightly"]
    preview = await site.admin.get(
        "/schedules/lab.noop.nightly/preview", params={"after": "2099-01-01T00:00:00Z", "count": 3}
    )
    assert len(preview.json()["items"]) == 3
    tried = await site.admin.post(
        "/jobs/lab.noop/schedule-preview",
        json={"rule": RULE, "after": "2026-03-28T12:00:00+01:00", "count": 1},
    )
    assert tried.json()["items"][0]["transition"] == "shifted"
    paused = await site.admin.post("/schedules/lab.noop.nightly/pause", json={"reason": "a migration"})
    assert paused.json()["after"]["reason"] == "a migration"
    page = browser(site, site.admin_token)
    async with asyncio.timeout(30):
        while (await site.admin.get("/schedules/lab.noop.nightly")).json()["pause"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    shown = (await page.get("/schedules/lab.noop.nightly")).text
    assert "a migration" in shown
    assert "45 2 * * *" in shown
    assert (await page.get("/schedules")).text.count("lab.noop.nightly") >= 1
    assert "lab.noop.nightly" in (await page.get("/jobs/lab.noop")).text
    resumed = await site.admin.post("/schedules/lab.noop.nightly/resume", json={"reason": "done"})
    assert resumed.json()["after"] is None
    entries = [
        AuditEntry.model_validate_json(stored.data)
        for stored in await site.bus.read(subjects.AUDIT, "audit.>")
    ]
    ours = [entry for entry in entries if entry.concern == "schedule:lab.noop.nightly"]
    assert [entry.action for entry in ours] == [
        "schedule_changed", "schedule_changed", "schedules_paused", "schedules_resumed",
    ]  # fmt: skip
    assert ours[1].before
    assert ours[1].after
    assert (ours[1].before["rule"]["cron"], ours[1].after["rule"]["cron"]) == ("30 2 * * *", "45 2 * * *")


async def test_what_is_wrong_and_what_is_not_allowed_is_refused(working_site: Site) -> None:
    site = working_site
    await site.knows("lab.noop")
    wrong = await site.admin.put("/schedules/lab.noop.x", json={"rule": {"cron": "1 2 3"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "schedule_invalid")
    parameters = await site.admin.put(
        "/schedules/lab.noop.x", json={"rule": {**RULE, "parameters": {"no": 1}}}
    )
    assert parameters.json()["code"] == "parameters_invalid"
    risky = await site.admin.put("/schedules/lab.send.x", json={"rule": RULE})
    assert risky.status_code == 422
    assert (await site.admin.get("/schedules/lab.noop.none")).json()["code"] == "schedule_not_found"
    assert (await site.admin.put("/schedules/lab.nothing", json={"rule": RULE})).status_code == 404
    plain = await site.user("sam", roles=("clerk",))
    assert (await plain.put("/schedules/lab.noop.sam", json={"rule": RULE})).status_code == 404
    assert (await plain.post("/schedules/pause", json={"reason": "because"})).status_code == 403
    await site.admin.put("/schedules/lab.noop.kept", json={"rule": RULE})
    assert (await plain.get("/schedules/lab.noop.kept")).status_code == 404
    assert (await plain.get("/schedules")).json()["items"] == []
    far = await site.admin.post(
        "/schedules/lab.noop.kept/backfill",
        json={"start": "0001-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z", "reason": "because"},
    )
    assert (far.status_code, far.json()["code"]) == (422, "schedule_invalid")


async def test_a_schedule_is_changed_tried_backfilled_and_paused_on_pages(working_site: Site) -> None:
    site = working_site
    await site.knows("lab.noop")
    made = await site.admin.put("/schedules/lab.noop.page", json={"rule": RULE, "reason": "each night"})
    assert made.status_code == 200, made.text
    page, path = browser(site, site.admin_token), "/schedules/lab.noop.page"
    assert (await page.get(f"{path}/change")).text.count('value="30 2 * * *"') == 1
    typed = {
        "way": "every", "every": "5", "every_unit": "h", "zone": "Europe/Zurich", "closed": "not_business",
        "country": "ch", "canton": "zh", "on_closed": "skip", "catchup": "all", "window": "2",
        "window_unit": "d", "overlap": "allow", "jitter": "90", "jitter_unit": "s", "reason": "more often",
    }  # fmt: skip
    tried = await page.post(f"{path}/change", data={**typed, "reason": "", "do": "preview"})
    assert (tried.status_code, tried.text.count(">skipped</span>") > 0) == (200, True)
    kept = (await site.admin.get(path)).json()["schedule"]["rule"]
    assert kept["cron"] == RULE["cron"], "to try changes nothing"
    wrong = await page.post(f"{path}/change", data={**typed, "window": "40", "country": "xx"})
    assert wrong.status_code == 422
    assert "From one minute to 31 days" in wrong.text
    unknown = await page.post(f"{path}/change", data={**typed, "country": "xx", "canton": ""})
    assert (unknown.status_code, "holidays are known of XX" in unknown.text) == (422, True)
    saved = await page.post(f"{path}/change", data=typed)
    assert (saved.status_code, saved.headers["location"]) == (303, path)
    rule = (await site.admin.get(path)).json()["schedule"]["rule"]
    assert (rule["cron"], rule["every"], rule["window"], rule["jitter"]) == (None, 5 * 3600, 2 * 86400, 90)
    assert (rule["country"], rule["canton"], rule["overlap"]) == ("CH", "ZH", "allow")

    day = {"start": "2026-06-01T00:00", "end": "2026-06-01T23:00", "limit": "5"}
    await page.post(f"{path}/change", data={**typed, "closed": "none", "jitter": ""})
    shown = await page.post(f"{path}/backfill", data={**day, "do": "show"})
    assert "/runs/" not in shown.text.partition("<main")[2].partition("</main")[0]
    ran = await page.post(f"{path}/backfill", data={**day, "do": "run", "reason": "the outage"})
    assert ran.status_code == 200
    assert 4 <= ran.text.count('<a class="reach" href="/runs/') <= 5
    few = await page.post(f"{path}/backfill", data={**day, "limit": "1", "do": "run", "reason": "again"})
    assert (few.status_code, "more than 1 occurrences" in few.text) == (422, True)

    what = {"module": "lab", "reason": "a migration"}
    assert (await page.post("/schedules/pause", data=what)).headers["location"] == "/schedules"
    async with asyncio.timeout(30):
        while "a migration" not in (await page.get("/schedules")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await page.post("/schedules/resume", data=what)
    assert (await page.post("/schedules/pause", data={"module": "", "reason": "x"})).status_code == 422
