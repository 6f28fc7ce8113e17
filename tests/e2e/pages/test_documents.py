"""Documents in a real browser: dropped, followed while they are read, seen beside what was read on them."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, expect

from deploy.local.stack import LocalStack
from tests.e2e.pages.reader import Reader, opened
from tests.e2e.pages.test_every_page import RULES
from tests.integration.gateway.test_approvals import arrived, invoice
from tests.support.installation import sample

pytestmark = pytest.mark.asyncio(loop_scope="package")

#: Milliseconds that a document may take to be read, on a busy machine.
PATIENCE = 60_000

#: Files in the hand of somebody who drags them: name -> content.
CARRIED = """(files) => {
  const carried = new DataTransfer();
  for (const [name, content] of Object.entries(files)) carried.items.add(new File([content], name));
  return carried;
}"""


async def carry(page: Page, event: str, files: dict[str, str]) -> None:
    carried = await page.evaluate_handle(CARRIED, files)
    await page.dispatch_event("main", event, {"dataTransfer": carried})


async def test_two_files_are_dropped_and_each_says_what_became_of_it(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/documents")
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route(re.compile(r"/documents\?fragment=true$"), hold)
    files = {"letter.txt": "Dear Sir or Madam, thank you.", "setup.exe": "MZ\x90\x00" + "\x00" * 60}
    zone = page.locator("#drop")
    await carry(page, "dragenter", files)
    await expect(zone).to_have_attribute("data-over", "")
    await carry(page, "drop", files)
    await expect(zone).not_to_have_attribute("data-over", "")
    lines = page.locator(".uploads li")
    await expect(lines).to_have_count(2)
    await expect(page.get_by_role("progressbar")).to_have_count(2)
    await expect(lines.first).to_contain_text(re.compile("letter.txt is being (sent|checked)"))
    released.set()
    good, bad = lines.filter(has_text="letter.txt"), lines.filter(has_text="setup.exe")
    await expect(good).to_contain_text("was taken")
    await expect(bad).to_contain_text("was not taken")
    await expect(bad).to_contain_text("a Windows program")
    await expect(bad).to_contain_text("Next step")
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    status = page.locator("#drop [role=status]")
    await expect(status).to_have_text("All files are done. Taken: 1, there already: 0, not taken: 1.")
    await expect(page.locator("#documents")).to_contain_text("letter.txt")
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()

    # The same again is the same.
    await carry(page, "drop", {"letter.txt": files["letter.txt"]})
    await expect(lines.last).to_contain_text("was there already: the same content is the same document")
    await lines.last.get_by_role("link", name="To the document").click()
    await expect(page.get_by_role("heading", name="letter.txt")).to_be_visible()
    assert reader.complaints == []


async def test_a_chosen_file_is_followed_until_people_are_asked(reader: Reader) -> None:
    page = await reader.page()
    await opened(page, "/documents")
    content = invoice("2026-7001")
    await page.set_input_files(
        "#files", {"name": "seven.pdf", "mimeType": "application/pdf", "buffer": content}
    )
    await expect(page).to_have_url(re.compile("/documents/[0-9a-f-]{36}$"), timeout=PATIENCE)
    await page.evaluate("window.same = true")
    standing = page.locator("[data-sentence]")
    await expect(standing).to_contain_text("It waits for approval by the role accounting", timeout=PATIENCE)
    await expect(page.locator("tr[data-field=iban]")).to_contain_text("DE75 5121 0800 1245 1261 99")
    assert await page.evaluate("window.same"), "it was loaded again"
    await expect(page.locator(".pipeline [aria-current=step]")).to_contain_text("waiting for approval")
    picture = page.locator(".sheet img")
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("complete", True, timeout=PATIENCE)
    assert await picture.evaluate("(image) => image.naturalWidth") > 0
    assert reader.complaints == []


async def test_a_field_is_shown_on_its_page(reader: Reader, stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=60) as http:
        document = await arrived(http, sample("invoice-zugferd.pdf"))
        await http.get(f"/documents/{document}/pages/1/image")
        for width, language, theme in ((1440, "en", "light"), (390, "de", "dark")):
            page = await reader.page(width=width, language=language, theme=theme)
            await opened(page, f"/documents/{document}")
            for summary in await page.locator("main summary").all():
                await summary.click()
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            found = await Axe().run(page, options=RULES)
            assert found.violations_count == 0, found.generate_report()
        uploaded = await arrived(http, invoice("2026-7002"))
        await http.get(f"/documents/{uploaded}/pages/1/image")
    page = await reader.page()
    for path in (f"/documents/{uploaded}", f"/approvals/{uploaded}"):
        await opened(page, path)
        place = page.locator('rect[data-places~="iban"]')
        await expect(place).to_have_count(1)
        await page.locator("tr[data-field=iban]").hover()
        await expect(place).to_have_attribute("data-on", "")
        await page.locator("tr[data-field=invoice_number]").hover()
        await expect(place).not_to_have_attribute("data-on", "")
    assert reader.complaints == []


async def test_documents_are_uploaded_and_found_without_scripts(reader: Reader) -> None:
    page = await reader.page(java_script_enabled=False)
    await opened(page, "/documents")
    files: list[Any] = [
        {"name": "notes-one.txt", "mimeType": "text/plain", "buffer": b"The first of two notes."},
        {
            "name": "notes-two.exe",
            "mimeType": "application/octet-stream",
            "buffer": b"MZ\x90\x00" + bytes(60),
        },
    ]
    await page.set_input_files("#files", files)
    await page.get_by_role("button", name="Upload").click()
    lines = page.locator(".uploads li")
    await expect(lines).to_have_count(2)
    await expect(lines.first).to_contain_text("notes-one.txt was taken")
    await expect(lines.last).to_contain_text("a Windows program")
    await page.locator("#text").fill("notes one")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator("#documents tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="notes-one.txt").click()
    await expect(page.get_by_role("heading", name="notes-one.txt")).to_be_visible()
    for _ in range(200):
        if await page.locator("[data-follows]").count() == 0:
            break
        await page.get_by_role("link", name="Load it again").click()
    await expect(page.locator("[data-sentence]")).to_have_text("It was read. No invoice was found in it.")
