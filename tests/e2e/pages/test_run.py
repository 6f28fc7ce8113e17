"""The page of a run, as somebody uses it in a real browser."""

import re
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect

from deploy.local.stack import LocalStack
from tests.e2e.pages.reader import Reader, opened, run_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

#: Milliseconds for what a busy machine may delay.
PATIENCE = 20_000


async def start(stack: LocalStack, job: str, **parameters: Any) -> str:
    body = {"parameters": parameters, "confirm": job, "reason": "a test"}
    async with api(stack) as http:
        started = await http.post(f"/jobs/{job}/runs", json=body)
        assert started.status_code == 202, started.text
        return f"/runs/{started.json()['run_id']}?at_least={started.json()['sequence']}"


def api(stack: LocalStack) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {stack.token}"}
    return httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=30)


async def state_is(page: Page, state: str) -> None:
    await expect(page.locator("#run")).to_have_attribute("data-state", state, timeout=PATIENCE)


async def test_the_page_follows_the_run_and_leaves_the_reader_alone(
    reader: Reader, stack: LocalStack
) -> None:
    page = await reader.page()
    await opened(page, await start(stack, "lab.sleep", steps=60, step_seconds=0.2))
    await state_is(page, "running")
    await expect(page.get_by_text("Live: this page follows the run.")).to_be_visible()
    await page.evaluate("window.same = document.querySelector('#key')")
    await page.locator("#ticket > summary").click()
    await page.locator("#key").fill("step:")
    await expect(page.locator(".tab tbody tr").nth(3)).to_be_visible(timeout=PATIENCE)
    await state_is(page, "succeeded")
    await expect(page.locator("#key")).to_be_focused()
    await expect(page.locator("#key")).to_have_value("step:")
    assert await page.evaluate("window.same === document.querySelector('#key')"), "it was loaded again"
    assert await page.locator("#ticket").evaluate("(details) => details.open")
    await expect(page.locator("#ticket-text")).to_have_value(re.compile("State: succeeded"))
    await expect(page.locator("[data-announce]")).to_have_text("Succeeded: 60 created.")
    await expect(page.get_by_text("The run has ended.")).to_be_visible()
    await expect(page).to_have_title(re.compile("^succeeded: Sleep"))
    await expect(page.locator("#cancel")).to_have_count(0)
    await expect(page.get_by_role("button", name="Run everything again")).to_be_visible()
    assert reader.complaints == []


async def test_the_page_goes_on_after_the_gateway_was_away(reader: Reader, stack: LocalStack) -> None:
    page = await reader.page()
    path = await start(stack, "lab.sleep", steps=2400, step_seconds=0.05)
    await opened(page, f"{path}&tab=audit")
    await state_is(page, "running")
    await expect(page.get_by_text("Live: this page follows the run.")).to_be_visible()
    stack.kill("gateway")
    await expect(page.get_by_text("The connection is lost.")).to_be_visible(timeout=PATIENCE)
    await stack.wait_ready("gateway")
    await expect(page.get_by_text("Live: this page follows the run.")).to_be_visible(timeout=PATIENCE)
    async with api(stack) as http:
        cancelled = await http.post(f"{path.split('?')[0]}/cancel", json={"reason": "enough"})
        assert cancelled.status_code == 202, cancelled.text
    await state_is(page, "cancelled")
    await expect(page.get_by_text("Reason: enough")).to_be_visible()


async def test_the_page_says_that_one_is_signed_out_and_goes_on_afterwards(
    reader: Reader, stack: LocalStack
) -> None:
    account, password = {"name": "Cleo", "roles": ["tester"], "clients": ["*"]}, "heron under a paper moon"
    async with api(stack) as http:
        assert (await http.put("/principals/cleo", json=account)).is_success
        body = {"password": password, "must_change": False}
        assert (await http.put("/principals/cleo/password", json=body)).is_success
    page = await reader.page(signed_in=False)
    await opened(page, f"/sign-in?next={await start(stack, 'lab.sleep', steps=1200, step_seconds=0.05)}")

    async def sign_in(page: Page) -> None:
        await page.get_by_label("Name").fill("cleo")
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Sign in").click()

    await sign_in(page)
    await expect(page.get_by_text("Live: this page follows the run.")).to_be_visible(timeout=PATIENCE)
    await page.locator("#key").fill("step:")
    async with api(stack) as http:
        assert (await http.delete("/principals/cleo/sessions")).is_success
    await expect(page.locator("[data-live-words]")).to_contain_text("You are signed out.", timeout=PATIENCE)
    # What was there still is.
    await expect(page.locator("#key")).to_have_value("step:")
    async with page.context.expect_page() as beside:
        await page.get_by_role("link", name="Sign in again").click()
    other = await beside.value
    await sign_in(other)
    await expect(other.locator("#run")).to_be_visible(timeout=PATIENCE)
    await other.close()
    # The browser tells a page that it is looked at again; this one has no window to be hidden by.
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_text("Live: this page follows the run.")).to_be_visible(timeout=PATIENCE)
    await expect(page.get_by_role("link", name="Sign in again")).to_be_hidden()
    await expect(page.locator("#key")).to_have_value("step:")
    assert reader.complaints == []


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_run_is_cancelled(reader: Reader, stack: LocalStack, scripts: bool) -> None:
    page = await reader.page(java_script_enabled=scripts)
    await opened(page, await start(stack, "lab.sleep", steps=2400, step_seconds=0.05))
    if not scripts:
        await expect(page.get_by_text("As of")).to_be_visible()
        await page.get_by_role("link", name="Load it again").click()
    await page.locator("#cancel > summary").click()
    await page.locator("#cancel-reason").fill("wrong month")
    await page.locator("#cancel form button").click()
    if scripts:
        await state_is(page, "cancelled")
    else:
        deadline = time.monotonic() + PATIENCE / 1000
        while await page.locator("#run").get_attribute("data-state") != "cancelled":
            assert time.monotonic() < deadline, "it goes on"
            await page.reload()
    await expect(page.locator("#answer-finished")).to_contain_text("on behalf of admin")
    await page.get_by_role("link", name="Who did what").click()
    await expect(page.get_by_text("Reason: wrong month")).to_be_visible()
    assert reader.complaints == []


async def test_a_person_decides_about_an_effect_in_doubt(reader: Reader, stack: LocalStack) -> None:
    folder = stack.state / f"letters-{uuid4()}"
    folder.mkdir()
    path = await start(stack, "lab.send", letters=["carla"], folder=str(folder), mode="lost-answer")
    page = await reader.page()
    await opened(page, path)
    await state_is(page, "interrupted")
    await page.get_by_role("button", name="It happened").click()
    await expect(page.locator("#decide-1-reason")).to_be_focused()
    await page.locator("#decide-1-reason").fill("Carla has the letter")
    await page.get_by_role("button", name="It happened").click()
    await expect(page.get_by_text("which has been decided since").first).to_be_visible(timeout=PATIENCE)
    await expect(page.get_by_role("button", name="It happened")).to_have_count(0)
    await expect(page.get_by_text("Run everything again").first).to_be_visible()
    assert reader.complaints == []


async def test_only_the_failed_records_are_run_again(reader: Reader, stack: LocalStack) -> None:
    page = await reader.page()
    await opened(page, f"/runs/{run_of('partial')}")
    await page.get_by_role("button", name="Run 2 failed records again").click()
    await expect(page).not_to_have_url(re.compile(str(run_of("partial"))))
    await state_is(page, "failed")
    await expect(page.locator(".tab tbody tr")).to_have_count(2)
    await expect(page.locator("#family")).to_contain_text("partially failed")
    assert reader.complaints == []


async def test_records_are_narrowed_by_what_the_bar_counts(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, f"/runs/{run_of('partial')}")
    await page.get_by_role("link", name="2 failed").click()
    await expect(page.locator(".tab tbody tr")).to_have_count(2)
    await page.get_by_label("Key begins with").fill("item:3")
    await page.get_by_label("Key begins with").press("Enter")
    await expect(page.locator(".tab tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="All records").click()
    await expect(page.locator(".tab tbody tr")).to_have_count(9)


async def test_the_details_are_copied(reader: Reader) -> None:
    page = await reader.page(permissions=["clipboard-read", "clipboard-write"])
    await opened(page, f"/runs/{run_of('failed')}")
    await page.locator("#ticket > summary").click()
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"Run {run_of('failed')}\n")
    assert "Failure: external_system_unavailable" in copied
