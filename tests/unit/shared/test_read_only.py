from dataclasses import replace

import pytest

from services.audit.jobs.verify_log import verify_log
from shared.errors import TagwerkError
from shared.events import Record
from shared.jobs import CatalogueEntry, ReadOnly, Safe
from shared.runner.read_only import check_reads_only
from shared.words import Outcome
from tests.support.run_events import record


@pytest.mark.parametrize("outcome", Outcome)
def test_a_job_that_only_reads_tells_of_no_change(outcome: Outcome) -> None:
    told: list[Record] = [record("a", Outcome.UNCHANGED), record("b", outcome)]
    if outcome not in (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED):
        check_reads_only("audit.look", told)
        return
    with pytest.raises(TagwerkError, match=f"says of b that it was {outcome}") as caught:
        check_reads_only("audit.look", told)
    assert caught.value.failure.code == "read_only_changed"
    assert not caught.value.failure.retryable


def test_the_catalogue_says_which_jobs_only_read() -> None:
    job = verify_log
    assert isinstance(job.repeat, ReadOnly)
    entry = CatalogueEntry.of(job, "1")
    assert (entry.read_only, entry.safe_to_repeat) == (True, True)
    assert entry.repeat == job.repeat.why
    assert not CatalogueEntry.of(replace(job, repeat=Safe("it is keyed")), "1").read_only
    assert not entry.asks_confirmation
