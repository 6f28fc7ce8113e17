"""The canonical form of an entry, and what its hash covers."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.core import (
    BEGINNING,
    canonical,
    columns_of,
    content_hash,
    encoded,
    entry_hash,
    kind_of,
    moment,
    ranges,
    ranges_of,
)

LOG = UUID("01956000-0000-7000-8000-000000000001")
EVENT = UUID("01956000-0000-7000-8000-000000000002")
TIME = datetime(2026, 3, 1, 14, 2, 11, 250_000, UTC)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.text(min_size=1), JSON, max_size=6)


def shuffled(value: Any) -> Any:
    """The same with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(one) for one in value] if isinstance(value, list) else value


@given(FIELDS)
def test_equal_contents_have_one_form_and_it_says_the_same(fields: dict[str, Any]) -> None:
    content = canonical(fields)
    assert canonical(shuffled(fields)) == content
    assert content.fields == {name: value for name, value in fields.items() if value is not None}
    # It is its own canonical form, so whoever reads it can make it again.
    assert canonical(content.fields) == content
    assert json.loads(encoded(content.text)) == content.fields


@given(FIELDS, FIELDS)
def test_other_contents_have_another_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = canonical(one).text, canonical(other).text
    hashes = [content_hash(b"salt", encoded(text)) for text in (first, second)]
    assert (hashes[0] == hashes[1]) is (first == second)


def test_the_hash_covers_everything_that_stays_and_the_hash_before() -> None:
    given: dict[str, Any] = {
        "log_id": LOG, "number": 7, "event_id": EVENT, "recorded_at": TIME, "kind": "signed_in",
        "content": bytes(range(32)), "previous": BEGINNING,
    }  # fmt: skip
    changed: dict[str, Any] = {
        "log_id": EVENT, "number": 8, "event_id": LOG, "recorded_at": TIME + timedelta(microseconds=1),
        "kind": "signed_out", "content": bytes(32), "previous": bytes(range(32)),
    }  # fmt: skip
    hash = entry_hash(**given)
    assert hash.hex() == "5eafc59b93797583b5c0e438488e1d8cc46b28f1772c2e7ce19cb96e50446f98"
    assert len({hash, *(entry_hash(**given | {name: changed[name]}) for name in given)}) == len(given) + 1
    there = TIME.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert entry_hash(**given | {"recorded_at": there}) == hash


def test_a_moment_is_written_in_one_way() -> None:
    assert moment(TIME) == "2026-03-01T14:02:11.250000Z"
    assert moment(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00.000000Z"


@given(st.sets(st.integers(1, 60)))
def test_ranges_name_exactly_their_numbers(numbers: set[int]) -> None:
    text = ranges(sorted(numbers))
    assert {n for first, last in ranges_of(text) for n in range(first, last + 1)} == numbers
    assert text.count(",") == max(0, sum(n + 1 not in numbers for n in numbers) - 1)


@pytest.mark.parametrize("action", ["", "Signed_in", "signed-in", "a" * 64, "1st", "a\nb"])
def test_what_is_no_name_becomes_no_kind(action: str) -> None:
    assert kind_of(action) == "unnamed"


def test_columns_hold_what_postgresql_can_store() -> None:
    fields = {"time": moment(TIME), "principal": "a\0b", "concern": "x" * 600, "run_id": str(EVENT)}
    columns = columns_of(fields)
    assert (columns.principal, columns.run_id, columns.time) == ("a\ufffdb", EVENT, TIME)
    assert len(columns.concern) == 500
