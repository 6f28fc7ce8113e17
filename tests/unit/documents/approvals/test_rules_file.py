"""A rules file is read whole or refused with the place, the cause and what was meant."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from services.documents.approvals.rules import DEFAULT_RULES
from services.documents.approvals.rules_file import read_rules
from shared.errors import TagwerkError

ROOT = Path(__file__).parents[4]
REST = '\n[[rule]]\nname = "rest"\nrole = "accounting"\n'


def test_without_a_file_the_built_in_rules_hold() -> None:
    assert read_rules(None) == DEFAULT_RULES


def test_the_example_in_the_pages_is_a_rules_file(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    (example,) = (block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[[rule]]" in block)
    (tmp_path / "rules.toml").write_text(example)
    rules = read_rules(tmp_path / "rules.toml")
    assert [rule.name for rule in rules] == ["investments", "printing", "large", "every other invoice"]
    assert rules[0].amount is not None
    assert (rules[0].amount.at_least, rules[0].cost_centers) == (Decimal(20000), frozenset({"1500"}))
    assert rules[1].supplier_names == ("nordlicht*",)
    large, rest = DEFAULT_RULES
    assert (rules[2].amount, rules[2].role, rules[2].approvals) == (large.amount, large.role, 2)
    assert (rules[3].role, rules[3].days_without_due) == (rest.role, rest.days_without_due)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has no [[rule]]"),
        ("[[rule]\n", "it is no TOML"),
        ('[[rules]]\nname = "x"', "there is no table 'rules', did you mean rule?"),
        ('[[rule]]\nname = "x"' + REST, "line 1, rule 1 (x): role: Field required"),
        ('\n[[rule]]\nname = "x"\nrole = "a"\nroll = 1' + REST, "line 2, rule 1 (x): there is no roll"),
        ('[[rule]]\nname = "x"\nrole = "a"\naproval = 2' + REST, "did you mean approvals?"),
        (
            '[[rule]]\nname = "x"\nrole = "a"\namount = { from = 5000.0, currency = "CHF" }' + REST,
            'amount.from: write amounts in quotes: "5000.00"',
        ),
        (
            '[[rule]]\nname = "x"\nrole = "a"\namount = { form = "5", currency = "CHF" }' + REST,
            "there is no amount.form, did you mean from?",
        ),
        (
            '[[rule]]\nname = "x"\nrole = "a"\namount = { from = "9", below = "5", currency = "CHF" }' + REST,
            "`from` must be less than `below`",
        ),
        ('[[rule]]\nname = "x"\nrole = "a"\namount = { currency = "CHF" }' + REST, "give `from`, `below`"),
        (
            '[[rule]]\nname = "x"\nrole = "a"\nsupplier_ibans = ["CH00 1234"]' + REST,
            "CH00 1234 fails the check digits of an IBAN",
        ),
        (REST + REST.replace("rest", "more"), "it fits every invoice, so no rule behind it is ever asked"),
        (
            '[[rule]]\nname = "rest"\nrole = "a"\nclients = "x"' + REST,
            "rule 2 (rest): the name is used twice",
        ),
        ('[[rule]]\nname = "x"\nrole = "a"\nclients = "x"', "the last rule (x) has conditions"),
    ],
)
def test_a_wrong_file_is_refused_with_place_cause_and_mend(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(TagwerkError) as caught:
        read_rules(file)
    failure = caught.value.failure
    assert (failure.code, failure.concern) == ("approval_rules_invalid", str(file))
    assert words in failure.cause
    assert "TAGWERK_APPROVAL_RULES" in failure.next_step


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError, match=r"missing\.toml cannot be used: it cannot be read"):
        read_rules(tmp_path / "missing.toml")
