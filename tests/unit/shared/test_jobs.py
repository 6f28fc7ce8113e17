"""A job says everything that its users need, or it does not start up."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.access import Access
from shared.events import Record
from shared.jobs import (
    CatalogueEntry,
    Job,
    JobRefused,
    Retry,
    Risky,
    Safe,
    collect,
    exponential,
    fixed,
    job,
    minutes,
    seconds,
)
from shared.words import Kind, Lane, Level

FACTS: dict[str, Any] = {
    "title": "Import rates",
    "kind": Kind.INTEGRATION,
    "owner": "Treasury",
    "access": Access(module="rates", level=Level.OPERATIONAL, roles=frozenset({"accounting"})),
    "expected_runtime": minutes(1),
    "retry": Retry(attempts=3),
    "repeat": Safe("keyed by date"),
    "output": "rates",
    "expected_result": "one rate a day",
    "logs": "service=lab",
    "troubleshooting": "docs/jobs/rates.md",
}


class Feed:
    pass


def declare(id: str = "lab.rates", **changes: Any) -> Job:
    facts = {name: value for name, value in {**FACTS, **changes}.items() if value is not ...}

    @job(id, **facts)
    async def rates(since: date, currencies: list[str] | None = None, *, feed: Feed) -> AsyncIterator[Record]:
        """Import the rates
        of every day.

        More words that the short description leaves out.
        """
        return
        yield

    return rates


@pytest.mark.parametrize("fact", sorted(FACTS))
def test_a_job_without_one_of_its_facts_is_refused_and_the_fact_is_named(fact: str) -> None:
    with pytest.raises(JobRefused, match=rf"job lab\.rates .*{fact} is missing"):
        declare(**{fact: ...})  # type: ignore[arg-type]


def test_every_missing_fact_is_named_at_once() -> None:
    with pytest.raises(JobRefused, match=r"title is missing; owner is missing"):
        declare(title=..., owner=...)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Rates"}, "the id must read"),
        ({"id": "lab.import_rates"}, "the id must read"),
        ({"repeat": Safe("")}, "why it is safe"),
        ({"repeat": Risky("")}, "which risk"),
        ({"retry": Retry(attempts=0)}, "at least 1"),
        ({"limit": 0}, "limit must be"),
        ({"ordered": True}, "ordered needs a limit"),
        ({"dry_run": True}, "dry_run needs a RunContext"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(JobRefused, match=words):
        declare(**changes)


def test_a_function_without_docstring_or_records_is_refused() -> None:
    async def silent() -> None:
        pass

    with pytest.raises(JobRefused, match=r"docstring is missing.*yields records"):
        job("lab.silent", **FACTS)(silent)  # type: ignore[arg-type]


def test_what_stands_before_the_star_is_filled_in_and_what_stands_after_it_is_provided() -> None:
    rates = declare()
    schema = rates.parameters_schema()
    assert schema["required"] == ["since"]
    assert schema["properties"]["since"]["format"] == "date"
    assert schema["additionalProperties"] is False
    assert rates.provided == {"feed": Feed}
    assert rates.description == "Import the rates of every day."


def test_the_timeout_follows_the_expected_runtime_unless_it_is_given() -> None:
    assert declare().timeout == timedelta(minutes=10)
    assert declare(expected_runtime=seconds(1)).timeout == timedelta(minutes=1)
    assert declare(timeout=seconds(3)).timeout == timedelta(seconds=3)


def test_a_job_of_another_service_an_id_used_twice_and_a_type_that_nobody_provides_are_refused(
    tmp_path: Path,
) -> None:
    rates = declare()
    with pytest.raises(JobRefused, match="must start with other"):
        collect("other", [rates], {Feed})
    with pytest.raises(JobRefused, match="used twice"):
        collect("lab", [rates, declare()], {Feed})
    with pytest.raises(JobRefused, match="nothing in service lab provides feed"):
        collect("lab", [rates], set())
    with pytest.raises(JobRefused, match=r"docs/jobs/rates.md does not exist"):
        collect("lab", [rates], {Feed}, root=tmp_path)
    assert collect("lab", [rates], {Feed}) == {"lab.rates": rates}


def test_a_job_with_a_limit_has_one_lane() -> None:
    assert declare().lanes == (Lane.INTERACTIVE, Lane.BULK)
    limited = declare(limit=1)
    assert limited.lanes == (None,)
    assert CatalogueEntry.of(limited, "1").lane_for(Lane.BULK) is Lane.INTERACTIVE
    assert CatalogueEntry.of(declare(), "1").lane_for(Lane.BULK) is Lane.BULK


def test_the_catalogue_entry_has_every_fact() -> None:
    entry = CatalogueEntry.of(declare(repeat=Risky("it books twice")), "0.1.0")
    assert entry.safe_to_repeat is False
    assert entry.repeat == "it books twice"
    assert entry.retry == "up to 3 attempts, the first retry after 5 s"
    assert entry.service == "lab"
    assert CatalogueEntry.model_validate_json(entry.model_dump_json()) == entry


def test_waits_grow_up_to_their_ceiling() -> None:
    backoff = exponential(seconds(5), ceiling=seconds(15))
    assert [backoff.wait_before(n).total_seconds() for n in (2, 3, 4, 5)] == [5, 10, 15, 15]
    assert [fixed(seconds(2)).wait_before(n).total_seconds() for n in (2, 9)] == [2, 2]
