"""An invoice that waits for approval, in a real browser and without scripts."""

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe

from deploy.local.stack import LocalStack
from tests.e2e.pages.reader import Reader, opened
from tests.e2e.pages.test_every_page import RULES
from tests.integration.gateway.test_approvals import arrived

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_invoice_is_corrected_and_approved_without_scripts(
    reader: Reader, stack: LocalStack
) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=30) as http:
        path = f"/approvals/{await arrived(http)}"
    for width, language, theme in ((1440, "en", "light"), (390, "de", "dark")):
        page = await reader.page(width=width, language=language, theme=theme)
        await opened(page, path)
        for summary in await page.locator("main summary").all():
            await summary.click()
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()

    page = await reader.page(java_script_enabled=False)
    await opened(page, "/approvals")
    await page.click(f'a[href="{path}"]')
    await page.click("text=Change what was read")
    await page.click("details:has(> .field > #is-iban) > summary")
    await page.fill("#is-iban", "CH93 0000")
    await page.click("section.mend button")
    assert await page.input_value("#is-iban") == "CH93 0000"
    assert await page.locator("#is-iban-error").is_visible()
    await page.fill("#is-iban", "CH93 0076 2011 6238 5295 7")
    await page.click("section.mend button")
    assert "CH93 0076 2011 6238 5295 7" in await page.inner_text("main table")

    await page.click("#approve summary")
    await page.check("#approve input[type=checkbox]")
    await page.click("#approve button")
    await page.click("#withdraw summary")
    assert await page.locator("#withdraw-said").is_visible()
