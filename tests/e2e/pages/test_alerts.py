"""The page of alerts follows what happens, and people say there what is done and what is to be quiet."""

import asyncio

import httpx
import pytest
from playwright.async_api import expect

from deploy.local.stack import LocalStack
from tests.e2e.pages.reader import Reader, opened

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_alert_appears_is_typed_about_and_closed(reader: Reader, stack: LocalStack) -> None:
    page = await reader.page()
    await opened(page, "/alerts")
    stumble = page.locator(".alert").filter(has_text="Stumble failed")
    await expect(stumble).to_have_count(1)
    await stumble.locator("summary").filter(has_text="It is done").click()
    await stumble.get_by_label("Reason").fill("mended by")
    await expect(page.get_by_text("Live: this page follows the alerts.")).to_be_visible()
    # What happens meanwhile is shown, and what is typed stays.
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=30) as http:
        started = await http.post("/jobs/lab.flaky/runs", json={"parameters": {"fails": 3}})
        run_id = started.json()["run_id"]
        async with asyncio.timeout(30):
            while run_id not in (await http.get("/alerts", params={"job": "lab.flaky"})).text:  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.05)
    # As if one came back to the page: it looks at once.
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    flaky = page.locator(".alert").filter(has_text="Flaky failed")
    await expect(flaky).to_have_count(1, timeout=30_000)
    assert await stumble.get_by_label("Reason").input_value() == "mended by"
    await stumble.get_by_label("Reason").fill("mended by hand")
    await stumble.get_by_role("button", name="Close the alert").click()
    await expect(stumble).to_have_count(0)
    await opened(page, "/alerts?state=closed")
    await expect(stumble).to_contain_text("Closed by admin: mended by hand")


async def test_a_silence_is_made_and_ended(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/alerts/silences")
    await page.locator("#silence > summary").click()
    await page.get_by_label("Jobs").fill("nothing.*")
    await page.get_by_label("Reason").fill("planned works")
    await page.get_by_role("button", name="Silence", exact=True).click()
    row = page.get_by_role("row").filter(has_text="planned works")
    await expect(row).to_contain_text("in force")
    await row.get_by_role("button", name="End now").click()
    await expect(row).to_contain_text("by admin")
