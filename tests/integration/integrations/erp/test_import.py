"""Suppliers, cost centers and open items as the ERP has them, over real HTTP and in the real database."""

from pathlib import Path

import pytest

from services.integrations.erp.providers import erp_probe
from services.integrations.erp.queries import list_entries
from services.integrations.erp.rest.entry_store import Gone
from services.integrations.erp.rules import read_erp_rules
from shared.commands import ErpEntriesQuery, Scope
from shared.errors import TagwerkError
from shared.ids import new_id
from shared.words import ErpList, Outcome
from tests.integration.integrations.erp.conftest import Company, told
from tests.support.bookings import write_rules

SUPPLIERS = [{"id": f"7000{number}", "name": f"Supplier {number}"} for number in range(5)]
COST_CENTERS = [{"id": "K1", "name": "Sales"}, {"id": "K2", "name": "Zürich"}]


def lists_asked(company: Company) -> list[str]:
    return [line.removeprefix("GET ") for line in company.books["asked"]]


async def test_every_entry_of_every_page_is_stored_and_nothing_changed_costs_one_call(
    company: Company,
) -> None:
    company.fill(suppliers=SUPPLIERS, cost_centers=COST_CENTERS)
    foreseen = await company.read(dry_run=True)
    stored = await company.pool.fetchval("select count(*) from erp_entries where client = $1", company.client)
    first = await company.read()
    assert (len(first), set(told(first).values()), stored) == (7, {Outcome.CREATED}, 0)
    assert told(foreseen) == told(first)
    before = len(lists_asked(company))
    again = await company.read()
    assert lists_asked(company)[before:] == ["suppliers", "cost-centers", "open-items"]
    assert told(again) == {
        f"erp-list:{name}": Outcome.UNCHANGED for name in ("suppliers", "cost-centers", "open-items")
    }
    assert "none of 5" in str(again["erp-list:suppliers"].message)


async def test_changes_are_told_with_before_and_after_and_what_is_gone_is_marked(company: Company) -> None:
    company.fill(suppliers=SUPPLIERS)
    await company.read(lists=["suppliers"])
    company.fill(suppliers=[{**SUPPLIERS[0], "iban": "CH93"}, *SUPPLIERS[1:4]])
    run_id = new_id()
    changed = await company.read(lists=["suppliers"], run_id=run_id)
    assert changed["erp-supplier:70000"].changes == {"iban": (None, "CH93")}
    assert changed["erp-supplier:70004"].outcome is Outcome.DELETED
    assert [one for one in told(changed).values() if one == Outcome.UNCHANGED] == [Outcome.UNCHANGED] * 3
    kept = await company.pool.fetchrow(
        "select label, gone from erp_entries where client = $1 and id = '70004'", company.client
    )
    assert kept is not None
    assert tuple(kept) == ("Supplier 4", True)
    # Another attempt of the same run tells the same.
    assert await company.read(lists=["suppliers"], run_id=run_id) == changed
    company.fill(suppliers=[*SUPPLIERS, {"id": "8", "name": "New"}])
    back = await company.read(lists=["suppliers"])
    assert back["erp-supplier:70004"].changes == {"gone": (True, False)}
    assert back["erp-supplier:8"].outcome is Outcome.CREATED


async def test_too_many_that_are_gone_at_once_are_none_until_somebody_says_so(company: Company) -> None:
    many = [{"id": f"{number:03d}", "name": "x"} for number in range(10)]
    company.fill(suppliers=many)
    await company.read(lists=["suppliers"])
    company.fill(suppliers=many[:4])
    for dry_run in (True, False):
        with pytest.raises(TagwerkError) as raised:
            await company.read(lists=["suppliers"], dry_run=dry_run)
        assert raised.value.failure.code == "erp_too_many_gone"
        assert "6 of 10 entries of the list suppliers" in raised.value.failure.cause
    accepted = await company.read(lists=["suppliers"], accept_gone=True)
    assert [key for key, one in accepted.items() if one.outcome is Outcome.DELETED] == [
        f"erp-supplier:00{number}" for number in range(4, 10)
    ]


async def test_an_entry_that_cannot_be_read_fails_alone_and_is_told_again_next_time(company: Company) -> None:
    company.fill(suppliers=SUPPLIERS)
    await company.read(lists=["suppliers"])
    company.fill(suppliers=[{"id": "70000", "name": 7}, *SUPPLIERS[1:4]])
    for _ in range(2):
        records = await company.read(lists=["suppliers"])
        assert told(records)["erp-supplier:70000"] == "erp_entry_invalid"
    assert told(records)["erp-supplier:70001"] == Outcome.UNCHANGED
    # Without an id it may be any of those that are missing.
    company.fill(suppliers=[{"name": "nobody"}, SUPPLIERS[1]])
    records = await company.read(lists=["suppliers"])
    assert told(records) == {
        "erp-list:suppliers/page 1, entry 1": "erp_entry_invalid", "erp-supplier:70001": Outcome.UNCHANGED,
    }  # fmt: skip
    assert any("nothing is marked as gone" in line.message for line in company.lines)


async def test_a_page_that_fails_leaves_the_earlier_ones_in_and_the_other_lists_go_on(
    company: Company,
) -> None:
    company.fill(suppliers=SUPPLIERS, cost_centers=COST_CENTERS)
    company.fault("GET", "suppliers?cursor=2", status=503, retry_after=7200)
    with pytest.raises(TagwerkError) as raised:
        await company.read()
    failure = raised.value.failure
    assert (failure.code, failure.retry_after) == ("external_system_unavailable", 7200)
    rows = await company.pool.fetch("select id from erp_entries where client = $1", company.client)
    assert sorted(row["id"] for row in rows) == ["70000", "70001", "K1", "K2"]
    records = await company.read(lists=["suppliers"])
    assert sorted(told(records).values()) == [Outcome.CREATED] * 3 + [Outcome.UNCHANGED] * 2


async def test_a_short_wait_that_the_erp_asks_for_is_waited_on_the_spot(company: Company) -> None:
    company.fill(cost_centers=COST_CENTERS)
    company.fault("GET", "cost-centers", status=429, retry_after=0, times=2)
    assert len(await company.read(lists=["cost-centers"])) == 2
    assert [call.detail for call in company.calls] == ["429", "429", "200"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"body": []}, "erp_answer_invalid"),
        ({"body": {"items": {}}}, "erp_answer_invalid"),
        ({"status": 401}, "credentials_rejected"),
        ({"status": 404, "detail": "no such list"}, "external_system_refused"),
    ],
)
async def test_an_answer_that_is_none_says_what_is_wrong(company: Company, fault: dict, code: str) -> None:  # type: ignore[type-arg]
    company.fault("GET", "suppliers", **fault)
    with pytest.raises(TagwerkError) as raised:
        await company.read(lists=["suppliers"])
    assert raised.value.failure.code == code
    if "detail" in fault:
        assert "404 no such list" in raised.value.failure.cause


async def test_two_runs_that_read_a_list_at_once_leave_it_to_be_read_again(company: Company) -> None:
    company.fill(suppliers=SUPPLIERS[:4])
    early = company.entries()
    assert await early.begin(ErpList.SUPPLIERS) is None
    await company.read(lists=["suppliers"])
    # It has read the list before the other one did, and there was nothing in it.
    assert list(await early.finish(ErpList.SUPPLIERS, set(), "early", Gone(20))) == []
    again = await company.read(lists=["suppliers"])
    assert told(again) == {f"erp-supplier:7000{number}": Outcome.UNCHANGED for number in range(4)}
    assert list(told(await company.read(lists=["suppliers"]))) == ["erp-list:suppliers"]


async def test_what_is_stored_can_be_listed_page_by_page(company: Company) -> None:
    company.fill(suppliers=SUPPLIERS, cost_centers=COST_CENTERS)
    await company.read()
    company.fill(suppliers=SUPPLIERS[1:])
    await company.read()
    query = ErpEntriesQuery(scope=Scope(), client=company.client, limit=3)
    first = await list_entries(company.pool, query)
    rest = await list_entries(
        company.pool, query.model_copy(update={"cursor": first.next_cursor, "limit": 9})
    )
    rows = [(row.list, row.id, row.gone) for row in [*first.items, *rest.items]]
    assert rows == [
        ("cost-centers", "K1", False),
        ("cost-centers", "K2", False),
        ("suppliers", "70000", True),
        *(("suppliers", f"7000{number}", False) for number in range(1, 5)),
    ]
    assert rest.next_cursor is None
    narrowed = query.model_copy(update={"list": ErpList.SUPPLIERS, "gone": True})
    (gone,) = (await list_entries(company.pool, narrowed)).items
    assert (gone.id, gone.label, gone.values) == (
        "70000",
        "Supplier 0",
        {"name": "Supplier 0", "blocked": False},
    )
    strangers = query.model_copy(update={"scope": Scope(clients=frozenset({"another"}))})
    assert (await list_entries(company.pool, strangers)).items == []


async def test_the_look_before_a_start_says_what_a_run_would_meet(company: Company, tmp_path: Path) -> None:
    look = erp_probe(company.rules)
    assert await look(company.client) == "it answers (200)"
    with pytest.raises(TagwerkError) as raised:
        await look("stranger")
    assert raised.value.failure.code == "erp_not_set_up"
    company.rules.rest[company.client].token_file.write_text("an old one")
    with pytest.raises(TagwerkError) as raised:
        await look(company.client)
    assert raised.value.failure.code == "credentials_rejected"
    datev = read_erp_rules(write_rules(tmp_path / "datev.toml", tmp_path, company.client))
    assert "DATEV" in await erp_probe(datev)(company.client)
