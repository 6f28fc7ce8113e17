"""What services said when something failed, in the reader's language.

They say it in English, in events that are kept for years: `there is no job 'x.y' that you may see`. The
catalogue beside this file knows the templates that such sentences are made of, `there is no job {job} that
you may see`, and their translations; `python -m deploy.messages` brings it up to date. A sentence is
recognized by its template, and its values go into the translation; those that are sentences themselves (`the
PDF is damaged: {detail}`) are translated likewise.
"""

import re
import string
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

#: The language in which services speak.
SOURCE: Final = "en"
#: How deep sentences lie in sentences.
_DEEPEST = 5
#: `AC04`, `BR-CO-15`.
_CODE = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")
#: `the account is closed (Konto saldiert)`.
_QUOTING = re.compile(r"(?P<said>[^()]+) \((?P<quoted>.+)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Template:
    #: What is said, each part with the name of the value that follows it.
    translation: list[tuple[str, str | None]]
    #: Its longest part without values: a sentence without it needs no closer look.
    landmark: str
    pattern: re.Pattern[str]
    #: Characters that are no values; of several templates that fit, the one that says most is taken.
    length: int


def catalogue_file(language: str) -> Path:
    return Path(__file__).parent / f"{language}.po"


def catalogue(language: str) -> Catalog:
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language)


def read(language: str) -> None:
    """Read the catalogue, so that one that is broken fails the start and no reader waits for it."""
    if language != SOURCE:
        _templates(language)


def sentence_in(language: str, text: str) -> tuple[str, bool]:
    """The sentence as far as it can be said in a language, and whether it is."""
    return (text, True) if language == SOURCE or not text else _translated(language, text, _DEEPEST)


@lru_cache(maxsize=4096)
def _translated(language: str, text: str, deep: int) -> tuple[str, bool]:
    if not deep:
        return text, False
    if several := _pieces(language, text, deep, "; "):
        return several
    # Some stand at the beginning of a line, some in the middle of a sentence.
    ending = "." if text.endswith(".") else ""
    bare = text.removesuffix(".")
    fitting = [
        (template, found)
        for template in _templates(language)
        if template.landmark in bare and (found := template.pattern.fullmatch(bare))
    ]
    if not fitting:
        named = _pieces(language, text, deep, ": ") or _quoting(language, text, deep)
        return named or (text, False)
    template, found = min(fitting, key=lambda one: (_swallowed(one[1]), -one[0].length))
    said = [
        literal + (_translated(language, found[f"v_{name}"], deep - 1)[0] if name else "")
        for literal, name in template.translation
    ]
    return "".join(said) + ending, True


def _pieces(language: str, text: str, deep: int, separator: str) -> tuple[str, bool] | None:
    """Two sentences, or a name or code before one: if both are known, and each by itself."""
    head, found, rest = text.partition(separator)
    if not found:
        return None
    first = (head, True) if _CODE.fullmatch(head) else _translated(language, head, deep)
    second = _translated(language, rest, deep)
    return (first[0] + separator + second[0], True) if first[1] and second[1] else None


def _quoting(language: str, text: str, deep: int) -> tuple[str, bool] | None:
    """A sentence, and behind it what somebody else said."""
    found = _QUOTING.fullmatch(text)
    if found is None:
        return None
    said, known = _translated(language, found["said"], deep)
    return (f"{said} ({found['quoted']})", True) if known else None


def _swallowed(found: re.Match[str]) -> int:
    """Sentences inside values that are not the last: where there are any, another template fits better."""
    return sum(value.count(": ") for value in found.groups()[:-1])


@cache
def _templates(language: str) -> list[_Template]:
    """Those that have a translation."""
    return [
        _template(str(message.id), str(message.string))
        for message in catalogue(language)
        if message.id and message.string
    ]


def _template(source: str, translation: str) -> _Template:
    parts = _parts(source)
    literals = [literal for literal, _ in parts]
    # A group of a pattern cannot be called `1`.
    pattern = "".join(re.escape(text) + (f"(?P<v_{name}>.*?)" if name else "") for text, name in parts)
    return _Template(
        _parts(translation), max(literals, key=len), re.compile(pattern, re.DOTALL), sum(map(len, literals))
    )


def _parts(text: str) -> list[tuple[str, str | None]]:
    return [(literal, name) for literal, name, _, _ in string.Formatter().parse(text.removesuffix("."))]
