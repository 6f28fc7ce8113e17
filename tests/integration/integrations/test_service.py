"""The service from a request to rows, records, events, calls and answers."""

import asyncio

from shared.events import Called
from shared.words import CallOutcome, Outcome, RunState
from tests.integration.integrations.conftest import Installation
from tests.support.rates_files import bazg_file


async def test_a_run_stores_the_rates_of_both_sources_and_tells_everybody(installation: Installation) -> None:
    await installation.start()
    told = await installation.run()
    assert told.end.state is RunState.SUCCEEDED
    assert {record.key: record.outcome for record in told.records} == dict.fromkeys(
        [
            "rate:ecb:USD:2026-03-06", "rate:ecb:CHF:2026-03-06",
            *(f"rate:bazg:{currency}:2026-03-0{day}" for day in (6, 7, 8) for currency in ("USD", "EGP")),
        ],
        Outcome.CREATED,
    )  # fmt: skip
    calls = [call for event in told.events if isinstance(event, Called) for call in event.calls]
    assert [(call.system, call.outcome) for call in calls] == [
        ("ecb", CallOutcome.SUCCEEDED),
        ("bazg", CallOutcome.SUCCEEDED),
    ]
    assert [(event.source, len(event.rates)) for event in await installation.imported()] == [
        ("ecb", 2), ("bazg", 6),
    ]  # fmt: skip
    page = await installation.rates(source="bazg", currency="EGP")
    assert [(row.base, row.quote, f"{row.rate:f}") for row in page.items] == [("EGP", "CHF", "0.0166619")] * 3


async def test_a_second_run_changes_nothing_and_tells_nobody(installation: Installation) -> None:
    await installation.start()
    await installation.run()
    before = await installation.rates()
    second = await installation.run()
    assert {record.outcome for record in second.records} == {Outcome.UNCHANGED}
    assert await installation.rates() == before
    assert len(await installation.imported()) == 2


async def test_a_rate_that_changes_is_updated_with_before_and_after(installation: Installation) -> None:
    await installation.start()
    await installation.run(source="ecb")
    await installation.stop()
    await installation.start(ecb_daily_url=installation.path("/ecb?usd=1.0800"))
    told = await installation.run(source="ecb")
    changed = {record.key: record.changes for record in told.records if record.outcome is Outcome.UPDATED}
    assert changed == {"rate:ecb:USD:2026-03-06": {"rate": ("1.0705", "1.08")}}
    last = (await installation.imported())[-1]
    assert [(rate.currency, str(rate.rate)) for rate in last.rates] == [("USD", "1.08")]


async def test_the_history_is_stored_from_the_day_on_that_was_asked(installation: Installation) -> None:
    await installation.start()
    told = await installation.run(since="2026-05-01", source="ecb", currencies=["AAA", "AAB"])
    days = {record.key.rpartition(":")[2] for record in told.records}
    assert (min(days), max(days), len(told.records)) == ("2026-05-01", "2026-05-30", 60)


async def test_a_file_of_the_inbox_is_read_for_its_client_only(installation: Installation) -> None:
    await installation.put_file("rates.xml", bazg_file("04.06.2026", [("100 EGP", "1.66619")]))
    await installation.start()
    told = await installation.run(file="rates.xml")
    assert [record.key for record in told.records] == ["rate:bazg:EGP:2026-06-04"]
    other = await installation.run(file="rates.xml", client="other")
    assert other.end.failure is not None
    assert other.end.failure.code == "file_missing"


async def test_a_source_that_cannot_answer_is_asked_again_and_the_other_s_rates_are_there(
    installation: Installation,
) -> None:
    await installation.start(ecb_daily_url=installation.path("/500"))
    run_id = await installation.request()
    async with asyncio.timeout(30):
        while not (page := await installation.rates()).items:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.02)
    assert {row.source for row in page.items} == {"bazg"}
    await installation.stop()
    await installation.start_scheduler()
    await installation.start()
    told = await installation.ended(run_id)
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    last = {record.key: record.outcome for record in told.records}
    assert set(last.values()) == {Outcome.CREATED}
    assert len(last) == 8
    assert [event.source for event in await installation.imported()] == ["bazg", "ecb"]


async def test_a_source_that_publishes_nonsense_ends_the_run_with_the_reason(
    installation: Installation,
) -> None:
    await installation.start(ecb_daily_url=installation.path("/laughs"))
    told = await installation.run()
    assert told.end.state is RunState.FAILED
    assert told.end.failure is not None
    assert (told.end.failure.code, told.end.failure.concern) == ("rates_xml_unsafe", "ecb")
    assert {record.key.split(":")[1] for record in told.records} == {"bazg"}
