from pathlib import Path

import pytest

from deploy.local.mqtt import RULES_FILE, bridge_of, devices_of, read_state_rules, subjects_of

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
    devices = devices_of(read_state_rules(tmp_path), passwords)
    assert devices["scanner"].publish == ("tagwerk.in.main.scans.*",)
    assert "tagwerk.answers.main.scans" in devices["scanner"].subscribe
    assert "tagwerk.answers.main.>" not in devices["scanner"].subscribe
    assert devices["bank"].publish == ("tagwerk.in.main.rates",)
    # An agent speaks for itself alone, and hears commands to itself alone.
    assert devices["agent-office"].publish == (
        "tagwerk.agents.main.office.answers", "tagwerk.agents.main.office.status",
    )  # fmt: skip
    assert devices["agent-office"].subscribe == ("$MQTT.sub.>", "tagwerk.agents.main.office.commands")
