"""Set what people wrote as a PDF, with Typst. The text goes in as data, so nothing in it can be markup.

Typst brings its own fonts (Latin, Greek, Cyrillic, arrows, currency signs); for other scripts it takes a font
of the system, where there is one.
"""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typst

from services.documents.core import MAX_TEXT_CHARACTERS
from shared.process_child import Refused

_TEMPLATE: Final = Path(__file__).with_name("letter.typ")
#: Points between the margins of an A4 page, and the width of a letter of DejaVu Sans Mono in em.
_WIDTH: Final = 481.0
_LETTER: Final = 0.602
_SIZES: Final = (6.5, 9.5)
#: Columns up to which a line is set whole; longer ones are broken.
_COLUMNS: Final = int(_WIDTH / (_LETTER * _SIZES[0]))
#: Everything that is no character to be set: controls, surrogates, and what XML calls non-characters.
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff\ufffe\uffff\ud800-\udfff]")

Run = dict[str, Any]
Block = dict[str, Any]


@dataclass(slots=True)
class Letter:
    """What is set: a title, labelled lines at its head, then blocks as `letter.typ` knows them."""

    title: str
    head: list[tuple[str, str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    #: Pictures that blocks name by file name.
    pictures: dict[str, bytes] = field(default_factory=dict)


def typeset(letter: Letter, folder: Path) -> Path:
    """The PDF of `letter`, made in `folder`. Raises `Refused` (`document_too_large`)."""
    data = json.dumps(
        {"title": clean(letter.title), "head": [(clean(a), clean(b)) for a, b in letter.head]}
        | {"blocks": letter.blocks},
        ensure_ascii=False,
    )
    if len(data) > 8 * MAX_TEXT_CHARACTERS:
        raise too_long(len(data))
    source, target = folder / "letter.typ", folder / "typeset.pdf"
    shutil.copyfile(_TEMPLATE, source)
    for name, content in letter.pictures.items():
        (folder / name).write_bytes(content)
    typst.compile(source, output=target, root=folder, sys_inputs={"data": data}, timestamp=0)
    return target


def clean(text: str) -> str:
    """`text` without what is no character to be set."""
    return _NOT_TEXT.sub("", text)


def text_block(text: str) -> Block:
    """Lines as they are, in letters of one width so that columns stay columns. Raises `Refused`."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise too_long(len(text))
    lines: list[str] = []
    for line in clean(text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")).split("\n"):
        lines += _broken(line.expandtabs(8).rstrip())
    while lines and not lines[-1]:
        lines.pop()
    widest = max((len(line) for line in lines), default=1) or 1
    size = max(_SIZES[0], min(_SIZES[1], _WIDTH / (_LETTER * widest)))
    return {"kind": "lines", "lines": lines, "size": round(size, 2)}


def _broken(line: str) -> list[str]:
    """A line in pieces that fit, broken at spaces where there are any."""
    pieces = []
    while len(line) > _COLUMNS:
        space = line.rfind(" ", _COLUMNS // 2, _COLUMNS)
        cut = space if space > 0 else _COLUMNS
        pieces.append(line[:cut])
        line = line[cut:].lstrip(" ") if space > 0 else line[cut:]
    return [*pieces, line]


def too_long(characters: int) -> Refused:
    return Refused(
        "document_too_large",
        f"its text has {characters:,} characters; at most {MAX_TEXT_CHARACTERS:,} are set",
        "Split it and upload the parts.",
    )
