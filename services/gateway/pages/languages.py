"""Texts in the reader's language: gettext catalogues, read at start and kept in memory.

The English text is the message id. Domain `pages` holds what the pages say, domain `jobs` what the
services' declarations say; what services say when something fails stands in `shared/sentences`.
`python -m deploy.messages` brings all of them up to date.
"""

import io
from functools import cache, lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from markupsafe import Markup

from services.gateway.pages.preferences import LANGUAGES, Language
from shared.sentences import translating as sentences

FOLDER = Path(__file__).parent / "locale"

#: The language in which messages are written.
SOURCE: Language = "en"
DOMAINS = ("pages", "jobs")


def catalogue_file(language: Language, domain: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / f"{domain}.po"


@cache
def translations(language: Language, domain: str = "pages") -> NullTranslations:
    """The compiled catalogue; English translates to itself."""
    if language == SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language, domain))
    compiled.seek(0)
    return Translations(compiled, domain=domain)


def catalogue(language: Language, domain: str) -> Catalog:
    with catalogue_file(language, domain).open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def read_all() -> None:
    """Read every catalogue, so that one that is broken fails the start and no request."""
    for language in LANGUAGES:
        for domain in DOMAINS:
            translations(language, domain)
        sentences.read(language)


@lru_cache(10_000)
def message(language: Language, text: str) -> Markup:
    """What a page says, in the reader's language; with places for values, as `%(name)s`."""
    return Markup(translations(language).gettext(text))  # noqa: S704  (it is ours)


def job_text(language: Language, text: str) -> tuple[str, bool]:
    """What a job's declaration says, and whether it is in the reader's language."""
    if language == SOURCE or not text:
        return text, True
    translated = translations(language, "jobs").gettext(text)
    return translated, translated != text


def spoken_text(text: str, spoken: bool) -> Markup:
    """A text that is in the reader's language, or else is marked as English for whoever reads it aloud."""
    return Markup("{}" if spoken else f'<span lang="{SOURCE}">{{}}</span>').format(text)  # noqa: S704


def N_(text: str) -> str:
    """Marks a message that a template translates: `_(words[state])`."""
    return text
