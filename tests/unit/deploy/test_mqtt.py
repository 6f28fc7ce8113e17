import re
from pathlib import Path

import pytest

from deploy.local.mqtt import RULES_FILE, bridge_of, devices_of, read_state_rules, subjects_of
from shared.errors import TagwerkError

EXAMPLE = Path(__file__).parents[3] / "docs" / "mqtt.example.toml"


@pytest.mark.parametrize(
    ("filter", "subjects"),
    [
        ("a/b", ["a.b"]),
        ("a/+/c", ["a.*.c"]),
        ("a/#", ["a.>", "a"]),
        ("a/b.c", ["a.b//c"]),
        ("#", [">"]),
    ],
)
def test_a_filter_is_these_subjects(filter: str, subjects: list[str]) -> None:
    assert subjects_of(filter) == subjects


def test_the_bridge_runs_where_there_are_rules_and_a_device_may_do_what_they_say(tmp_path: Path) -> None:
    assert bridge_of(tmp_path) == {}
    (tmp_path / RULES_FILE).write_text(EXAMPLE.read_text())
    assert bridge_of(tmp_path) == {"mqtt_bridge": "services.mqtt_bridge"}
    passwords = {"bank": "1", "scanner": "2", "warehouse": "3", "agent-office": "4"}
    devices = devices_of(read_state_rules(tmp_path, taken=()), passwords)
    assert devices["scanner"].publish == ("tagwerk.in.main.scans.*",)
    assert "tagwerk.answers.main.scans" in devices["scanner"].subscribe
    assert "tagwerk.answers.main.>" not in devices["scanner"].subscribe
    assert devices["bank"].publish == ("tagwerk.in.main.rates",)
    # An agent speaks for itself alone, and hears commands to itself alone.
    assert devices["agent-office"].publish == (
        "tagwerk.agents.main.office.answers", "tagwerk.agents.main.office.status",
    )  # fmt: skip
    assert devices["agent-office"].subscribe == ("$MQTT.sub.>", "tagwerk.agents.main.office.commands")


RULE = """
[[agent]]
name = "office"
client = "main"

[[rule]]
name = "one"
topic = "tagwerk/in/main/one"
client = "main"
principal = "scanner"
event = { name = "one" }
"""


@pytest.mark.parametrize(
    ("correct", "wrong", "says"),
    [
        ("tagwerk/in/main/one", "#", "# reaches what services say"),
        ("tagwerk/in/main/one", "+/one", "+/one reaches what services say"),
        ("tagwerk/in/main/one", ">", "> reaches what services say"),
        ("tagwerk/in/main/one", "event/invoice/paid", "event/invoice/paid reaches"),
        ("tagwerk/in/main/one", "$JS/API/STREAM/DELETE/RUNS", "reaches what services say"),
        ("event = {", 'response_topic = "query/status/runs"\nevent = {', "query/status/runs reaches"),
        ("event = {", 'response_prefix = "run"\nevent = {', "run reaches what services say"),
        ("[[agent]]", '[states]\nprefix = "egress/mqtt"\n[[agent]]', "egress/mqtt reaches"),
        ("scanner", "admin", "admin is a user of the bus"),
        ("scanner", "agent-office", "agent-office is a user of the bus"),
    ],
)
def test_no_rule_lets_a_device_speak_as_a_service(
    tmp_path: Path, correct: str, wrong: str, says: str
) -> None:
    file = tmp_path / RULES_FILE
    file.write_text(RULE)
    assert read_state_rules(tmp_path, taken=("admin",)).rules
    file.write_text(RULE.replace(correct, wrong))
    with pytest.raises(TagwerkError, match=re.escape(says)) as refused:
        read_state_rules(tmp_path, taken=("admin",))
    assert refused.value.failure.code == "mqtt_rules_invalid"
