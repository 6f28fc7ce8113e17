"""What a dry run tells of a record can never be taken for something that has happened."""

import pytest

from shared.errors import Failure
from shared.events import Record
from shared.runner.dry_run import would_be
from shared.words import Outcome

FAILURE = Failure(code="iban_missing", cause="the invoice has no IBAN", next_step="Correct it.")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Record(key="a", outcome=Outcome.CREATED, message="CHF 12.00"), "would be created: CHF 12.00"),
        (Record(key="a", outcome=Outcome.UPDATED, changes={"rate": (1, 2)}), "would be updated"),
        (Record(key="a", outcome=Outcome.DELETED), "would be deleted"),
        (Record(key="a", outcome=Outcome.FAILED, failure=FAILURE), "would fail: the invoice has no IBAN"),
        (Record(key="a", outcome=Outcome.UNKNOWN, message="no answer"), "would fail: no answer"),
    ],
)
def test_it_is_skipped_and_says_what_would_become_of_it(record: Record, message: str) -> None:
    told = would_be(record)
    assert (told.key, told.outcome, told.message) == ("a", Outcome.SKIPPED, message)
    assert told.failure is None
    assert told.changes is None


@pytest.mark.parametrize("outcome", [Outcome.UNCHANGED, Outcome.SKIPPED])
def test_what_would_not_change_anything_is_told_as_it_is(outcome: Outcome) -> None:
    record = Record(key="a", outcome=outcome, message="known already")
    assert would_be(record) == record
