from pathlib import Path

import pytest

from services.mqtt_bridge.rules_file import read_rules
from shared.errors import TagwerkError

GOOD = """
[[rule]]
name = "rates"
topic = "tagwerk/in/main/rates"
client = "main"
principal = "mqtt-bank"
start = { job = "integrations.import-daily-rates" }

[states]
jobs = ["documents.ocr"]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "mqtt.toml"
    file.write_text(text)
    return file


def test_a_good_file_is_read(tmp_path: Path) -> None:
    rules = read_rules(written(tmp_path, GOOD))
    assert rules.filters == ["tagwerk/in/main/rates"]
    assert rules.states is not None
    assert rules.states.tell("main", "documents.ocr")
    assert not rules.states.tell("main", "documents.convert-to-pdf")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("[[rule]]", "[[rules]]", "did you mean rule?"),
        ("client =", "clinet =", "line 2, rule 1 (rates): client: Field required; there is no clinet, did"),
        ("{ job =", "{ jb =", "did you mean job?"),
        ("start = {", "begin = {", "there is no begin"),
        (
            "start = {",
            "upload = {}\nstart = {",
            "it has upload and start",
        ),
        ("in/main/rates", "in/ma+n", "`+` and `#` stand alone"),
        ("in/main/rates", "in/my rates", "no spaces"),
        ("jobs =", "job =", "[states]: there is no job, did you mean jobs?"),
        ("[states]", GOOD.split("[states]")[0] + "[states]", "the name is used twice"),
        (
            "[states]",
            GOOD.split("[states]")[0].replace('"rates"', '"others"') + "[states]",
            "rates takes the same topic",
        ),
        ("[[rule]]", "[[rule", "it is no TOML"),
        ("[[rule]]", "[rule]", "in two brackets"),
        ("start = { job", 'idempotency_field = "id"\nupload = {} # ', "means nothing for an upload"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_mend(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    with pytest.raises(TagwerkError) as refused:
        read_rules(written(tmp_path, GOOD.replace(before, after, 1)))
    assert refused.value.failure.code == "mqtt_rules_invalid"
    assert says in refused.value.failure.cause


def test_a_file_that_is_empty_or_missing_is_refused(tmp_path: Path) -> None:
    for path in (written(tmp_path, ""), tmp_path / "none.toml"):
        with pytest.raises(TagwerkError) as refused:
            read_rules(path)
        assert refused.value.failure.code == "mqtt_rules_invalid"
