import re

import pytest
from playwright.async_api import expect

from tests.e2e.pages.reader import Reader, opened

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_list_is_filtered_while_one_types(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/")
    rows = page.locator(".job:visible")
    everything = await rows.count()
    await page.get_by_label("Filter jobs").last.fill("payment create")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Create payment file")
    await expect(page.locator("[role=status]")).to_have_text(f"1 of {everything} jobs")
    await expect(page.get_by_role("heading", name="Processing")).to_be_hidden()
    await page.get_by_label("Filter jobs").last.fill("zzz")
    await expect(page.get_by_text("No job fits")).to_be_visible()
    await page.get_by_label("Filter jobs").last.fill("")
    await expect(rows).to_have_count(everything)
    assert reader.complaints == []


async def test_the_list_is_filtered_without_scripts(reader: Reader) -> None:
    page = await reader.page(java_script_enabled=False)
    await opened(page, "/")
    await page.locator("#filter").fill("payment create")
    await page.get_by_role("button", name="Filter", exact=True).click()
    await expect(page).to_have_url(re.compile(r"/\?q=payment\+create"))
    await expect(page.locator(".job")).to_have_count(1)


async def test_keys_lead_to_the_search_and_past_the_navigation(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await expect(page.locator("#search")).to_have_value("")


@pytest.mark.parametrize("scripts", [True, False])
async def test_language_and_theme_are_chosen_in_the_menu(reader: Reader, scripts: bool) -> None:
    page = await reader.page(java_script_enabled=scripts)
    await opened(page, "/jobs/lab.records?x=1")
    await page.locator("details.reader summary").click()
    await page.get_by_role("button", name="Deutsch").click()
    await expect(page.get_by_role("heading", name="Letzte Läufe")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/jobs/lab\.records\?x=1$"))
    await page.locator("details.reader summary").click()
    await page.get_by_role("button", name="Dunkel").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    background = await page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert background == "rgb(18, 20, 23)"


async def test_the_zone_is_chosen_and_times_follow(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/preferences")
    await page.get_by_label("Time zone").select_option("Pacific/Auckland")
    await page.get_by_role("button", name="Save").click()
    await opened(page, "/jobs/lab.records")
    await expect(page.locator("footer")).to_contain_text("Pacific/Auckland")
    written = await page.locator("time").first.get_attribute("title")
    assert written is not None
    assert re.search(r"\+1[23]00$", written), written


async def test_a_link_to_an_error_code_unfolds_its_advice(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/jobs/integrations.import-daily-rates#file_empty")
    await expect(page.locator("#file_empty")).to_be_in_viewport()
