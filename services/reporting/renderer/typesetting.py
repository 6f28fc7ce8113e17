"""Setting a PDF with Typst. All that it says goes in as data, so nothing in it can be markup."""

import json
import re
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import typst

#: What the templates of all kinds share: page, head, figures, bars.
_FRAME: Final = Path(__file__).with_name("frame.typ")
#: Controls, surrogates, and what XML calls non-characters.
_NOT_TEXT: Final = re.compile(r"[\x00-\x1f\x7f\u200b\ufeff\ufffe\uffff\ud800-\udfff]")
#: Widths of letters in em, roughly: the columns of a list do not wrap.
_WIDE, _NARROW = 0.7, 0.46


def typeset(template: Path, data: dict[str, Any], folder: Path) -> Path:
    """The PDF that `template` makes of `data`, in `folder`."""
    source, target = folder / "report.typ", folder / "report.pdf"
    shutil.copyfile(template, source)
    shutil.copyfile(_FRAME, folder / _FRAME.name)
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    typst.compile(source, output=target, root=folder, sys_inputs=inputs, timestamp=0)
    return target


def clean(text: str) -> str:
    """`text` without what is no character to be set."""
    return _NOT_TEXT.sub(" ", text)


@lru_cache(10_000)
def fitting(text: str, room: float) -> str:
    """`text` on one line of `room` em, with dots where it is longer; it is not broken."""
    kept: list[str] = []
    for letter in clean(text):
        room -= _WIDE if letter.isupper() or letter in "mwMW@%&" or ord(letter) > 0x2FF else _NARROW
        if room < 0:
            return "".join(kept).rstrip().replace(" ", "\N{NO-BREAK SPACE}") + "\N{HORIZONTAL ELLIPSIS}"
        kept.append(letter)
    return "".join(kept).replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")
