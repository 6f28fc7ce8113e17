"""From nothing to a session and out again, as a person at a browser does it."""

import re

import httpx
import pytest
from playwright.async_api import expect

from deploy.local.sign_in import issue_link
from deploy.local.stack import LocalStack
from tests.e2e.pages.reader import Reader, opened

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIRST, OWN = "heron under a paper moon", "seven lamps in the orchard"


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_link_of_the_stack_lets_one_in_once(
    reader: Reader, stack: LocalStack, scripts: bool
) -> None:
    page = await reader.page(signed_in=False, java_script_enabled=scripts)
    await opened(page, "/jobs/lab.records")
    await expect(page).to_have_url(re.compile(r"/sign-in\?next=/jobs/lab\.records$"))
    link = issue_link(stack.state)
    await opened(page, link)
    await page.get_by_role("button", name="Sign in as admin").click()
    await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    cookies = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    session = cookies["tagwerk_session"]
    assert (session["httpOnly"], session["sameSite"], session["path"]) == (True, "Lax", "/")
    await page.locator("details.reader summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await opened(page, link)
    await page.get_by_role("button", name="Sign in as admin").click()
    await expect(page.get_by_text("This link does not work")).to_be_visible()


async def test_one_signs_in_with_a_password_that_one_has_to_change(reader: Reader, stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers) as http:
        await http.put("/principals/ada", json={"name": "Ada", "roles": ["tester"], "clients": ["main"]})
        assert (await http.put("/principals/ada/password", json={"password": FIRST})).status_code == 204
    page = await reader.page(signed_in=False)
    await opened(page, "/jobs/lab.records")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill("not this one")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Name or password are not right")).to_be_visible()
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.get_by_label("Password").fill(FIRST)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Choose a password of your own")).to_be_visible()
    await page.get_by_label("Current password").fill(FIRST)
    await page.get_by_label("New password", exact=True).fill(OWN)
    await page.get_by_label("New password, once more").fill(OWN)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("Your password is changed")).to_be_visible()
    await opened(page, "/jobs/lab.records")
    await expect(page.get_by_role("heading", name=re.compile("records", re.IGNORECASE)).first).to_be_visible()


async def test_a_script_of_the_page_may_ask_the_api_and_another_site_may_not(
    reader: Reader, stack: LocalStack
) -> None:
    page = await reader.page(signed_in=False)
    await opened(page, issue_link(stack.state))
    await page.get_by_role("button", name="Sign in as admin").click()
    await opened(page, "/account")
    start = """async ([url, token]) => {
        const headers = {"Content-Type": "application/json", ...(token ? {"X-CSRF-Token": token} : {})};
        const body = JSON.stringify({parameters: {count: 1}});
        const sent = await fetch(url, {method: "POST", headers, body});
        return sent.status;
    }"""
    token = await page.get_attribute("meta[name=csrf-token]", "content")
    path = "/api/v1/jobs/lab.records/runs"
    assert await page.evaluate(start, [path, token]) == 202
    assert await page.evaluate(start, [path, ""]) == 403
    # A form on another site, which a browser lets be sent everywhere.
    other = stack.url.replace("127.0.0.1", "localhost")
    await page.route(f"{other}/trap", lambda route: route.fulfill(
        content_type="text/html",
        body=f'<form method="post" action="{stack.url}/sign-out"><input name="csrf_token" value="{token}">'
        "<button>win</button></form>",
    ))  # fmt: skip
    await page.goto(f"{other}/trap")
    await page.get_by_role("button", name="win").click()
    await page.wait_for_load_state()
    await opened(page, "/account")
    await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
