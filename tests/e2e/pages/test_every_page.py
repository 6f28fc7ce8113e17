"""What holds for every page, in both languages, both themes and both widths."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from deploy.local.stack import LocalStack
from tests.e2e.pages.reader import PAGES, Reader, opened

pytestmark = pytest.mark.asyncio(loop_scope="package")

#: WCAG 2.2 AA, and what axe's authors advise besides. Of what is in order one example is told for each rule.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}

#: As what is hardest every page is read, and one in four as most people have it: so each language, theme
#: and width comes up. How they go together is left to `make soak`.
HARDEST, USUAL = ("de", "dark", 390), ("en", "light", 1440)
READINGS = [
    pytest.param(
        reading,
        path,
        id="-".join(map(str, (*reading, name))),
        marks=() if reading == HARDEST or (reading == USUAL and number % 4 == 1) else pytest.mark.soak,
    )
    for reading in itertools.product(("en", "de"), ("light", "dark"), (1440, 390))
    for number, (name, path) in enumerate(PAGES.items())
]


@dataclass
class Reading:
    """A browser window in which one page after the other is looked at."""

    reader: Reader
    page: Page
    language: str
    width: int


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def reading(
    request: pytest.FixtureRequest, browser: Browser, stack: LocalStack
) -> AsyncIterator[Reading]:
    language, theme, width = request.param
    async with Reader(browser, stack) as reader:
        page = await reader.page(language=language, theme=theme, width=width)
        yield Reading(reader, page, language, width)


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def without_scripts(browser: Browser, stack: LocalStack) -> AsyncIterator[Reading]:
    async with Reader(browser, stack) as reader:
        page = await reader.page(java_script_enabled=False)
        yield Reading(reader, page, "en", 1440)


@pytest.mark.parametrize(("reading", "path"), READINGS, indirect=["reading"], scope="module")
async def test_everybody_can_use_it(reading: Reading, path: str) -> None:
    """axe finds nothing, nothing sticks out or is too small to hit, and it is light (bytes)."""
    reading.reader.complaints.clear()
    page = reading.page
    response = await opened(page, path)
    assert len(await response.body()) < 100_000
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 20, "axe checked next to nothing"
    assert await page.get_attribute("html", "lang") == reading.language
    assert await page.evaluate("document.documentElement.scrollWidth") == reading.width
    small = await page.evaluate(
        """[...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select")]
           .filter((e) => e.checkVisibility() && getComputedStyle(e).display !== "inline")
           .filter((e) => { const b = e.getBoundingClientRect(); return b.height < 24 || b.width < 24; })
           .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert small == [], "too small to hit"
    assert reading.reader.complaints == []


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
async def test_it_can_be_read_without_scripts(without_scripts: Reading, path: str) -> None:
    without_scripts.reader.complaints.clear()
    page = without_scripts.page
    await opened(page, path)
    assert await page.locator("h1").count() == 1
    assert await page.locator("main").inner_text() != ""
    assert without_scripts.reader.complaints == []
