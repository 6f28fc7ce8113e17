"""Rows, outcomes and the event in one transaction, for one client only."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

import pytest

from services.integrations.rates.core import Rate
from services.integrations.rates.queries import list_rates
from services.integrations.rates.store import PostgresRates
from shared.bus import Bus
from shared.commands import RatesQuery, Scope
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import RatesImported, decode_business_event
from shared.ids import new_id
from shared.outbox import Outbox, Relay, Superseded
from shared.runner.context import RunContext
from shared.words import Outcome, RateSource

DAY = date(2026, 3, 6)


def rate(currency: str = "USD", value: str = "1.0705", day: date = DAY) -> Rate:
    return Rate(RateSource.ECB, currency, day, Decimal(value))


async def store(
    pool: Pool, *rates: Rate, client: str = "acme", run_id: UUID | None = None, attempt: int = 1
) -> Sequence[Outcome]:
    context = RunContext(run_id or new_id(), attempt, "integrations.import-daily-rates", client, "ada")
    outbox = Outbox(pool, Relay(pool, cast(Bus, None)), context)
    return [record.outcome for record in await PostgresRates(outbox, context).store_many(rates)]


async def events(pool: Pool) -> list[RatesImported]:
    rows = await pool.fetch("select payload from outbox where subject like 'event.%' order by id")
    decoded = [decode_business_event(row["payload"]) for row in rows]
    return [event for event in decoded if isinstance(event, RatesImported)]


async def test_new_rates_are_rows_records_and_one_event(pool: Pool) -> None:
    assert await store(pool, rate(), rate("CHF", "0.9634")) == [Outcome.CREATED, Outcome.CREATED]
    (event,) = await events(pool)
    assert [(told.base, told.quote, str(told.rate)) for told in event.rates] == [
        ("EUR", "USD", "1.0705"),
        ("EUR", "CHF", "0.9634"),
    ]
    assert (event.client, event.source) == ("acme", RateSource.ECB)
    assert await pool.fetchval("select count(*) from outbox where subject like 'run.%'") == 1


async def test_the_same_again_changes_no_row_and_tells_no_event(pool: Pool) -> None:
    await store(pool, rate())
    before = await pool.fetch("select * from rates")
    assert await store(pool, rate(value="1.07050")) == [Outcome.UNCHANGED]
    assert await pool.fetch("select * from rates") == before
    assert len(await events(pool)) == 1


async def test_an_event_names_only_what_changed(pool: Pool) -> None:
    await store(pool, rate(), rate("CHF", "0.9634"))
    assert await store(pool, rate(value="1.08"), rate("CHF", "0.9634"), rate("SEK", "11")) == [
        Outcome.UPDATED, Outcome.UNCHANGED, Outcome.CREATED,
    ]  # fmt: skip
    assert [told.currency for told in (await events(pool))[-1].rates] == ["USD", "SEK"]


async def test_a_second_attempt_of_the_run_still_tells_created(pool: Pool) -> None:
    run = new_id()
    await store(pool, rate(), run_id=run)
    assert await store(pool, rate(), rate("CHF"), run_id=run, attempt=2) == [Outcome.CREATED, Outcome.CREATED]
    assert [told.currency for event in await events(pool) for told in event.rates] == ["USD", "CHF"]


async def test_an_overtaken_attempt_writes_nothing(pool: Pool) -> None:
    run = new_id()
    await store(pool, rate(), run_id=run, attempt=2)
    with pytest.raises(Superseded):
        await store(pool, rate("CHF"), run_id=run, attempt=1)
    assert await pool.fetchval("select count(*) from rates") == 1


async def test_clients_have_rates_of_their_own(pool: Pool) -> None:
    await store(pool, rate(value="1.1"), client="acme")
    assert await store(pool, rate(value="1.2"), client="other") == [Outcome.CREATED]
    query = RatesQuery(scope=Scope(clients=frozenset({"acme"})))
    (row,) = (await list_rates(pool, query)).items
    assert (row.client, str(row.rate)) == ("acme", "1.1")


async def test_two_runs_at_once_create_each_rate_once(pool: Pool) -> None:
    rates = [rate(day=date(2026, 3, day)) for day in range(1, 29)]
    outcomes = await asyncio.gather(*(store(pool, *ordered) for ordered in (rates, rates[::-1]) * 3))
    told = [outcome for run in outcomes for outcome in run]
    assert told.count(Outcome.CREATED) == len(rates)
    assert told.count(Outcome.UNCHANGED) == 5 * len(rates)


async def test_pages_hold_every_rate_once_the_newest_day_first(pool: Pool) -> None:
    days = [date(2026, 3, day) for day in range(1, 8)]
    await store(pool, *(rate(currency, day=day) for day in days for currency in ("USD", "CHF", "SEK")))
    found, cursor = [], None
    while True:
        page = await list_rates(pool, RatesQuery(limit=4, cursor=cursor))
        found += [(row.day, row.currency) for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [(day, currency) for day in reversed(days) for currency in ("CHF", "SEK", "USD")]


async def test_a_list_is_narrowed_by_day_currency_and_source(pool: Pool) -> None:
    await store(pool, rate(), rate("CHF"), rate(day=date(2026, 3, 5)))
    query = RatesQuery(day=DAY, currency="USD", source=RateSource.ECB, client="acme")
    assert [(row.currency, row.day) for row in (await list_rates(pool, query)).items] == [("USD", DAY)]
    assert (await list_rates(pool, RatesQuery(source=RateSource.BAZG))).items == []


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WyJyYXRlcyIsMSwyLDMsNF0"])
async def test_a_cursor_of_another_list_is_refused(pool: Pool, cursor: str) -> None:
    with pytest.raises(TagwerkError) as caught:
        await list_rates(pool, RatesQuery(cursor=cursor))
    assert caught.value.failure.code == "cursor_invalid"
