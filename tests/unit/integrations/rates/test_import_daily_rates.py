"""The job without a bus: what it asks for, what it yields, and how it goes on when a source fails."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.integrations.jobs.import_daily_rates import import_daily_rates
from services.integrations.rates.core import Publication, Rate, WrongRate
from shared.errors import ExternalSystemUnavailable, TagwerkError
from shared.ids import new_id
from shared.words import Outcome, RateSource
from tests.unit.integrations.rates.fakes import FakeFeed, Treasury

ECB, BAZG = RateSource.ECB, RateSource.BAZG
DAY, BEFORE = date(2026, 3, 6), date(2026, 3, 5)
MALFORMED = TagwerkError("rates_malformed", "it is no XML", concern="ecb", next_step="Look at it.")


def rate(source: RateSource, currency: str, value: str = "1.5", day: date = DAY) -> Rate:
    return Rate(source, currency, day, Decimal(value))


OF_ECB = Publication(ECB, (rate(ECB, "USD"), rate(ECB, "CHF"), rate(ECB, "USD", day=BEFORE)))
OF_BAZG = Publication(BAZG, (rate(BAZG, "EUR"),))


def outcomes(treasury: Treasury) -> dict[str, Outcome]:
    return {record.key: record.outcome for record in treasury.records}


async def test_both_sources_are_asked_and_every_rate_is_a_record() -> None:
    treasury, feed = Treasury(), FakeFeed({ECB: OF_ECB, BAZG: OF_BAZG})
    await treasury.run(feed)
    assert feed.asked == [(ECB, None), (BAZG, None)]
    assert outcomes(treasury) == dict.fromkeys(
        ["rate:ecb:USD:2026-03-06", "rate:ecb:CHF:2026-03-06", "rate:ecb:USD:2026-03-05",
         "rate:bazg:EUR:2026-03-06"],
        Outcome.CREATED,
    )  # fmt: skip


async def test_a_second_run_changes_nothing() -> None:
    treasury, feed = Treasury(), FakeFeed({ECB: OF_ECB, BAZG: OF_BAZG})
    await treasury.run(feed)
    before = dict(treasury.rates.rows)
    await treasury.run(feed)
    assert set(outcomes(treasury).values()) == {Outcome.UNCHANGED}
    assert treasury.rates.rows == before


async def test_days_and_currencies_can_be_chosen() -> None:
    treasury, feed = Treasury(), FakeFeed({ECB: OF_ECB})
    await treasury.run(feed, DAY, ["USD"], "ecb")
    assert feed.asked == [(ECB, DAY)]
    assert set(outcomes(treasury)) == {"rate:ecb:USD:2026-03-06"}


async def test_what_the_source_does_not_have_is_said() -> None:
    treasury, feed = Treasury(), FakeFeed({ECB: OF_ECB})
    await treasury.run(feed, date(2026, 1, 1), ["USD", "XAU"], "ecb")
    assert [(line.message, line.fields.get("currencies")) for line in treasury.lines] == [
        ("the publication begins later than asked", None),
        ("not published here", "XAU"),
    ]


async def test_a_file_is_read_instead_of_asking() -> None:
    treasury, feed = Treasury(), FakeFeed({"rates.xml": OF_BAZG})
    await treasury.run(feed, file="rates.xml")
    assert feed.asked == [("rates.xml", None)]
    assert set(outcomes(treasury)) == {"rate:bazg:EUR:2026-03-06"}


async def test_a_wrong_entry_is_a_failed_record_beside_the_others() -> None:
    entries = (WrongRate(ECB, "JPY", DAY, "no number"), rate(ECB, "USD"))
    treasury = Treasury()
    await treasury.run(FakeFeed({ECB: Publication(ECB, entries)}), source="ecb")
    assert outcomes(treasury) == {
        "rate:ecb:JPY:2026-03-06": Outcome.FAILED,
        "rate:ecb:USD:2026-03-06": Outcome.CREATED,
    }


async def test_a_rerun_of_some_records_leaves_the_others_alone() -> None:
    treasury, feed = Treasury(), FakeFeed({ECB: OF_ECB, BAZG: OF_BAZG})
    await treasury.run(feed, only=frozenset({"rate:ecb:CHF:2026-03-06"}))
    assert set(outcomes(treasury)) == {"rate:ecb:CHF:2026-03-06"}


@pytest.mark.parametrize("failing", [ECB, BAZG])
async def test_a_source_that_fails_does_not_keep_the_other_back(failing: RateSource) -> None:
    says: dict[RateSource | str, Publication | TagwerkError] = {ECB: OF_ECB, BAZG: OF_BAZG}
    treasury, feed = Treasury(), FakeFeed({**says, failing: ExternalSystemUnavailable(failing, "it sleeps")})
    run = new_id()
    with pytest.raises(ExternalSystemUnavailable):
        await treasury.run(feed, run_id=run)
    stored = set(treasury.rates.rows)
    assert stored
    assert not any(key.startswith(f"rate:{failing}:") for key in stored)
    await treasury.run(FakeFeed(says), run_id=run)
    assert set(outcomes(treasury).values()) == {Outcome.CREATED}, "the run created them all, in two attempts"


async def test_of_two_failures_the_one_that_passes_by_itself_ends_the_attempt() -> None:
    feed = FakeFeed({ECB: MALFORMED, BAZG: ExternalSystemUnavailable("bazg", "it sleeps")})
    with pytest.raises(ExternalSystemUnavailable):
        await Treasury().run(feed)


@pytest.mark.parametrize(
    "parameters",
    [
        {"currencies": ["usd"]}, {"currencies": ["USD\n"]}, {"source": "fed"}, {"since": "yesterday"},
        {"file": "../secrets"}, {"file": "/etc/passwd"}, {"file": "a/b.xml"}, {"file": ".."}, {"file": ""},
        {"file": "a\x00b"}, {"unknown": 1},
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_or_leave_the_inbox_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        import_daily_rates.parameters.model_validate(parameters)


def test_every_parameter_has_a_safe_default() -> None:
    assert "required" not in import_daily_rates.parameters_schema()
