"""What holds for every page, in both languages, both themes and both widths."""

import itertools

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.e2e.pages.reader import PAGES, Reader, opened

pytestmark = pytest.mark.asyncio(loop_scope="package")

#: WCAG 2.2 AA, and what axe's authors advise besides. Of what is in order one example is told for each rule.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}

#: Each language, theme and width once; how they go together is left to `make soak`.
OFTEN = [("en", "light", 1440), ("de", "dark", 390)]
READINGS = [
    pytest.param(*reading, marks=() if reading in OFTEN else pytest.mark.soak)
    for reading in itertools.product(("en", "de"), ("light", "dark"), (1440, 390))
]


@pytest.mark.parametrize(("language", "theme", "width"), READINGS)
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
async def test_everybody_can_use_it(reader: Reader, path: str, language: str, theme: str, width: int) -> None:
    """axe finds nothing, nothing sticks out or is too small to hit, and it is light (bytes)."""
    page = await reader.page(language=language, theme=theme, width=width)
    response = await opened(page, path)
    assert len(await response.body()) < 100_000
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 20, "axe checked next to nothing"
    assert await page.get_attribute("html", "lang") == language
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    small = await page.evaluate(
        """[...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select")]
           .filter((e) => e.checkVisibility() && getComputedStyle(e).display !== "inline")
           .filter((e) => { const b = e.getBoundingClientRect(); return b.height < 24 || b.width < 24; })
           .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert small == [], "too small to hit"
    assert reader.complaints == []


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
async def test_it_can_be_read_without_scripts(reader: Reader, path: str) -> None:
    page = await reader.page(java_script_enabled=False)
    await opened(page, path)
    assert await page.locator("h1").count() == 1
    assert await page.locator("main").inner_text() != ""
    assert reader.complaints == []
