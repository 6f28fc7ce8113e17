"""The troubleshooting page of a job, from Markdown to HTML.

The pages lie in `docs/jobs` beside the packages: in a checkout, in the image, and in a wheel, which carries
the folder as data. Those of other languages than English lie in a folder each (`docs/jobs/de`).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from services.gateway.pages.languages import SOURCE
from services.gateway.pages.preferences import Language

ROOT = Path(__file__).parents[3]

#: No way out of the folder, whatever a service publishes.
_PAGE = re.compile(r"docs/jobs/[a-z0-9-]+\.md")

_FORMAT = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Guide:
    html: Markup
    #: That of the reader where there is such a page.
    language: Language


def troubleshooting(page: str, language: Language = SOURCE) -> Guide | None:
    """None if this installation does not have the page. `page` is a catalogue entry's."""
    if not _PAGE.fullmatch(page):
        return None
    file = ROOT / page
    for lang, of_language in ((language, file.parent / language / file.name), (SOURCE, file)):
        if of_language.is_file():
            return Guide(_rendered(of_language, of_language.stat().st_mtime_ns), lang)
    return None


@lru_cache(maxsize=256)
def _rendered(file: Path, changed: int) -> Markup:
    return Markup(render(file.read_text()))  # noqa: S704  (rendered with HTML disabled)


def render(text: str) -> str:
    """Without the page's own title, headings one level deeper, error codes as anchors (`#file_empty`)."""
    tokens = _FORMAT.parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        if token.type == "heading_open" and after is not None:
            code = re.fullmatch(r"`([a-z0-9_]+)`", after.content)
            if code:
                token.attrSet("id", code[1])
        if token.children:
            token.children = _without_dead_links(token.children)
    return str(_FORMAT.renderer.render(_scrollable(tokens), _FORMAT.options, {}))


def _without_dead_links(tokens: list[Token]) -> list[Token]:
    """Links to other files of the repository lead nowhere here: their words stay."""
    kept: list[Token] = []
    dead = False
    for token in tokens:
        if token.type == "link_open":
            dead = not str(token.attrGet("href") or "").startswith(("https:", "http:", "#"))
        if not (dead and token.type in ("link_open", "link_close")):
            kept.append(token)
    return kept


def _scrollable(tokens: list[Token]) -> list[Token]:
    """Wide tables and code scroll by themselves, and can be reached with the keyboard for it."""
    for token in tokens:
        if token.type in ("table_open", "fence", "code_block"):
            token.attrSet("tabindex", "0")
    return tokens
