"""Contents are removed when their time is over, holds keep them, and the chain still proves the rest."""

from datetime import date
from pathlib import Path

import pytest

from services.audit.expiry import Expiry
from services.audit.jobs.delete_expired import delete_expired
from services.audit.retention import DEFAULT_DAYS, Hold, Retention, read_retention
from shared.errors import TagwerkError
from shared.events import Record
from shared.ids import new_id
from shared.runner.context import Progress, RunContext
from shared.words import Outcome
from tests.integration.audit.conftest import Admin, Log, deeds
from tests.integration.audit.test_manipulation import refit


async def age(admin: Admin, days: int, numbers: str) -> None:
    """Make entries older, with every hash made to fit: what a check cannot tell from ten years of waiting."""
    await admin.execute(
        "update entries set recorded_at = recorded_at - make_interval(days => $1)"
        f" where number = any('{{{numbers}}}'::bigint[])",
        days,
    )
    await refit(admin)


async def run(keeper_url: str | None, retention: Retention, *, dry_run: bool = False) -> list[Record]:
    context = RunContext(
        run_id=new_id(), attempt=1, job=delete_expired.id, client="main", principal="ada", dry_run=dry_run
    )
    yielded = delete_expired.function(
        expiry=Expiry(keeper_url, retention, context),
        context=context,
        progress=Progress(lambda *_: None),
    )
    return [one async for some in yielded for one in ([some] if isinstance(some, Record) else some)]


async def test_expired_contents_go_and_the_log_still_proves_itself(
    audit_log: Log, admin: Admin, keeper_url: str
) -> None:
    await audit_log.write([*deeds(4), *deeds(3, "access_refused"), *deeds(2, "signed_in", "other-ag")])
    await age(admin, 500, "1,2,3,5,8")
    retention = Retention(
        kinds={"signed_in": 400, "access_refused": 3000},
        holds=(Hold(name="tax audit", reason="letter of 2026-03-02", client="other-ag"),),
    )
    told = await run(keeper_url, retention, dry_run=True)
    assert [(one.key, one.outcome, one.message) for one in told] == [
        ("audit-contents:signed_in", Outcome.SKIPPED, "3 are older than 400 days; 1 are on hold")
    ]
    assert await admin.fetchval("select count(*) from contents") == 9
    records = await run(keeper_url, retention)
    assert [(one.outcome, one.message) for one in records] == [
        (Outcome.DELETED, "3 older than 400 days removed; 1 are on hold")
    ]
    left = await admin.fetch("select number from contents order by number")
    assert [row["number"] for row in left] == [4, 5, 6, 7, 8, 9, 10]
    told_by = await admin.fetchrow(
        "select kind, content from entries join contents using (number) where number = 10"
    )
    assert told_by is not None
    assert told_by["kind"] == "contents_removed"
    assert b'"entries":"1-3"' in told_by["content"]
    checked = await audit_log.check()
    assert (checked.entries, checked.findings) == (10, [])
    # A second run finds nothing more; what is on hold stays until the hold is gone.
    assert [one.outcome for one in await run(keeper_url, retention)] == [Outcome.UNCHANGED]
    await run(keeper_url, retention.model_copy(update={"holds": ()}))
    assert await admin.fetchval("select array_agg(number) from contents where number in (5, 8)") == [5]
    # One more than was told is no removal.
    await admin.execute("delete from contents where number = 4")
    assert (await audit_log.check()).findings[0].number == 4


@pytest.mark.parametrize(
    ("hold", "kept"),
    [
        (Hold(name="h", reason="r"), [1, 2, 3]),
        (Hold(name="h", reason="r", principal="user-1"), [2]),
        (Hold(name="h", reason="r", concern="session:"), [1, 2, 3]),
        (Hold(name="h", reason="r", concern="document:"), []),
        (Hold(name="h", reason="r", kinds=("signed_out",)), []),
        (Hold(name="h", reason="r", since=date(2000, 1, 1), until=date(2001, 1, 1)), []),
        (Hold(name="h", reason="r", client="muster-ag", principal="user-2", since=date(2020, 1, 1)), [3]),
    ],
)
async def test_a_hold_keeps_what_fits_all_that_it_names(
    audit_log: Log, admin: Admin, keeper_url: str, hold: Hold, kept: list[int]
) -> None:
    await audit_log.write(deeds(3))
    await age(admin, 10, "1,2,3")
    await run(keeper_url, Retention(days=5, holds=(hold,)))
    left = await admin.fetch("select number from contents where number <= 3 order by number")
    assert [row["number"] for row in left] == kept


async def test_without_the_role_that_may_remove_nothing_is_removed(audit_log: Log) -> None:
    with pytest.raises(TagwerkError) as refused:
        await run(None, Retention())
    assert refused.value.failure.code == "audit_keeper_missing"


def test_the_file_says_how_long_and_a_wrong_one_names_the_field(tmp_path: Path) -> None:
    assert read_retention(None).days_for("signed_in") == DEFAULT_DAYS
    file = tmp_path / "retention.toml"
    file.write_text(
        'days = 3650\n[kinds]\nsigned_in = 400\n[[holds]]\nname = "tax audit 2026"\nreason = "a letter"\n'
        'client = "muster-ag"\nsince = 2024-01-01\n'
    )
    retention = read_retention(file)
    assert (retention.days_for("signed_in"), retention.days_for("signed_out")) == (400, 3650)
    assert retention.holds[0].since == date(2024, 1, 1)
    for text, named in (
        ("days = 0", "days"),
        ("[kinds]\ncontents_removed = 5", "contents_removed is kept for ever"),
        ('[[holds]]\nname = "x"', "holds.0.reason"),
        ('[[holds]]\nname = "x"\nreason = "y"\nclinet = "z"', "holds.0.clinet"),
        ("days =", "Invalid value"),
    ):
        file.write_text(text)
        with pytest.raises(TagwerkError) as refused:
            read_retention(file)
        assert refused.value.failure.code == "audit_retention_invalid"
        assert named in refused.value.failure.cause
