"""What services say, in the reader's language."""

import string

import pytest

from deploy.service_messages import service_messages
from shared.errors import CredentialsRejected, ExternalSystemUnavailable
from shared.sentences.translating import catalogue, sentence_in


def german(text: str) -> str:
    translated, spoken = sentence_in("de", text)
    assert spoken, text
    return translated


def test_a_sentence_is_recognized_by_its_template_and_keeps_its_values() -> None:
    assert (
        german("there is no job 'x.y' that you may see") == "es gibt keinen Job 'x.y', den Sie sehen dürfen"
    )
    assert german("it answered 503 Service Unavailable") == "es antwortete mit 503 Service Unavailable"


def test_a_sentence_in_a_sentence_is_translated_too() -> None:
    said = "page 3 is too large: page 3 has 90000 x 90000 pixels, more than 100 million"
    assert german(said) == "Seite 3 ist zu groß: Seite 3 hat 90000 x 90000 Pixel, mehr als 100 Millionen"


def test_a_full_stop_is_kept_and_makes_no_other_sentence() -> None:
    assert german("Rerun the failed records of this run.").endswith(" dieses Laufs.")
    assert german("Rerun the failed records of this run").endswith(" dieses Laufs")


def test_braces_of_a_sentence_are_no_values() -> None:
    said = german('Rerun everything with `{"only": "all"}` if that is what you want.')
    assert '`{"only": "all"}`' in said


@pytest.mark.parametrize(
    "error",
    [CredentialsRejected("ecb", "it answered 401"), ExternalSystemUnavailable("ecb", "no connection")],
)
def test_what_the_errors_of_everybody_say_is_translated(error: CredentialsRejected) -> None:
    assert "ecb" in german(error.failure.next_step)
    german(error.failure.cause)


def test_what_nobody_translated_stays_english_and_says_so() -> None:
    assert sentence_in("de", "libfoo: bad magic") == ("libfoo: bad magic", False)
    assert sentence_in("en", "libfoo: bad magic") == ("libfoo: bad magic", True)
    assert sentence_in("de", "") == ("", True)


def test_every_sentence_of_the_services_is_recognized_with_values_in_it() -> None:
    for message in service_messages():
        if not message.id:
            continue
        parts = list(string.Formatter().parse(str(message.id)))
        said = "".join(text + ("" if name is None else f"«{name}»") for text, name, *_ in parts)
        told = german(said)
        assert told != said or catalogue("de").get(message.id).string == message.id  # type: ignore[union-attr]
        for _, name, *_ in parts:
            assert name is None or f"«{name}»" in told, (said, told)


def test_values_are_found_in_the_code_of_services() -> None:
    found = {str(message.id) for message in service_messages()}
    assert "its name ends in .{extension}, which says" in found, "what a function returned"
    assert "Excel workbook" in found, "a value from a table"
    assert "Check that {system} can be reached; Tagwerk tries again by itself." in found, "one of two"
    assert not any(sentence.startswith("select ") for sentence in found)
