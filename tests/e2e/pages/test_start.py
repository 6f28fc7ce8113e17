"""Starting a job in a real browser: by keys alone, with checks as one types, and without scripts."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.e2e.pages.reader import Reader, opened
from tests.e2e.pages.test_every_page import RULES

pytestmark = pytest.mark.asyncio(loop_scope="package")

RUN = re.compile(r"/runs/[0-9a-f-]{36}\?at_least=\d+$")


async def test_a_job_is_started_by_keys_alone(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/jobs/lab.records/start")
    await page.locator("#f-client").focus()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Count")).to_be_focused()
    await page.keyboard.type("3")
    await expect(page.locator("#checks [data-verdict=refused]")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(RUN)


async def test_checks_follow_what_is_typed_and_errors_stand_at_their_field(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/jobs/lab.records/start")
    parameters = page.locator(".verdicts li", has=page.get_by_text("Parameters", exact=True))
    await expect(parameters).to_have_attribute("data-verdict", "refused")
    await expect(page.locator("#f-count-error")).to_be_hidden()
    await page.get_by_label("Count").fill("1.5")
    await page.keyboard.press("Tab")
    await expect(page.locator("#f-count-error")).to_contain_text("integer")
    await expect(page.get_by_label("Count")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Count").fill("5")
    await expect(parameters).to_have_attribute("data-verdict", "ok")
    await expect(page.locator("#f-count-error")).to_be_hidden()
    await expect(page.locator("#checked")).to_have_text("All checks are good")
    repetition = page.locator(".verdicts li", has=page.get_by_text("Safe to run again", exact=True))
    await expect(repetition).to_contain_text("5 created")
    await page.get_by_text("The same as a command").click()
    await expect(page.locator(".copied code").first).to_have_text(
        "tagwerk start lab.records --client main -p count=5"
    )
    await page.get_by_label("Count").fill("6")
    await expect(page.locator(".copied code").first).to_contain_text("count=6")
    assert reader.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", ["/jobs/lab.send/start", "/jobs/integrations.create-payment-file/start"])
async def test_axe_finds_nothing_in_checks_and_errors(
    reader: Reader, path: str, language: str, theme: str
) -> None:
    page = await reader.page(language=language, theme=theme)
    await opened(page, path)
    await page.locator("button[value=start]").click()
    await expect(page.locator(".verdicts li").first).to_be_visible()
    await expect(page.locator(".error:visible").first).to_be_visible()
    await page.locator(".same summary").click()
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert reader.complaints == []


async def test_a_double_click_starts_once(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/jobs/lab.sleep/start?p.steps=1")
    sent: list[str] = []
    page.on("response", lambda answer: sent.append(answer.headers.get("location", "")))
    await page.get_by_role("button", name="Start").dblclick()
    await expect(page).to_have_url(RUN)
    places = {place.partition("?")[0] for place in sent if place.startswith("/runs/")}
    assert len(places) == 1


async def test_a_risky_job_wants_its_id_and_a_reason(reader: Reader, tmp_path: Path) -> None:
    page = await reader.page()
    await opened(page, f"/jobs/lab.send/start?p.letters=a&p.folder={tmp_path}")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("heading", name="It was not started")).to_be_visible()
    await expect(page.locator("#f-confirm-error")).to_have_text("This has to be filled in.")
    await expect(page.get_by_label("Type the id of the job")).to_be_focused()
    await page.get_by_label("Type the id of the job").fill("lab.send")
    await page.get_by_label("Reason").fill("a test of the browser")
    await page.get_by_role("button", name="Start").click()
    await expect(page).to_have_url(RUN)


async def test_without_scripts_the_same_is_checked_and_started(reader: Reader) -> None:
    page = await reader.page(java_script_enabled=False, language="de")
    await opened(page, "/jobs/lab.records/start")
    await page.get_by_role("button", name="Prüfen").click()
    await expect(page.locator("#f-count-error")).to_have_text("Das muss ausgefüllt werden.")
    await page.locator("#f-count").fill("2")
    await page.get_by_role("button", name="Prüfen").click()
    await expect(page.locator(".verdicts [data-verdict=refused]")).to_have_count(0)
    await expect(page.locator("#f-count")).to_have_value("2")
    await page.get_by_role("button", name="Starten").click()
    await expect(page).to_have_url(RUN)


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_file_is_uploaded_into_the_form(reader: Reader, scripts: bool, tmp_path: Path) -> None:
    file = tmp_path / "june.xml"
    file.write_text(f"<x>{scripts}</x>")
    page = await reader.page(java_script_enabled=scripts)
    await opened(page, "/jobs/integrations.import-daily-rates/start?p.source=ecb")
    await page.locator("#f-file-upload").set_input_files(file)
    if scripts:
        await expect(page.locator("#f-file")).to_have_value(re.compile(r"upload:[0-9a-f]{64}/june\.xml"))
    else:
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.get_by_label("june.xml")).to_be_checked()
    await expect(page.locator("#f-source")).to_have_value("ecb")


async def test_another_client_brings_its_own_choices_and_keeps_what_was_typed(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/jobs/integrations.create-payment-file/start?p.until=2026-12-24")
    await expect(page.locator("#f-account option")).not_to_have_count(1)
    await page.locator("#f-client").evaluate("(e) => e.add(new Option('nobody', 'nobody'))")
    await page.locator("#f-client").select_option("nobody")
    await expect(page).to_have_url(re.compile("client=nobody"))
    await expect(page.locator("#f-until")).to_have_value("2026-12-24")
    assert await page.locator("select#f-account").count() == 0, "it has no accounts to choose from"
