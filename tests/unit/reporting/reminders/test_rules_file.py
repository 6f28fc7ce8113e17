"""The rules of reminders as an installation writes them."""

from pathlib import Path

import pytest

from services.reporting.reminders.rules import DEFAULT_RULES, ReminderStep, Rules
from services.reporting.reminders.rules_file import read_rules
from shared.errors import TagwerkError


def test_steps_and_calendar_are_read(tmp_path: Path) -> None:
    assert read_rules(None) is DEFAULT_RULES
    file = tmp_path / "reminders.toml"
    file.write_text(
        'country = "CH"\ncanton = "ZH"\n[[step]]\nafter = -1\n[[step]]\nafter = 4\nalso = "trustee"\n'
    )
    assert read_rules(file) == Rules((ReminderStep(-1), ReminderStep(4, "trustee")), "CH", "ZH")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "step: Field required"),
        ("[[step]]\nafter = 1.5\n", "step.1.after: Input should be a valid integer"),
        ("[[step]]\nafter = 1\nto = 'x'\n", "step.1.to: Extra inputs are not permitted"),
        ("[[step]]\nafter = 3\n[[step]]\nafter = 3\n", "step 2 does not come after the one before"),
        ("country = 'XX'\n[[step]]\nafter = 3\n", "no holidays are known of XX"),
        ("canton = 'ZH'\n[[step]]\nafter = 3\n", "a canton needs its country"),
        ("country = 'CH'\ncanton = 'QQ'\n[[step]]\nafter = 3\n", "no holidays are known of QQ in CH"),
        ("[[step\n", "it is no TOML"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "reminders.toml"
    file.write_text(content)
    with pytest.raises(TagwerkError) as raised:
        read_rules(file)
    assert raised.value.failure.code == "reminder_rules_invalid"
    assert words in raised.value.failure.cause
    with pytest.raises(TagwerkError, match="it cannot be read"):
        read_rules(tmp_path / "gone.toml")
