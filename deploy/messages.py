"""What is said to people: `python -m deploy.messages` brings the German catalogues up to date with
templates, page code, declarations of jobs and what services say of failures, and names what is left to
translate."""

import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from deploy.local.config import SERVICES
from deploy.service_messages import service_messages
from services.gateway.pages import languages
from services.gateway.pages.languages import DOMAINS, SOURCE
from services.gateway.pages.preferences import LANGUAGES, Language
from services.gateway.pages.start.fields import label_of
from shared.jobs import CatalogueEntry
from shared.sentences import translating
from shared.service import SOFTWARE_VERSION

PAGES = languages.FOLDER.parent
#: Whose sentences pages show besides.
PREFLIGHT = PAGES.parent / "preflight"

_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
_KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}

#: Headers that would change a file without changing a message.
_NOT_KEPT = re.compile(
    r'^"(POT?-\S+|Project-Id-Version|Report-Msgid-Bugs-To|Last-Translator|Language-Team|Generated-By): .*\n',
    re.MULTILINE,
)

#: What a reader of a job reads as words.
_FACTS = ("title", "description", "owner", "retry", "repeat", "output", "expected_result")


def page_messages() -> Catalog:
    """What templates and page code say."""
    found = Catalog()
    for folder in (PAGES, PREFLIGHT):
        for file, _, message, _, context in extract_from_dir(
            folder, _METHODS, _OPTIONS, keywords=_KEYWORDS, strip_comment_tags=True
        ):
            found.add(message, locations=[(file, 0)], context=context)
    return found


def job_messages() -> Catalog:
    """What the declarations of every service say."""
    found = Catalog()
    for entry in declared_jobs():
        texts = [getattr(entry, name) for name in _FACTS]
        fields = entry.parameters.get("properties", {})
        said = [label_of(name) for name in fields] + [one.get("description") for one in fields.values()]
        for text in [*texts, entry.access.module, *said]:
            if text:
                found.add(text, locations=[(entry.id, 0)])
    return found


def declared_jobs() -> Iterator[CatalogueEntry]:
    for module in SERVICES.values():
        declaration = importlib.import_module(f"{module}.declaration").DECLARATION
        for job in declaration.jobs:
            yield CatalogueEntry.of(job, SOFTWARE_VERSION)


#: What the services themselves say, apart from the pages.
SENTENCES = "services"
MESSAGES = {**dict(zip(DOMAINS, (page_messages, job_messages), strict=True)), SENTENCES: service_messages}


def catalogue_file(language: Language, domain: str) -> Path:
    return (
        translating.catalogue_file(language)
        if domain == SENTENCES
        else languages.catalogue_file(language, domain)
    )


def updated(language: Language, domain: str) -> Catalog:
    """The catalogue with exactly the messages that there are; new ones are empty."""
    file = catalogue_file(language, domain)
    translated = read_po(io.BytesIO(file.read_bytes()), locale=language) if file.is_file() else Catalog()
    catalogue = Catalog(locale=language, fuzzy=False, header_comment=f"# What is said to people: {domain}.")
    for message in MESSAGES[domain]():
        if message.id:
            known = translated.get(message.id)
            catalogue.add(message.id, known.string if known else None, locations=message.locations)
    return catalogue


def text_of(catalogue: Catalog) -> str:
    """As the file stands, without the moment at which it was made."""
    out = io.BytesIO()
    write_po(out, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)
    text = out.getvalue().decode()
    return _NOT_KEPT.sub("", text)


def untranslated(catalogue: Catalog) -> list[str]:
    """Messages without a translation, or with an empty plural form."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue
        if message.id and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


def main() -> None:
    missing = 0
    for language in LANGUAGES:
        for domain in MESSAGES if language != SOURCE else ():
            catalogue = updated(language, domain)
            file = catalogue_file(language, domain)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text_of(catalogue))
            for message in untranslated(catalogue):
                missing += 1
                print(f"{language} {domain}: {message}")
    if missing:
        sys.exit(f"{missing} messages are left to translate")


if __name__ == "__main__":
    main()
