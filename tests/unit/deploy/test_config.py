"""Reading what services to start besides the usual ones."""

import pytest

from deploy.local.config import more_services
from shared.errors import TagwerkError


def test_a_service_is_named_by_the_last_word_of_its_module_or_as_written() -> None:
    assert more_services("tests.benchmarks.service, bench=tests.benchmarks.worker") == {
        "service": "tests.benchmarks.service",
        "bench": "tests.benchmarks.worker",
    }
    assert more_services("") == {}


@pytest.mark.parametrize("written", ["nats=a.b", "a.gateway", "x=a,x=b", "x=a b", "no-name=a", "x=", "../a"])
def test_a_name_that_is_taken_or_no_name_is_refused(written: str) -> None:
    with pytest.raises(TagwerkError) as refused:
        more_services(written)
    assert refused.value.failure.code == "service_invalid"
