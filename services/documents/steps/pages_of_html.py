"""Read HTML as blocks of text: what it says, in its order, with its tables. Nothing is loaded, nothing runs.

Styles, scripts, forms and remote pictures are left out; a page is read as a person would copy it out.
"""

import base64
import binascii
import io
import re
from collections.abc import Mapping
from html import unescape
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from lxml import etree, html
from PIL import Image

from services.documents.core import MAX_IMAGE_PIXELS, MAX_TEXT_CHARACTERS
from services.documents.steps.texts import decoded
from services.documents.steps.typesetting import Block, Letter, Run, clean, text_block, too_long
from shared.process_child import Refused

_UNSEEN: Final = frozenset(
    {
        "script", "style", "head", "title", "template", "noscript", "iframe", "object", "embed", "svg",
        "math",
        "select", "option", "textarea", "audio", "video", "canvas", "meta", "link",
    }
)  # fmt: skip
_BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "header", "html", "li", "main", "nav", "ol",
        "p",
        "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption",
    }
)  # fmt: skip
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_BOLD: Final = frozenset({"b", "strong", "th"})
_ITALIC: Final = frozenset({"i", "em", "cite", "dfn"})
_MONO: Final = frozenset({"code", "kbd", "samp", "tt"})
#: Deeper nested elements are read as one text.
_DEPTH: Final = 60
#: Elements of a page; nobody's mail has more.
_MAX_ELEMENTS: Final = 200_000
_MAX_PICTURES: Final = 50
_TAG: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_INVISIBLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"[-+]?[\d'’.,\s]*\d[\d'’.,\s]*(?:%|[A-Z]{3}|[€$£])?|(?:[A-Z]{3}|[€$£])\s*[-\d'’.,\s]+"
)


def add_html(letter: Letter, source: str | bytes, inline: Mapping[str, bytes]) -> None:
    """Append what `source` says to `letter`; `inline` are pictures by Content-ID.

    Raises `Refused` (`html_broken`, `document_too_large`).
    """
    if len(source) > 10 * MAX_TEXT_CHARACTERS:
        raise too_long(len(source))
    root = _parsed(source)
    if root is None:
        return
    for count, _ in enumerate(root.iter()):
        if count > _MAX_ELEMENTS:
            raise Refused(
                "document_too_large",
                f"the page has more than {_MAX_ELEMENTS:,} elements",
                "Print it to a PDF where it comes from, and upload that.",
            )
    before = len(letter.blocks)
    _Reading(letter, inline).read(root)
    if len(letter.blocks) == before:
        # The parser gives up on what is nested too deep; what it says can still be read.
        text = source if isinstance(source, str) else decoded(source)
        bare = " ".join(unescape(_TAG.sub(" ", text)).split())
        if bare:
            letter.blocks.append(text_block(bare))


def title_of(source: bytes) -> str:
    root = _parsed(source)
    found = None if root is None else root.find(".//title")
    return " ".join(str(found.text_content()).split())[:300] if found is not None else ""


def _parsed(source: str | bytes) -> Any:
    if isinstance(source, str):
        source, encoding = source.encode("utf-8", "replace"), "utf-8"
    else:
        encoding = None
        if not re.search(rb"charset|encoding\s*=", source[:2048], re.IGNORECASE):
            source, encoding = decoded(source).encode("utf-8", "replace"), "utf-8"
    parser = html.HTMLParser(
        encoding=encoding, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return html.document_fromstring(source, parser=parser)
    except etree.ParserError:
        return None  # nothing in it
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise Refused(
            "html_broken",
            f"the page cannot be read: {error}",
            "Open it in a browser, print it to PDF, and upload that.",
        ) from error


class _Reading:
    """The blocks so far, and the line that is being read."""

    def __init__(self, letter: Letter, inline: Mapping[str, bytes]) -> None:
        self._letter = letter
        self._inline = inline
        self._runs: list[Run] = []
        self._marker: str | None = None
        self._lists: list[list[Any]] = []
        self._quoted = 0

    def read(self, root: Any) -> None:
        self._element(root, {}, 0)
        self._end_block()

    def _element(self, element: Any, style: Run, depth: int) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if (
            not tag
            or tag in _UNSEEN
            or _INVISIBLE.search(element.get("style") or "")
            or "hidden" in element.attrib
        ):
            return
        if depth > _DEPTH:
            self._say("".join(element.itertext()), style)
            return
        if tag in _HEADINGS:
            self._end_block()
            self._inside(element, style, depth)
            self._end_block(heading=_HEADINGS[tag])
        elif tag == "br":
            self._runs.append({"text": "\n"})
        elif tag == "hr":
            self._end_block()
            self._letter.blocks.append({"kind": "rule"})
        elif tag == "img":
            self._picture(element)
        elif tag == "pre":
            self._end_block()
            self._letter.blocks.append(text_block("".join(element.itertext())))
        elif tag == "table" and _is_grid(element):
            self._end_block()
            self._table(element, style, depth)
        elif tag in ("ul", "ol"):
            self._end_block()
            self._lists.append([tag, 0])
            self._inside(element, style, depth)
            self._end_block()
            self._lists.pop()
        elif tag == "li":
            self._end_block()
            if self._lists:
                self._lists[-1][1] += 1
                kind, number = self._lists[-1]
                self._marker = f"{number}." if kind == "ol" else "•"
            self._inside(element, style, depth)
            self._end_block()
        elif tag == "blockquote":
            self._end_block()
            self._quoted += 1
            self._inside(element, style, depth)
            self._end_block()
            self._quoted -= 1
        elif tag in _BLOCKS:
            self._end_block()
            self._inside(element, style, depth)
            self._end_block()
        else:
            self._inside(element, _styled(style, tag), depth)

    def _inside(self, element: Any, style: Run, depth: int) -> None:
        self._say(element.text or "", style)
        for child in element:
            self._element(child, style, depth + 1)
            self._say(child.tail or "", style)

    def _say(self, text: str, style: Run) -> None:
        text = clean(re.sub(r"[ \t\r\n\f]+", " ", text))
        at_start = not self._runs or self._runs[-1]["text"].endswith((" ", "\n"))
        if at_start:
            text = text.lstrip(" ")
        if text:
            self._runs.append({"text": text, **style})

    def _end_block(self, heading: int | None = None) -> None:
        runs, self._runs = self._runs, []
        marker, self._marker = self._marker, None
        while runs and not runs[-1]["text"].strip():
            runs.pop()
        while runs and not runs[0]["text"].strip():
            runs.pop(0)
        if not runs:
            self._marker = marker
            return
        block: Block = {"kind": "paragraph", "runs": runs}
        if heading is not None:
            block = {"kind": "heading", "level": heading, "runs": runs}
        elif marker is not None:
            block = {"kind": "item", "depth": len(self._lists), "marker": marker, "runs": runs}
        elif self._quoted or self._lists:
            block["indent"] = self._quoted + len(self._lists)
        self._letter.blocks.append(block)

    def _table(self, table: Any, style: Run, depth: int) -> None:
        rows: list[list[dict[str, Any]]] = []
        for row in table.iter("tr"):
            cells: list[dict[str, Any]] = []
            for cell in row:
                if cell.tag not in ("td", "th"):
                    continue
                inner = _Reading(Letter(""), self._inline)
                inner._inside(cell, _styled(style, cell.tag), depth + 1)
                inner._end_block()
                cells.append({"runs": _joined(inner._letter.blocks)})
                cells += [{"runs": []}] * (min(_span(cell), 20) - 1)
            if any(cell["runs"] for cell in cells):
                rows.append(cells[:30])
        if not rows:
            return
        columns = max(len(row) for row in rows)
        for row in rows:
            row += [{"runs": []}] * (columns - len(row))
        widths = [max(_length(row[column]) for row in rows) for column in range(columns)]
        self._letter.blocks.append(
            {
                "kind": "table",
                "columns": [None if width <= 16 and columns <= 8 else min(width, 60) for width in widths],
                "right": [_is_numeric([row[column] for row in rows]) for column in range(columns)],
                "rows": rows,
            }
        )

    def _picture(self, element: Any) -> None:
        """A picture that the page brings along; of one from elsewhere its description is read."""
        data = _data_of(element.get("src") or "", self._inline)
        if data is None or len(self._letter.pictures) >= _MAX_PICTURES:
            if alternative := (element.get("alt") or "").strip():
                self._say(f"[{alternative}]", {"italic": True})
            return
        try:
            with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "GIF", "WEBP", "BMP"]) as image:
                if image.width * image.height > MAX_IMAGE_PIXELS // 4 or min(image.size) < 3:
                    return  # too large, or one that counts readers
                width = image.width * 0.75
                target = io.BytesIO()
                image.convert("RGBA").save(target, "PNG", compress_level=3)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, OverflowError):
            return
        name = f"picture-{len(self._letter.pictures) + 1}.png"
        self._letter.pictures[name] = target.getvalue()
        self._end_block()
        self._letter.blocks.append({"kind": "picture", "file": name, "width": round(width)})


def _styled(style: Run, tag: str) -> Run:
    if tag in _BOLD:
        return {**style, "bold": True}
    if tag in _ITALIC:
        return {**style, "italic": True}
    if tag in _MONO:
        return {**style, "mono": True}
    return style


def _is_grid(table: Any) -> bool:
    """Whether a table holds data, and not the layout of a page: it has no table in it, and no long cells."""
    if table.find(".//table") is not None or table.find(".//img") is not None:
        return False
    rows = list(table.iter("tr"))
    cells = [sum(1 for cell in row if cell.tag in ("td", "th")) for row in rows]
    return (
        bool(cells)
        and 2 <= max(cells) <= 30
        and not any(len("".join(cell.itertext())) > 1500 for cell in table.iter("td"))
    )


def _joined(blocks: list[Block]) -> list[Run]:
    """The text of blocks in the cell of a table, a line each."""
    runs: list[Run] = []
    for block in blocks:
        if block.get("runs"):
            runs += [{"text": "\n"}] if runs else []
            runs += block["runs"]
        elif block["kind"] == "lines":
            for line in block["lines"]:
                runs += [{"text": "\n"}] if runs else []
                runs.append({"text": line, "mono": True})
    return runs


def _length(cell: dict[str, Any]) -> int:
    text = "".join(run["text"] for run in cell["runs"])
    return max((len(line) for line in text.split("\n")), default=0) or 1


def _is_numeric(cells: list[dict[str, Any]]) -> bool:
    said = [text for cell in cells if (text := "".join(run["text"] for run in cell["runs"]).strip())]
    numbers = sum(bool(_NUMBER.fullmatch(text)) for text in said)
    return bool(said) and numbers >= max(1, len(said) - 1) and numbers * 2 > len(said)


def _span(cell: Any) -> int:
    written = str(cell.get("colspan") or "1")
    return max(1, int(written)) if written.isdigit() and len(written) < 4 else 1


def _data_of(source: str, inline: Mapping[str, bytes]) -> bytes | None:
    if source.lower().startswith("cid:"):
        return inline.get(source[4:])
    if source.lower().startswith("data:image/"):
        head, _, body = source.partition(",")
        try:
            return (
                base64.b64decode(body, validate=False) if head.endswith(";base64") else unquote_to_bytes(body)
            )
        except (binascii.Error, ValueError):
            return None
    return None
