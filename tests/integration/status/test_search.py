"""Runs and records by what a person has in hand, within what the asker may see."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.status import search as searching
from services.status.app import Parts
from shared.bus import Bus
from shared.commands import Scope, SearchHits, SearchQuery
from shared.database import Pool
from tests.integration.status.conftest import projecting, publish
from tests.support.run_events import START, RunTeller, record

IBAN = "CH9300762011623852957"


def told() -> list[RunTeller]:
    invoices = RunTeller("invoices", job="erp.invoices").requested().started()
    invoices.recorded(
        1,
        record("invoice:INV-4711", "created", label="INV-4711 of Muster AG"),
        record("invoice:INV-4712", "created"),
        record("invoice:INV-48", "failed"),
    ).finished(1, "partially_failed")
    later = START + timedelta(hours=1)
    again = RunTeller("again", job="erp.invoices", start=later).requested().started()
    again.recorded(1, record("invoice:INV-4711", "updated")).finished(1)
    bank = RunTeller("bank", job="bank.import").requested(client="beta").started()
    bank.recorded(
        1,
        record(f"bank-transaction:{IBAN}:2026-03-01:1", "created"),
        record("bank-file:Statement March.xml", "created"),
        record("invoice:INV-4799", "created"),
        record("plain-key", "created"),
    ).finished(1)
    return [invoices, again, bank]


RUNS = {run.name: run for run in told()}
ALPHA = Scope(clients=frozenset({"muster-ag"}))
BETA = Scope(clients=frozenset({"beta"}))
BANK = Scope(jobs=frozenset({"bank.import"}))


@pytest.fixture
async def parts(bus: Bus, pool: Pool) -> AsyncIterator[Parts]:
    async with projecting(bus, pool) as parts:
        messages = [message for run in RUNS.values() for message in run.messages]
        await parts.progress.reach(await publish(bus, messages))
        yield parts


async def search(parts: Parts, q: str, scope: Scope = Scope(), limit: int = 20) -> SearchHits:
    return await parts.search.search(SearchQuery(q=q, scope=scope, limit=limit))


async def found(parts: Parts, q: str, scope: Scope = Scope()) -> list[tuple[str, str]]:
    hits = (await search(parts, q, scope)).items
    names = {str(run.run_id): name for name, run in RUNS.items()}
    return [(names.get(hit.id, hit.id), hit.match) for hit in hits]


async def test_a_run_is_found_by_its_id_and_by_eight_digits_of_it(parts: Parts) -> None:
    id = str(RUNS["bank"].run_id)
    assert await found(parts, id) == [("bank", "run_id")]
    assert await found(parts, f"  {id.upper()} ") == [("bank", "run_id")]
    assert await found(parts, id[:8]) == [("bank", "run_id_beginning")]
    assert await found(parts, id[:12]) == [("bank", "run_id_beginning")]
    assert await found(parts, id[:7]) == []
    (hit,) = (await search(parts, id)).items
    assert (hit.kind, hit.client, hit.job, hit.state) == ("run", "beta", "bank.import", "succeeded")


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("invoice:INV-4711", ["invoice:INV-4711"]),
        ("INV-4711", ["invoice:INV-4711"]),
        ("inv-4711", ["invoice:INV-4711"]),
        ("INV-471", ["invoice:INV-4711", "invoice:INV-4712"]),
        (IBAN, [f"bank-transaction:{IBAN}:2026-03-01:1"]),
        ("CH93 0076 2011 6238 5295 7", [f"bank-transaction:{IBAN}:2026-03-01:1"]),
        ("ch93 0076", [f"bank-transaction:{IBAN}:2026-03-01:1"]),
        ("Statement March.xml", ["bank-file:Statement March.xml"]),
        ("plain", ["plain-key"]),
        ("IN", []),
        ("4711", []),
        ("_nv-4711", []),
        ("%", []),
    ],
)
async def test_a_record_is_found_by_its_key_its_name_or_how_they_begin(
    parts: Parts, typed: str, keys: list[str]
) -> None:
    hits = (await search(parts, typed)).items
    assert [hit.id for hit in hits] == keys
    assert all(hit.kind == "record" for hit in hits)


async def test_a_whole_key_comes_first_with_the_run_that_touched_it_last(parts: Parts) -> None:
    first, *rest = (await search(parts, "INV-4711")).items
    assert rest == []
    assert first.match == "record_key"
    assert (first.run_id, first.outcome, first.job) == (
        str(RUNS["again"].run_id), "updated", "erp.invoices"
    )  # fmt: skip
    assert [hit.match for hit in (await search(parts, "invoice:INV-47")).items] == [
        "record_key_beginning"
    ] * 3


async def test_nobody_finds_what_they_may_not_see(parts: Parts) -> None:
    nothing = SearchHits(items=[])
    bank = str(RUNS["bank"].run_id)
    for typed in (bank, bank[:8], IBAN, IBAN[:6], "Statement March.xml", "INV-4799", "plain-key"):
        # It looks like what is not there.
        assert await search(parts, typed, ALPHA) == await search(parts, "no such thing", ALPHA) == nothing
        assert (await search(parts, typed, BETA)).items
        assert (await search(parts, typed, BANK)).items
        assert await search(parts, typed, Scope(clients=frozenset())) == nothing
    assert [hit.id for hit in (await search(parts, "INV-47", ALPHA)).items] == [
        "invoice:INV-4711", "invoice:INV-4712"
    ]  # fmt: skip
    assert [hit.id for hit in (await search(parts, "INV-47", BETA)).items] == ["invoice:INV-4799"]


async def test_a_page_is_cut_and_says_so(parts: Parts) -> None:
    hits = await search(parts, "INV-4", limit=2)
    assert [hit.id for hit in hits.items] == ["invoice:INV-4711", "invoice:INV-4712"]
    assert hits.more
    assert not (await search(parts, "INV-4", limit=4)).more


async def test_beginnings_of_very_many_records_are_looked_through_up_to_a_limit(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 2)
    hits = await search(parts, "INV-4")
    assert [hit.id for hit in hits.items] == ["invoice:INV-4711"]
    assert hits.more


async def test_the_kinds_of_records_are_known(parts: Parts, pool: Pool) -> None:
    rows = await pool.fetch("select kind from record_kinds order by kind")
    assert [row["kind"] for row in rows] == ["bank-file", "bank-transaction", "invoice"]
