"""Sentences of a preflight in the reader's language, with its values written as the reader writes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from services.gateway.pages import words
from services.gateway.pages.formats import Formats
from services.gateway.pages.languages import job_text, spoken_text, translations
from services.gateway.pages.preferences import Language
from services.gateway.preflight.sayings import Ago, Saying, Told
from shared.sentences.translating import sentence_in
from shared.words import Outcome, RunState


def sentences(sayings: Sequence[Saying], language: Language, formats: Formats) -> Markup:
    """One after the other. Ids of runs lead to them."""
    return Markup(" ").join(_sentence(saying, language, formats) for saying in sayings)


def _sentence(saying: Saying, language: Language, formats: Formats) -> Markup:
    message = translations(language).gettext(saying.message)
    values = {name: _value(value, language, formats) for name, value in saying.values.items()}
    return Markup(escape(message)) % values  # noqa: S704  (a message of ours, escaped all the same)


def _value(value: Any, language: Language, formats: Formats) -> Markup:
    gettext = translations(language).gettext
    match value:
        case Told():
            return told_text(value, language)
        case RunState():
            return escape(gettext(words.STATES[value]))
        case Enum():
            return escape(str(value.value).replace("_", " "))
        case str():
            return Markup("<code>{}</code>").format(value)
        case UUID():
            return Markup('<a href="/runs/{0}"><code>{0}</code></a>').format(value)
        case Ago():
            return escape(formats.ago(value.then))
        case datetime():
            return escape(formats.moment(value))
        case int():
            return escape(formats.number(value))
        case Mapping():
            counts = [
                f"{formats.number(number)} {gettext(words.OUTCOMES[Outcome(name)])}"
                for name, number in value.items()
            ]
            return escape(", ".join(counts))
        case list() | tuple():
            return Markup(", ").join(_value(one, language, formats) for one in value)
        case _:
            return escape(str(value))


def told_text(text: str, language: Language) -> Markup:
    """What a job or service said: translated where that is known, else marked as English."""
    declared, spoken = job_text(language, text)
    return spoken_text(*((declared, spoken) if spoken else sentence_in(language, text)))
