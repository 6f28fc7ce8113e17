from pathlib import Path

import pytest

from services.reporting.alerts.rules_file import read_rules
from shared.errors import TagwerkError
from shared.words import AlertKind, Severity

GOOD = """
language = "de"

[owners]
"Treasury" = "treasury@example.com"
"*" = ["it@example.com"]

[webhooks.pager]
url = "https://pager.example.com/hook"
secret_env = "PAGER_SECRET"

[[alert]]
name = "payments"
on = ["run_failed", "needs_decision"]
jobs = "integrations.*payment*"
severity = "critical"
to = ["owner", "webhook:pager"]

[[alert]]
name = "the rest"
to = "it@example.com"
"""


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER_SECRET", "whsec_c2VjcmV0IG9mIGEgdGVzdA==")
    monkeypatch.setenv("NO_SECRET", "")


def written(folder: Path, text: str) -> Path:
    file = folder / "alerts.toml"
    file.write_text(text)
    return file


def test_a_good_file_is_read_and_hides_its_secret(tmp_path: Path) -> None:
    rules = read_rules(written(tmp_path, GOOD))
    first, second = rules.rules
    assert first.on == {AlertKind.RUN_FAILED, AlertKind.NEEDS_DECISION}
    assert (first.severity, first.to) == (Severity.CRITICAL, ("owner", "webhook:pager"))
    assert second.repeat is not None
    assert rules.owners["Treasury"] == ("treasury@example.com",)
    assert "c2VjcmV0" not in repr(rules)
    assert read_rules(None).rules == ()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("[[alert]]", "[[alerts]]", "there is no table 'alerts', did you mean alert?"),
        (
            'to = ["owner"',
            'too = ["owner"',
            "alert 1 (payments): to: Field required; there is no too",
        ),
        ('"run_failed"', '"run_faild"', "line 12, alert 1 (payments): on.0: Input should be 'run_failed'"),
        ('"the rest"', '"payments"', "line 19, alert 2 (payments): the name is used twice"),
        ('on = ["run_failed", "needs_decision"]\\njobs = "integrations.*payment*"', "", "is never asked"),
        ("webhook:pager", "webhook:pagr", "there is no [webhooks.pagr], did you mean pager?"),
        ('"*" = ["it@example.com"]', "", '`owner` needs a table [owners] with an entry "*"'),
        ('= "treasury@example.com"', '= "treasury"', "'treasury' is no mail address"),
        ('secret_env = "PAGER_SECRET"', "", "give either `secret_file` or `secret_env`"),
        ("PAGER_SECRET", "NO_SECRET", "[webhooks.pager]: its secret is empty"),
        ('secret_env = "PAGER_SECRET"', 'secret_file = "/nowhere"', "/nowhere cannot be read: No such file"),
        ("https://", "ftp://", "webhooks.pager.url: String should match"),
        ('severity = "critical"', "per_hour = 0", "per_hour: Input should be greater than or equal to 1"),
        ('"it@example.com"\\n"""', '"it@elsewhere.org"', "no mail may go to elsewhere.org"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_mend(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    before = before.replace("\\n", "\n").removesuffix('"""')
    place = GOOD.rfind(before) if "elsewhere" in after else GOOD.find(before)
    assert place >= 0
    text = GOOD[:place] + after + "\n" * before.endswith("\n") + GOOD[place + len(before) :]
    with pytest.raises(TagwerkError) as refused:
        read_rules(written(tmp_path, text), domains=frozenset({"example.com"}))
    assert refused.value.failure.code == "alert_rules_invalid"
    assert says in refused.value.failure.cause


def test_mails_need_a_mail_server(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError, match="no mail server is set"):
        read_rules(written(tmp_path, GOOD), mails=False)
    with pytest.raises(TagwerkError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")
    with pytest.raises(TagwerkError, match=r"it has no \[\[alert\]\]"):
        read_rules(written(tmp_path, ""))
