"""Every text of the pages in every language, and nothing besides."""

import re

import pytest

from deploy import messages
from services.gateway.pages import words
from services.gateway.pages.codes import CODES
from services.gateway.pages.languages import SOURCE
from services.gateway.pages.preferences import LANGUAGES, THEMES, Language
from services.gateway.problems import STATUS
from shared.events import BUSINESS_EVENTS
from shared.words import Danger, Kind, Level, Outcome, RunState, Trigger

TRANSLATED = [language for language in LANGUAGES if language != SOURCE]


@pytest.mark.parametrize("domain", messages.MESSAGES)
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_message_is_missing_or_empty_or_left_over(language: Language, domain: str) -> None:
    catalogue = messages.updated(language, domain)
    assert len(catalogue) > 50, "the extraction found next to nothing"
    assert messages.untranslated(catalogue) == []
    mends = "`python -m deploy.messages` brings the catalogue up to date"
    assert messages.catalogue_file(language, domain).read_text() == messages.text_of(catalogue), mends


@pytest.mark.parametrize("domain", messages.MESSAGES)
@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_same_placeholders(language: Language, domain: str) -> None:
    for message in messages.updated(language, domain):
        if message.id:
            assert placeholders(message.string) == placeholders(message.id), message.id


def placeholders(text: object) -> set[str]:
    """Of the last form, which is the one that names a number."""
    last = text[-1] if isinstance(text, list | tuple) else text
    return set(re.findall(r"%\(\w+\)s|\{\w+\}", str(last)))


def test_a_removed_message_and_a_new_one_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = messages.page_messages()
    found.add("A sentence that nobody has translated")
    found.delete("Jobs")
    monkeypatch.setitem(messages.MESSAGES, "pages", lambda: found)
    catalogue = messages.updated("de", "pages")
    assert messages.untranslated(catalogue) == ["A sentence that nobody has translated"]
    assert catalogue.get("Jobs") is None


def test_every_word_and_every_problem_has_a_name() -> None:
    assert set(words.STATES) == set(RunState)
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.KINDS) == set(Kind)
    assert set(words.TRIGGERS) == set(Trigger)
    assert set(words.LEVELS) == set(Level)
    assert set(words.DANGERS) == set(Danger)
    assert set(words.THEMES) == set(THEMES)
    assert set(words.EVENTS) == set(BUSINESS_EVENTS)
    assert set(STATUS) - set(CODES) == set()
