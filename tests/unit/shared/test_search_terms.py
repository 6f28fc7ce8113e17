"""What may be meant by what is typed into a search box."""

from uuid import UUID

import pytest

from shared.search_terms import end_of, ids_between, keys, spellings

ID = UUID("0199d0a3-7c50-7f0e-8000-00000000000a")


def test_an_id_is_found_by_all_of_it_and_by_how_it_begins() -> None:
    assert ids_between(str(ID)) == (ID, ID)
    assert ids_between(f" run:{str(ID).upper()}") == (ID, ID)
    assert ids_between(ID.hex) == (ID, ID)
    low, high = ids_between("0199d0a3-7") or (ID, ID)
    assert low == UUID("0199d0a3-7000-0000-0000-000000000000")
    assert high == UUID("0199d0a3-7fff-ffff-ffff-ffffffffffff")


@pytest.mark.parametrize("typed", ["0199d0a", "INV-4711", "0199d0a3x", "", "-" * 9, "0" * 33])
def test_other_things_are_no_id(typed: str) -> None:
    assert ids_between(typed) is None


def test_an_account_number_is_also_meant_without_its_spaces() -> None:
    assert "CH9300762011623852957" in spellings("ch93 0076 2011 6238 5295 7")
    assert spellings("Two Words") == ["Two Words", "TWO WORDS", "two words"]


def test_a_key_may_be_typed_with_or_without_its_kind() -> None:
    assert keys("A1", ["invoice", "page"]) == [
        "A1", "a1", "invoice:A1", "invoice:a1", "page:A1", "page:a1"
    ]  # fmt: skip


def test_everything_that_begins_so_lies_before_the_end() -> None:
    assert "INV-4" < "INV-4711" < "INV-4\uffff" < end_of("INV-4") < "INV-5"
